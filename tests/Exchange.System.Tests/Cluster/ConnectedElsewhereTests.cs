using Exchange.System.Tests.Bidding;
using Exchange.System.Tests.BlackBox;
using Exchange.V1;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.Cluster;

/// <summary>Two real servers over one PostgreSQL, and a buyer that is connected to one of them: what comes to the other reaches it.</summary>
[Collection(TwoServersTogether.Name)]
public sealed class ConnectedElsewhereTests(TwoServers servers) : IAsyncLifetime
{
    private static readonly string Catalog = Market.With(
        """
        publishers:
          pub: { verticals: [auto], payout: { share: 80% } }
        buyers:
          connected: { credit_limit: unlimited, endpoints: { line: { connector: grpc, timeout: { ping: 3s, post: 8s } } } }
          other: { credit_limit: unlimited }
        campaigns:
          live: { buyer: connected, vertical: auto, bid: { live: line } }
          flat: { buyer: other, vertical: auto, bid: "5.00" }
        ping_trees:
          tree: { vertical: auto, tiers: [ { name: market, method: auction, campaigns: all } ] }
        """);

    private readonly ClusterProcesses cluster = servers.Cluster;
    private string buyerKey = null!;
    private Sender near = null!, far = null!;

    public async Task InitializeAsync()
    {
        await cluster[0].ApplyAsync(Catalog);
        buyerKey = await servers.KeyAsync("buyer", "connected");
        var key = await servers.KeyAsync("pub");
        (near, far) = (new(cluster[0], key), new(cluster[1], key));
        await Until(async () => (await far.PingAsync()) is { Status: 200 } ping && ping["payout"] == "4.00", "the other server has catalog and key");
    }

    public async Task DisposeAsync()
    {
        near.Dispose();
        far.Dispose();
        // Others use both.
        if (cluster[0].HasExited) await cluster.RestartAsync(0);
    }

    [Fact]
    public async Task BidStandingBidAndCopy_OverTheOtherServer_AndTheLineMovesWithACopyOpen()
    {
        var alone = await far.PingAsync();
        (await cluster[1].ExplainedAsync(alone["ping_id"]!, "live")).Text("reason").ShouldBe("unreachable");

        var buyer = await ConnectAsync(0);
        await EarnsAsync(far, "10.00");
        var person = Sender.NextPerson();
        var post = await far.PostAsync(await EarnsAsync(far, "10.00"), person, new { consent = new { text = "I agree", page = "https://example.com/auto" } });
        (post.Status, post["status"], post["payout"]).ShouldBe((200, "sold", "10.00"), post.Text);
        var copy = await buyer.NextCopyAsync();
        (copy.PriceMicros, copy.Ref, copy.Campaign, copy.Consent.Text).ShouldBe((12_500_000, "mine-7", "live", "I agree"));
        copy.Fields["email"].ShouldBe(person["email"]);
        (await cluster[0].SoldToAsync(post["lead_id"]!)).ShouldBe(["live"]);

        (await buyer.StandAsync(new StandingBid { Campaign = "live", PriceJson = "\"20.00\"", SpendLimitMicros = 60_000_000 })).Errors.ShouldBeEmpty();
        for (var i = 0; i < 3; i++)
        {
            var stood = await cluster[i % 2].SellElsewhereAsync(near.Key, await EarnsAsync(i % 2 == 0 ? far : near, "16.00"));
            (stood["status"], stood["payout"]).ShouldBe(("sold", "16.00"), stood.Text);
            await buyer.NextCopyAsync();
        }
        await EarnsAsync(far, "4.00");
        await EarnsAsync(near, "4.00");
        (await buyer.StandAsync(new StandingBid { Campaign = "live", Withdraw = true })).Errors.ShouldBeEmpty();

        buyer.Take = static _ => null;
        var second = Sender.NextPerson();
        var ping = await EarnsAsync(far, "10.00");
        var posting = far.PostAsync(ping, second);
        copy = await buyer.NextCopyAsync();
        await buyer.DisposeAsync();
        await using var moved = await ConnectAsync(1);
        (await moved.NextCopyAsync()).CopyId.ShouldBe(copy.CopyId);
        (await posting)["status"].ShouldBeOneOf("sold", "in_doubt", "pending");
        await SoldOnceAsync(cluster[1], ping);
        // Now the first server is the one without a line.
        await EarnsAsync(near, "10.00");
        foreach (var server in cluster.All) foreach (var value in person.Values.Concat(second.Values).Where(value => value.Length > 5)) server.Output.ShouldNotContain(value);
    }

    [Fact]
    public async Task ServerWithTheLine_KilledWithACopyOpen_ItComesAgainWhereTheBuyerConnectsNext_AndIsSoldOnce()
    {
        await using var buyer = await ConnectAsync(0);
        buyer.Take = static _ => null;
        (await buyer.StandAsync(new StandingBid { Campaign = "live", PriceJson = "\"20.00\"" })).Errors.ShouldBeEmpty();
        var ping = await EarnsAsync(far, "16.00");
        var posting = far.PostAsync(ping);
        var copy = await buyer.NextCopyAsync();
        cluster[0].Kill();
        (await posting)["status"].ShouldBeOneOf("in_doubt", "pending");
        // What stood at the dead server stands no more, and pings go on.
        await EarnsAsync(far, "4.00");
        await using var again = await ConnectAsync(1);
        (await again.NextCopyAsync()).CopyId.ShouldBe(copy.CopyId);
        await SoldOnceAsync(cluster[1], ping);
        await EarnsAsync(far, "10.00");
    }

    private async Task<BuyerOnGrpc> ConnectAsync(int server)
    {
        var buyer = await BuyerOnGrpc.ConnectAsync(cluster[server].GrpcPort, buyerKey);
        buyer.Bid = static request => BuyerOnGrpc.Bids(request, 12.50m, "mine-7");
        return buyer;
    }

    /// <summary>The first ping that is worth this much: servers tell each other of lines and standing bids twenty times a second.</summary>
    private static async Task<string> EarnsAsync(Sender publisher, string payout)
    {
        string? id = null;
        await Until(async () =>
        {
            var ping = await publisher.PingAsync();
            if (ping["payout"] == payout) id = ping["ping_id"];
            return id is not null;
        }, "a ping earns " + payout);
        return id!;
    }

    private static async Task SoldOnceAsync(ExchangeProcess server, string lead)
    {
        await Until(async () => (await server.SoldToAsync(lead)).Length > 0, "sold");
        (await server.SoldToAsync(lead)).ShouldBe(["live"]);
        (await server.LedgerAsync(lead)).NetOf("buyer:connected").ShouldBeLessThan(0);
    }
}
