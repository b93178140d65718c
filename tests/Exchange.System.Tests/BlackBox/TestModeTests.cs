using Exchange.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Tests walk the live catalog and leave no trace in it.</summary>
[Collection(LeadsAndReturns.Name)]
public sealed class TestModeTests
{
    private readonly ExchangeProcess exchange;

    public TestModeTests(RunningExchange running) => exchange = running.Process;

    [Fact]
    public async Task Test_WithALiveKey_TakesNoCapNoMoneyNoTurnAndReachesNoBuyer()
    {
        await exchange.ApplyAsync(Catalog("t"));
        using var publisher = await Sender.OfAsync(exchange, "pub-t");
        var person = Sender.NextPerson();
        var test = new { test = true };

        // More than the cap has room for, the same person each time, and always the same campaign's turn.
        for (var i = 0; i < 3; i++)
        {
            var ping = await publisher.PingAsync(with: test);
            ping["status"].ShouldBe("offered", ping.Text);
            ping["test"].ShouldBe("true");
            ping["ping_id"]!.ShouldStartWith("test_");
            var post = await publisher.PostAsync(ping["ping_id"]!, person);
            post.Status.ShouldBe(200, post.Text);
            post["status"].ShouldBe("sold");
            post["test"].ShouldBe("true");
            post["lead_id"]!.ShouldStartWith("test_");
            (await exchange.SoldToAsync(post["lead_id"]!)).ShouldBe(["a-t"]);
            (await exchange.LedgerAsync(post["lead_id"]!)).ShouldBeEmpty();
        }
        ((int)(await exchange.CapAsync("a-t", "total.leads"))["used"]!).ShouldBe(0);
        (await exchange.AdminAsync("ledger?account=buyer:buyer-t"))["transfers"]!.AsArray().ShouldBeEmpty();
        (await exchange.GetAsync("/v1/buyer/copies", await exchange.KeyAsync("buyer", "buyer-t"))).Json["copies"]!.AsArray().ShouldBeEmpty();

        // The first live lead finds everything as it was: a's turn, its one place, and a person who is no duplicate.
        var live = await publisher.PostAsync(await publisher.OfferedAsync(), person);
        live["status"].ShouldBe("sold", live.Text);
        live["lead_id"]!.ShouldNotStartWith("test_");
        (await exchange.SoldToAsync(live["lead_id"]!)).ShouldBe(["a-t"]);
        ((int)(await exchange.CapAsync("a-t", "total.leads"))["used"]!).ShouldBe(1);
    }

    [Fact]
    public async Task Test_WithATestKey_EveryCallIsATest()
    {
        await exchange.ApplyAsync(Catalog("k"));
        using var publisher = await Sender.OfAsync(exchange, "pub-k", "test");
        var ping = await publisher.PingAsync();
        ping["ping_id"]!.ShouldStartWith("test_", customMessage: ping.Text);
        (await publisher.PostAsync(ping["ping_id"]!))["status"].ShouldBe("sold");

        // A test key cannot post what a live key pinged.
        using var live = await Sender.OfAsync(exchange, "pub-k");
        var foreign = await publisher.PostAsync(await live.OfferedAsync());
        foreign.Status.ShouldBe(404, foreign.Text);
        foreign.Code.ShouldBe("ping_not_found");
    }

    [Theory]
    [InlineData("no_offer")]
    [InlineData("unsold")]
    [InlineData("sold")]
    public async Task TestResult_ForcesTheAnswer(string result)
    {
        var id = "r-" + result.Replace('_', '-');
        await exchange.ApplyAsync(Catalog(id));
        using var publisher = await Sender.OfAsync(exchange, "pub-" + id);
        var ping = await publisher.PingAsync(with: new { test = true, test_result = result });
        ping.Status.ShouldBe(200, ping.Text);
        ping["status"].ShouldBe(result == "no_offer" ? "no_offer" : "offered");
        if (result != "no_offer") (await publisher.PostAsync(ping["ping_id"]!))["status"].ShouldBe(result);
    }

    [Theory]
    [InlineData("pending")]
    [InlineData("in_doubt")]
    public async Task TestResult_OfAnUnfinishedSale_Answers202(string result)
    {
        var id = "u-" + result.Replace('_', '-');
        await exchange.ApplyAsync(Catalog(id));
        using var publisher = await Sender.OfAsync(exchange, "pub-" + id);
        var ping = await publisher.PingAsync(with: new { test = true, test_result = result });
        var post = await publisher.PostAsync(ping["ping_id"]!);
        post.Status.ShouldBe(202, post.Text);
        post["status"].ShouldBe(result);
        post["payout"].ShouldBe("0.00");
        post["payout_pending"].ShouldBe("2.40");
        post.Headers["Location"].ShouldBe($"/v1/leads/{post["lead_id"]}");
        (await publisher.LeadAsync(post["lead_id"]!))["status"].ShouldBe(result);
    }

