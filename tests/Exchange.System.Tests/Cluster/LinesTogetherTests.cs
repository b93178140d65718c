using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using Exchange.Delivery;
using Exchange.Delivery.Bidders;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Values;
using Exchange.Grains.Bidding;
using Exchange.Grains.Catalog;
using Exchange.Grains.Intake;
using Exchange.System.Tests.BlackBox;
using Shouldly;

namespace Exchange.System.Tests.Cluster;

/// <summary>A buyer that is connected to one of two silos bids on, stands for and takes what comes to the other.</summary>
public sealed class LinesTogetherTests : IAsyncLifetime
{
    private static readonly string Catalog = Market.With(
        """
        publishers:
          pub: { verticals: [auto], payout: { share: 80% } }
        buyers:
          connected: { credit_limit: unlimited, endpoints: { line: { connector: grpc, timeout: { ping: 5s, post: 5s } } } }
          other: { credit_limit: unlimited }
        campaigns:
          live: { buyer: connected, vertical: auto, bid: { live: line } }
          flat: { buyer: other, vertical: auto, bid: "5.00" }
        ping_trees:
          tree: { vertical: auto, tiers: [ { name: market, method: auction, campaigns: all } ] }
        """);

    private static readonly Money Flat = Money.Parse("4.00"), Bid = Money.Parse("10.00"), Stood = Money.Parse("8.00");
    private TestCluster cluster = null!;

    public async Task InitializeAsync() => cluster = await TestCluster.StartAsync(2, Catalog);

    public async Task DisposeAsync() => await cluster.DisposeAsync();

    /// <summary>The buyer's end of a stream at one silo: bids 12.50, and takes copies unless told otherwise.</summary>
    private sealed class Wire(BidderLine line) : IBidderStream
    {
        public ConcurrentQueue<BidCall> Calls { get; } = new();
        public ConcurrentQueue<CopyMessage> Copies { get; } = new();
        public bool Takes { get; init; } = true;
        /// <summary>Done before a bid request is answered.</summary>
        public Action? Asked { get; set; }

        public bool TrySend(BidCall call, DateTimeOffset deadline)
        {
            Calls.Enqueue(call);
            Asked?.Invoke();
            line.Answer(call.RequestId, new BidAnswer([new(Money.Parse("12.50"), null) { Carry = new Dictionary<string, string> { ["ref"] = "mine-7" } }], Reason.None));
            return true;
        }

        public bool TrySend(CopyMessage copy)
        {
            Copies.Enqueue(copy);
            if (Takes) line.Answer(copy.Copy.ToString(), new AttemptResult(AttemptKind.Accepted, Ref: "crm-1"));
            return true;
        }
    }

    private BidderLine LineAt(int silo) => cluster[silo].Get<BidderLines>().Of("connected", "line");

    private Wire OpenAt(int silo, bool takes = true)
    {
        var wire = new Wire(LineAt(silo)) { Takes = takes };
        LineAt(silo).Open(wire);
        return wire;
    }

    /// <summary>As the server does when a stream ends.</summary>
    private void CloseAt(int silo, Wire wire)
    {
        LineAt(silo).Close(wire);
        cluster[silo].Get<StandingBids>().End("connected", "line", LineAt(silo));
    }

    [Fact]
    public async Task BidAndCopy_GoOverTheOtherSilosLine_AsOverItsOwn()
    {
        (await cluster[1].PingAsync("pub")).Answer!.Payout.ShouldBe(Flat);
        var wire = OpenAt(0);
        await PayoutAsync(1, Bid);
        for (var at = 0; at < 2; at++) StatusOf(await cluster[at].PostAsync("pub", await PayoutAsync(at, Bid))).ShouldBe("sold");
        wire.Calls.ShouldAllBe(call => call.Fields.Count > 0 && call.Fields.All(field => field.Name == "zip"));
        CopyMessage[] copies = [.. wire.Copies];
        copies.Length.ShouldBe(2);
        foreach (var copy in copies)
        {
            (copy.Campaign, copy.Price, copy.Carried["ref"], copy.AfterDoubt).ShouldBe(("live", Money.Parse("12.50"), "mine-7", false));
            copy.Fields.Select(field => (field.Name, field.Kind)).ShouldBe(copies[0].Fields.Select(field => (field.Name, field.Kind)));
            copy.Fields.ShouldContain(field => field.Name == "phone" && field.Text.StartsWith("+1310", StringComparison.Ordinal));
            (copy.Source, copy.SubSource, copy.Currency, copy.Exclusive).ShouldBe((copies[0].Source, copies[0].SubSource, "USD", copies[0].Exclusive));
        }
        // Closed: nobody has a line of it any more.
        CloseAt(0, wire);
        await PayoutAsync(1, Flat);
    }

    [Fact]
    public async Task Line_ThatMovesToTheOtherSilo_IsFoundThere()
    {
        var first = OpenAt(0);
        await PayoutAsync(1, Bid);
        CloseAt(0, first);
        var second = OpenAt(1);
        var asked = first.Calls.Count;
        StatusOf(await cluster[0].PostAsync("pub", await PayoutAsync(0, Bid))).ShouldBe("sold");
        (first.Calls.Count, first.Copies.Count, second.Copies.Count).ShouldBe((asked, 0, 1));
    }

