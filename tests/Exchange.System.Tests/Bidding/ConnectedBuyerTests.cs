using Exchange.System.Tests.BlackBox;
using Exchange.V1;
using Grpc.Core;
using Shouldly;

namespace Exchange.System.Tests.Bidding;

/// <summary>Buyers that are connected over gRPC bid live and take copies, over the real server.</summary>
public sealed class ConnectedBuyerTests(RunningExchange running) : IClassFixture<RunningExchange>
{
    private readonly ExchangeProcess exchange = running.Process;

    [Fact]
    public async Task Bid_OnTheStream_WinsAndItsCopyComesOnTheStream_WithItsRef()
    {
        await exchange.ApplyAsync(Catalog("a"));
        using var publisher = await Sender.OfAsync(exchange, "pub-a");
        await using var buyer = await ConnectAsync("a");
        buyer.Bid = request => BuyerOnGrpc.Bids(request, 12.50m, "mine-7");

        var ping = await publisher.PingAsync();
        ping["payout"].ShouldBe("10.00", ping.Text);
        var asked = await buyer.NextRequestAsync();
        (asked.Campaign, asked.Vertical, asked.Test).ShouldBe(("live-a", "auto", false));
        asked.Sharing.ShouldBe(["exclusive"]);
        asked.DeadlineMs.ShouldBeInRange(1, 9_000);
        asked.Fields.Keys.ShouldNotContain("phone");
        asked.Source.ShouldNotContain("pub-a");

        var post = await publisher.PostAsync(ping["ping_id"]!);
        (post.Status, post["status"], post["payout"]).ShouldBe((200, "sold", "10.00"), post.Text);
        var copy = await buyer.NextCopyAsync();
        (copy.PriceMicros, copy.Ref, copy.Campaign).ShouldBe((12_500_000, "mine-7", "live-a"));
        copy.Fields.Keys.ShouldContain("phone");
        (await exchange.SoldToAsync(post["lead_id"]!)).ShouldBe(["live-a"]);
    }

    [Fact]
    public async Task Bid_LateOrNone_LosesToTheStandingPrice_AndIsExplained()
    {
        await exchange.ApplyAsync(Catalog("b"));
        using var publisher = await Sender.OfAsync(exchange, "pub-b");
        // Nobody is connected.
        var alone = await publisher.PingAsync();
        alone["payout"].ShouldBe("4.00", alone.Text);
        (await ReasonAsync(alone["ping_id"]!, "live-b")).ShouldBe("unreachable");

        await using var buyer = await ConnectAsync("b");
        buyer.Bid = static _ => null;
        var ping = await publisher.PingAsync(with: new { deadline_ms = 2_000 });
        ping["payout"].ShouldBe("4.00", ping.Text);
        (await ReasonAsync(ping["ping_id"]!, "live-b")).ShouldBe("timeout");
        // Its answer comes when all is over: nothing happens.
        await buyer.WriteAsync(new BidderMessage { Bids = BuyerOnGrpc.Bids(await buyer.NextRequestAsync(), 50m) });
        buyer.Bid = static request => new Bids { BidRequestId = request.BidRequestId, Bids_ = { new Bid { PriceMicros = -5 } } };
        (await ReasonAsync((await publisher.PingAsync())["ping_id"]!, "live-b")).ShouldBe("invalid_price");
        buyer.Bid = static request => new Bids { BidRequestId = request.BidRequestId, Bids_ = { new Bid { PriceMicros = 9_000_000, Currency = "EUR" } } };
        (await ReasonAsync((await publisher.PingAsync())["ping_id"]!, "live-b")).ShouldBe("invalid_currency");
    }