    [Fact]
    public async Task TestResult_OfALiveCall_IsRefused()
    {
        await exchange.ApplyAsync(Catalog("l"));
        using var publisher = await Sender.OfAsync(exchange, "pub-l");
        var ping = await publisher.PingAsync(with: new { test_result = "sold" });
        ping.Status.ShouldBe(422, ping.Text);
        ping.Json["errors"]![0]!["pointer"]!.ToString().ShouldBe("/test_result");
    }

    [Fact]
    public async Task Publisher_ThatOnlyTests_SellsNothingLive()
    {
        await exchange.ApplyAsync(Catalog("p"));
        using var publisher = await Sender.OfAsync(exchange, "pub-p");
        var live = await publisher.OfferedAsync();
        await exchange.PatchAsync("publishers/pub-p", new { status = "test" });

        var ping = await publisher.PingAsync(with: new { test_result = "sold" });
        ping["status"].ShouldBe("offered", ping.Text);
        ping["ping_id"]!.ShouldStartWith("test_");
        var post = await publisher.PostAsync(ping["ping_id"]!);
        (post["status"], post["test"]).ShouldBe(("sold", "true"), post.Text);
        var direct = await exchange.PostAsync("/v1/leads", publisher.Key, new { vertical = "auto", fields = new { zip = "90210", email = "d@example.com", phone = "+13105550147" } });
        (direct["status"], direct["test"]).ShouldBe(("sold", "true"), direct.Text);
        // What it pinged before is not sold by a test.
        (await publisher.PostAsync(live)).Code.ShouldBe("ping_not_found");
        ((int)(await exchange.CapAsync("a-p", "total.leads"))["used"]!).ShouldBe(0);
    }

    /// <summary>Who goes live sends what he has tested with: it is not answered by what the test was.</summary>
    [Fact]
    public async Task TestAndLive_OfTheSameBody_AreTwoRequests()
    {
        await exchange.ApplyAsync(Catalog("m"));
        using var tests = await Sender.OfAsync(exchange, "pub-m", "test");
        using var live = await Sender.OfAsync(exchange, "pub-m");
        object Body(int person) => new { vertical = "auto", fields = new { zip = "90210", email = $"m{person}@example.com", phone = "+13105550147" } };

        var tested = await exchange.PostAsync("/v1/leads", tests.Key, Body(1));
        (tested["status"], tested["test"]).ShouldBe(("sold", "true"), tested.Text);
        var sold = await exchange.PostAsync("/v1/leads", live.Key, Body(1));
        sold["status"].ShouldBe("sold", sold.Text);
        sold["lead_id"]!.ShouldNotStartWith("test_");
        (await exchange.PostAsync("/v1/leads", tests.Key, Body(1)))["lead_id"].ShouldBe(tested["lead_id"]);

        (await exchange.PostAsync("/v1/leads", tests.Key, Body(2), ("Idempotency-Key", "m-1")))["test"].ShouldBe("true");
        (await exchange.PostAsync("/v1/leads", live.Key, Body(2), ("Idempotency-Key", "m-1"))).Code.ShouldBe("idempotency_key_reused");
        var ping = new { vertical = "auto", fields = new { zip = "90210" } };
        (await exchange.PostAsync("/v1/pings", tests.Key, ping, ("Idempotency-Key", "m-2")))["test"].ShouldBe("true");
        (await exchange.PostAsync("/v1/pings", live.Key, ping, ("Idempotency-Key", "m-2"))).Code.ShouldBe("idempotency_key_reused");
    }