    [Fact]
    public async Task Copy_ThatTheFarLineDoesNotAnswer_OrWhoseSiloIsLost_IsInDoubt_AndNoOtherBuyerGetsIt()
    {
        var wire = OpenAt(0, takes: false);
        await PayoutAsync(1, Bid);
        StatusOf(await cluster[1].PostAsync("pub", await PayoutAsync(1, Bid))).ShouldBe("in_doubt");
        wire.Copies.Count.ShouldBe(1);
        var ping = await PayoutAsync(1, Bid);
        var posting = cluster[1].PostAsync("pub", ping);
        await TestCluster.UntilAsync(() => wire.Copies.Count == 2, "the copy is at its buyer");
        await cluster[0].StopAsync();
        StatusOf(await posting).ShouldBe("in_doubt");
        await PayoutAsync(1, Flat);
    }

    [Fact]
    public async Task StandingBid_SetAtOneSilo_BidsAtBoth_WithinOneLimit_WhereverItsLeadsArePosted()
    {
        var wire = OpenAt(0);
        Set(0, "10.00", limit: "50");
        await StandsAsync(0, Stood);
        await StandsAsync(1, Stood);
        var asked = wire.Calls.Count;
        // An offer of one silo that is sold by the other counts once, and not for as long as the offer would have lived.
        for (var i = 0; i < 5; i++) StatusOf(await cluster[(i + 1) % 2].PostAsync("pub", await PayoutAsync(i % 2, Stood))).ShouldBe("sold");
        await PayoutAsync(0, Flat);
        await PayoutAsync(1, Flat);
        wire.Copies.Count.ShouldBe(5);
        wire.Calls.Count.ShouldBe(asked);
    }

    [Fact]
    public async Task StandingBid_SetWhileItsBuyerIsAsked_SpendsNothingOnThatOffer()
    {
        OpenAt(0).Asked = () => Set(0, "10.00", limit: "20");
        (await cluster[0].PingAsync("pub")).Answer!.Payout.ShouldBe(Bid);
        for (var i = 0; i < 2; i++) StatusOf(await cluster[0].PostAsync("pub", await PayoutAsync(0, Stood))).ShouldBe("sold");
        await PayoutAsync(0, Flat);
    }

    [Fact]
    public async Task StandingBid_IsReplacedOrWithdrawnAtAnySilo_AndEndsWithItsLine()
    {
        var (first, second) = (OpenAt(0), OpenAt(1));
        Set(0, "10.00");
        await StandsAsync(1, Stood);
        Set(1, "20.00");
        await StandsAsync(0, Money.Parse("16.00"));
        cluster[0].Get<StandingBids>().Withdraw(cluster[0].Get<CatalogHost>().Current, "connected", "line", "live").ShouldBeEmpty();
        await StandsAsync(1, Bid);
        await StandsAsync(0, Bid);
        Set(0, "10.00");
        await StandsAsync(1, Stood);
        // The line at the other silo is another one: what was set here ends, and its buyer is asked again.
        CloseAt(0, first);
        await StandsAsync(1, Bid);
        Set(1, "10.00");
        await StandsAsync(0, Stood);
        await cluster[1].StopAsync();
        await StandsAsync(0, Flat);
        second.Copies.ShouldBeEmpty();
    }

    [Fact]
    public async Task StandingBid_OfALineWithAnotherStream_GoesOn()
    {
        var (first, second) = (OpenAt(0), OpenAt(0));
        Set(0, "10.00");
        CloseAt(0, first);
        await StandsAsync(1, Stood);
        CloseAt(0, second);
        await StandsAsync(1, Flat);
        await StandsAsync(0, Flat);
    }

    private void Set(int silo, string price, string limit = "0") => cluster[silo].Get<StandingBids>()
        .Set(cluster[silo].Get<CatalogHost>().Current, "connected", "line", "live", $"\"{price}\"", Money.Parse(limit), null).ShouldBeEmpty();

    /// <summary>Pings until it earns this much; silos hear of each other twenty times a second.</summary>
    private async Task<LeadId> PayoutAsync(int silo, Money payout, bool test = false)
    {
        PingReply reply = default;
        for (var i = 0; i < 400; i++)
        {
            reply = await cluster[silo].PingAsync("pub", test: test);
            if (reply.Answer!.Payout == payout)
            {
                // So that any silo can sell it, even if this one does not answer within a quarter of a second.
                await cluster.Store.Pings.FlushAsync(CancellationToken.None);
                return reply.Answer.PingId;
            }
            await Task.Delay(25);
        }
        throw new TimeoutException($"pings at silo {silo} earn {reply.Answer!.Payout} and not {payout}");
    }

    /// <summary>The same with tests, which spend nothing but are bid on by what stands; live bids need a ping that is no test.</summary>
    private Task<LeadId> StandsAsync(int silo, Money payout) => PayoutAsync(silo, payout, test: payout != Bid);

    private static string? StatusOf(PostReply reply) => reply.Answer is { } json ? JsonNode.Parse(Encoding.UTF8.GetString(json))!["status"]!.GetValue<string>() : reply.Problem!.Code;
}