    [Fact]
    public async Task StandingBid_AnswersWithoutACall_WithinItsLimit_UntilItIsWithdrawn()
    {
        await exchange.ApplyAsync(Catalog("c"));
        using var publisher = await Sender.OfAsync(exchange, "pub-c");
        await using var buyer = await ConnectAsync("c");
        var wrong = await buyer.StandAsync(new StandingBid { Campaign = "live-c", PriceJson = """{ "rules": [ { "when": { "field": "stat", "is": "CA" }, "price": "9.00" } ] }""", CorrelationId = "1" });
        wrong.CorrelationId.ShouldBe("1");
        wrong.Errors.ShouldHaveSingleItem().Code.ShouldBe("unknown_field");
        (await buyer.StandAsync(new StandingBid { Campaign = "flat-c", PriceJson = "\"9.00\"" })).Errors.ShouldHaveSingleItem().Code.ShouldBe("unknown_id");

        var price = """{ "rules": [ { "when": { "field": "state", "is": "CA" }, "price": "10.00" } ], "otherwise": "2.00" }""";
        (await buyer.StandAsync(new StandingBid { Campaign = "live-c", PriceJson = price, SpendLimitMicros = 25_000_000 })).Errors.ShouldBeEmpty();
        // Tests are answered by it too, and spend nothing.
        for (var i = 0; i < 3; i++) (await publisher.PingAsync(with: new { test = true }))["payout"].ShouldBe("8.00");
        for (var i = 0; i < 2; i++)
        {
            var post = await publisher.PostAsync(await publisher.OfferedAsync());
            (post["status"], post["payout"]).ShouldBe(("sold", "8.00"), post.Text);
        }
        // A third would come to 30 of 25.
        (await publisher.PingAsync())["payout"].ShouldBe("4.00");
        buyer.Requests.TryPeek(out _).ShouldBeFalse();

        (await buyer.StandAsync(new StandingBid { Campaign = "live-c", Withdraw = true })).Errors.ShouldBeEmpty();
        buyer.Bid = request => BuyerOnGrpc.Bids(request, 6m);
        (await publisher.PingAsync())["payout"].ShouldBe("4.80");
        (await buyer.NextRequestAsync()).Campaign.ShouldBe("live-c");
    }

    [Fact]
    public async Task Copy_UnansweredWhenTheStreamBreaks_ComesAgainOnTheNext_AndIsSoldOnce()
    {
        await exchange.ApplyAsync(Catalog("d"));
        using var publisher = await Sender.OfAsync(exchange, "pub-d");
        var first = await ConnectAsync("d");
        first.Bid = request => BuyerOnGrpc.Bids(request, 12.50m);
        first.Take = static _ => null;
        var ping = await publisher.OfferedAsync();
        var posting = publisher.PostAsync(ping);
        var copy = await first.NextCopyAsync();
        await first.DisposeAsync();

        await using var second = await ConnectAsync("d");
        (await second.NextCopyAsync()).CopyId.ShouldBe(copy.CopyId);
        var post = await posting;
        (post.Status, post["status"], post["payout"]).ShouldBe((200, "sold", "10.00"), post.Text);
        (await exchange.SoldToAsync(post["lead_id"]!)).ShouldBe(["live-d"]);
    }

    [Fact]
    public async Task Connect_WithTheWrongKeyOrEndpoint_IsRefused()
    {
        await exchange.ApplyAsync(Catalog("e"));
        var publisher = await exchange.KeyAsync("publisher", "pub-e");
        (await Should.ThrowAsync<RpcException>(BuyerOnGrpc.ConnectAsync(exchange.GrpcPort, publisher))).StatusCode.ShouldBe(StatusCode.PermissionDenied);
        (await Should.ThrowAsync<RpcException>(BuyerOnGrpc.ConnectAsync(exchange.GrpcPort, "nobody"))).StatusCode.ShouldBe(StatusCode.Unauthenticated);
        var buyer = await exchange.KeyAsync("buyer", "buyer-e");
        (await Should.ThrowAsync<RpcException>(BuyerOnGrpc.ConnectAsync(exchange.GrpcPort, buyer, "inbox"))).StatusCode.ShouldBe(StatusCode.NotFound);
    }