    /// <summary>What is live is neither seen nor changed by it; and only a publisher's calls can be tests.</summary>
    [Fact]
    public async Task TestKey_OpensNothingThatIsLive()
    {
        await exchange.ApplyAsync(Catalog("o"));
        using var tests = await Sender.OfAsync(exchange, "pub-o", "test");
        using var live = await Sender.OfAsync(exchange, "pub-o");
        var sold = await live.PostAsync(await live.OfferedAsync());
        sold["status"].ShouldBe("sold", sold.Text);
        (await tests.LeadAsync(sold["lead_id"]!)).Status.ShouldBe(404);
        (await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{sold["lead_id"]}", tests.Key, """{"fields":{"state":"CA"}}""")).Status.ShouldBe(404);
        var keyed = await exchange.PostAsync("/v1/leads", live.Key, new { vertical = "auto", fields = new { zip = "90210", email = "o@example.com", phone = "+13105550148" } }, ("Idempotency-Key", "o-1"));
        keyed.Status.ShouldBe(200, keyed.Text);
        (await exchange.GetAsync("/v1/requests/o-1", tests.Key)).Status.ShouldBe(404);
        (await exchange.GetAsync("/v1/requests/o-1", live.Key)).Status.ShouldBe(200);

        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{exchange.GrpcPort}");
        var grpc = new IntakeService.IntakeServiceClient(channel);
        var asTest = new Metadata { { "authorization", "Bearer " + tests.Key } };
        (await Should.ThrowAsync<RpcException>(async () => await grpc.GetLeadAsync(new GetLeadRequest { LeadId = sold["lead_id"] }, asTest))).StatusCode.ShouldBe(StatusCode.NotFound);
        (await Should.ThrowAsync<RpcException>(async () => await grpc.AddFieldsAsync(new AddFieldsRequest { LeadId = sold["lead_id"], Fields = { ["state"] = "CA" } }, asTest))).StatusCode.ShouldBe(StatusCode.NotFound);

        foreach (var (role, id) in ((string, string)[])[("buyer", "buyer-o"), ("admin", "somebody"), ("viewer", "somebody")])
        {
            var refused = await exchange.PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, new { role, @for = id, mode = "test" });
            (refused.Status, refused.Json["errors"]![0].Text("pointer")).ShouldBe((422, "/mode"), refused.Text);
        }
    }

    /// <summary>Its grain is awake and knows the lead: a test is not told of it, whether it says the same or something else.</summary>
    [Fact]
    public async Task TestKey_WhileTheLivePostRuns_FindsNoPing_AndTheLeadIsSold()
    {
        await using var buyers = await BuyerApp.StartAsync();
        var one = buyers["held-one"].AcceptsWhenReleased();
        await new BuyerMarkets(buyers).Three("held", "20s").ServeAsync(exchange);
        var (live, tests) = (await exchange.KeyAsync("publisher", "search"), await exchange.KeyAsync("publisher", "search", "test"));
        var ping = await exchange.PingAsync(live, "held");
        var body = MarketCalls.PostBody(ping);
        var first = exchange.SellAsync(live, body);
        await MarketCalls.Until(() => one.Requests.Count == 1, "its buyer is asked", exchange);

        foreach (var posted in (string[])[body, MarketCalls.PostBody(ping)])
        {
            var refused = await exchange.SellAsync(tests, posted);
            (refused.Status, refused.Code).ShouldBe((404, "ping_not_found"), refused.Text);
        }
        one.Release();
        (await first)["status"].ShouldBe("sold");
        (await exchange.SellAsync(tests, body)).Code.ShouldBe("ping_not_found");
    }

    [Fact]
    public async Task Campaign_ForTests_IsReachedByThemOnly()
    {
        await exchange.ApplyAsync(Catalog("c"));
        using var publisher = await Sender.OfAsync(exchange, "pub-c");
        var offered = await publisher.OfferedAsync();
        await exchange.PatchAsync("campaigns/a-c", new { status = "test" });
        await exchange.PatchAsync("campaigns/b-c", new { status = "test" });

        var live = await publisher.PingAsync();
        (live["status"], live["reason"]).ShouldBe(("no_offer", "no_eligible_campaign"), live.Text);
        (await exchange.ExplainedAsync(live["ping_id"]!, "a-c")).Text("reason").ShouldBe("campaign_paused");
        // An offer of before is judged at its post: by the row, whatever this process remembers.
        var late = await publisher.PostAsync(offered);
        late["status"].ShouldBe("unsold", late.Text);

        var ping = await publisher.PingAsync(with: new { test = true });
        ping["status"].ShouldBe("offered", ping.Text);
        var post = await publisher.PostAsync(ping["ping_id"]!);
        post["status"].ShouldBe("sold", post.Text);
        // The live offer took a's turn, so this one is b's.
        (await exchange.SoldToAsync(post["lead_id"]!)).ShouldBe(["b-c"]);
        (await exchange.AdminAsync("campaigns/a-c")).Text("status").ShouldBe("test");
    }

    private static string Catalog(string id) => Market.Of("duplicate: { keys: [phone, email], window: 30d }",
        $$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer-{{id}}: { credit_limit: "1000.00" }
        campaigns:
          a-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "3.00", caps: [ { per: total, leads: 1 } ] }
          b-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "3.00" }
        ping_trees:
          tree-{{id}}:
            vertical: auto
            tiers: [ { name: pool, method: weighted, campaigns: [a-{{id}}, b-{{id}}] } ]
        """);
}