    /// <summary>A direct post asks live bidders first: whoever asks for it by its key meanwhile is not told that nothing was done.</summary>
    [Fact]
    public async Task DirectPost_AskedForByItsKeyWhileItsBiddersThink_StillRuns()
    {
        await exchange.ApplyAsync(Catalog("f"));
        using var publisher = await Sender.OfAsync(exchange, "pub-f");
        await using var buyer = await ConnectAsync("f");
        buyer.Bid = static _ => null;
        var fields = new Dictionary<string, string>(Sender.NextPerson()) { ["zip"] = "90210" };
        var direct = exchange.PostAsync("/v1/leads", publisher.Key, new { vertical = "auto", fields }, ("Idempotency-Key", "thinks-1"));
        var asked = await buyer.NextRequestAsync();

        (await exchange.GetAsync("/v1/requests/thinks-1", publisher.Key)).Code.ShouldBe("idempotency_in_progress");
        await buyer.WriteAsync(new BidderMessage { Bids = new Bids { BidRequestId = asked.BidRequestId } });
        var sold = await direct;
        sold["status"].ShouldBe("sold", sold.Text);
        (await exchange.GetAsync("/v1/requests/thinks-1", publisher.Key))["lead_id"].ShouldBe(sold["lead_id"]);
    }

    /// <summary>It says nothing itself, and is told nothing any more.</summary>
    [Fact]
    public async Task KeyThatIsRevoked_ClosesItsOpenStream()
    {
        await exchange.ApplyAsync(Catalog("h"));
        var made = await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, new { role = "buyer", @for = "buyer-h", mode = "live" });
        await using var buyer = await BuyerOnGrpc.ConnectAsync(exchange.GrpcPort, made["key"]!);
        using var publisher = await Sender.OfAsync(exchange, "pub-h");
        buyer.Bid = request => BuyerOnGrpc.Bids(request, 12.50m);
        (await publisher.PingAsync())["payout"].ShouldBe("10.00");

        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/keys/{made["id"]}", ExchangeProcess.AdminKey)).Status.ShouldBe(200);
        // Nothing is sent on it meanwhile, from either side.
        await buyer.Copies.Completion.WaitAsync(TimeSpan.FromSeconds(40));
        (await ReasonAsync((await publisher.PingAsync())["ping_id"]!, "live-h")).ShouldBe("unreachable");
    }

    /// <summary>Its stream would hold the web server until the shutdown's time is over, and what stops after it would be cut off.</summary>
    [Fact]
    public async Task Server_ThatLeaves_EndsItsStreams_AndLeavesInGoodOrder()
    {
        await exchange.ApplyAsync(Catalog("g"));
        await using var buyer = await ConnectAsync("g");
        (await exchange.StopAsync()).ShouldBe(0);
        await exchange.RestartAsync();
    }

    /// <summary>What it was handed it may answer yet: cut off, its yes would be lost, and the copy in doubt.</summary>
    [Fact]
    public async Task Server_ThatLeaves_WaitsForTheAnswerToACopyThatIsWithItsBuyer()
    {
        await exchange.ApplyAsync(Catalog("i"));
        using var publisher = await Sender.OfAsync(exchange, "pub-i");
        await using var buyer = await ConnectAsync("i");
        buyer.Bid = request => BuyerOnGrpc.Bids(request, 12.50m);
        buyer.Take = static _ => null;
        var posting = publisher.PostAsync(await publisher.OfferedAsync());
        var copy = await buyer.NextCopyAsync();

        var stopping = exchange.StopAsync();
        await Task.Delay(TimeSpan.FromSeconds(1));
        stopping.IsCompleted.ShouldBeFalse();
        await buyer.WriteAsync(new BidderMessage { CopyAnswer = new CopyAnswer { CopyId = copy.CopyId, Answer = "accepted", Ref = "crm-1" } });
        var post = await posting;
        (post.Status, post["status"], post["payout"]).ShouldBe((200, "sold", "10.00"), post.Text);
        (await stopping).ShouldBe(0);
        await exchange.RestartAsync();
        (await exchange.SoldToAsync(post["lead_id"]!)).ShouldBe(["live-i"]);
    }

    /// <summary>As long as the copy's attempt lasts it may answer; the server does not stay for that longer than its shutdown has time for.</summary>
    [Fact]
    public async Task Server_ThatLeaves_WaitsForNoAnswerForEver()
    {
        await exchange.ApplyAsync(Catalog("j").Replace("ping: 9s", "ping: 9s, post: 30s", StringComparison.Ordinal));
        using var publisher = await Sender.OfAsync(exchange, "pub-j");
        await using var buyer = await ConnectAsync("j");
        buyer.Bid = request => BuyerOnGrpc.Bids(request, 12.50m);
        buyer.Take = static _ => null;
        var posting = publisher.PostAsync(await publisher.OfferedAsync());
        await buyer.NextCopyAsync();

        (await exchange.StopAsync()).ShouldBe(0);
        (await posting)["status"].ShouldBeOneOf("in_doubt", "pending");
        await buyer.Copies.Completion.WaitAsync(TimeSpan.FromSeconds(40));
        await exchange.RestartAsync();
    }

    /// <summary>A publisher in volume keeps its stream for good: the server would wait for it until its shutdown's time of 30 s is over, and cut off what is under way.</summary>
    [Fact]
    public async Task Server_ThatLeaves_AnswersThePingThatIsUnderWay_AndEndsTheStreamOfPings()
    {
        await exchange.ApplyAsync(Catalog("k").Replace("ping: 9s", "ping: 4s", StringComparison.Ordinal));
        using var publisher = await Sender.OfAsync(exchange, "pub-k");
        await using var buyer = await ConnectAsync("k");
        buyer.Bid = static _ => null;
        using var stream = publisher.Grpc.PingStream(publisher.GrpcHeaders());
        await stream.RequestStream.WriteAsync(new PingRequest { Vertical = "auto", CorrelationId = "1", Fields = { ["zip"] = "90210" } });
        await buyer.NextRequestAsync();

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var stopping = exchange.StopAsync();
        (await stream.ResponseStream.MoveNext(default).WaitAsync(patience.Token)).ShouldBeTrue();
        stream.ResponseStream.Current.CorrelationId.ShouldBe("1");
        stream.ResponseStream.Current.Answer.PayoutMicros.ShouldBe(4_000_000);
        var ended = await Should.ThrowAsync<RpcException>(stream.ResponseStream.MoveNext(default).WaitAsync(patience.Token));
        ended.StatusCode.ShouldBe(StatusCode.Unavailable);
        var status = global::Google.Rpc.Status.Parser.ParseFrom(ended.Trailers.GetValueBytes("grpc-status-details-bin").ShouldNotBeNull());
        status.Details[0].Unpack<global::Google.Rpc.ErrorInfo>().Reason.ShouldBe("unavailable");
        status.Details[1].Unpack<global::Google.Rpc.RetryInfo>().RetryDelay.Seconds.ShouldBe(1);
        (await stopping.WaitAsync(patience.Token)).ShouldBe(0);
        await exchange.RestartAsync();
    }

    private async Task<BuyerOnGrpc> ConnectAsync(string id) => await BuyerOnGrpc.ConnectAsync(exchange.GrpcPort, await exchange.KeyAsync("buyer", "buyer-" + id));

    private async Task<string> ReasonAsync(string ping, string campaign) =>
        (await exchange.ExplainedAsync(ping, campaign)).Text("reason")!;

    private static string Catalog(string id) => Market.Of("ping_deadline: 10s",
        $$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer-{{id}}: { credit_limit: unlimited, endpoints: { line: { connector: grpc, timeout: { ping: 9s } } } }
          other-{{id}}: { credit_limit: unlimited }
        campaigns:
          live-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: { live: line } }
          flat-{{id}}: { buyer: other-{{id}}, vertical: auto, bid: "5.00" }
        ping_trees:
          tree-{{id}}: { vertical: auto, tiers: [{ name: market, method: auction, campaigns: all }] }
        """);
}
