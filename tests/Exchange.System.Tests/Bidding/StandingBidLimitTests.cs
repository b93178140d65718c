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
using Exchange.System.Tests.Cluster;
using Shouldly;

namespace Exchange.System.Tests.Bidding;

/// <summary>
/// The first in rank refuses at the post, and the next is a standing bid: it was not counted at the ping, so its limit is weighed when it is tried. The promise is
/// 8.00 at 10.00, which nobody else can pay.
/// </summary>
public sealed class StandingBidLimitTests : IAsyncLifetime
{
    private static readonly string Catalog = Market.With(
        """
        publishers:
          pub: { verticals: [auto], payout: { share: 80% } }
        buyers:
          refusing: { credit_limit: unlimited, endpoints: { line: { connector: grpc, timeout: { ping: 5s, post: 5s } } } }
          standing: { credit_limit: unlimited, endpoints: { line: { connector: grpc, timeout: { ping: 5s, post: 5s } } } }
          other: { credit_limit: unlimited }
        campaigns:
          first: { buyer: refusing, vertical: auto, bid: { live: line } }
          second: { buyer: standing, vertical: auto, bid: { live: line } }
          flat: { buyer: other, vertical: auto, bid: "5.00" }
        ping_trees:
          tree: { vertical: auto, tiers: [ { name: market, method: auction, pricing: second_price, campaigns: all } ] }
        """);

    private TestCluster cluster = null!;

    public async Task InitializeAsync() => cluster = await TestCluster.StartAsync(2, Catalog);

    public async Task DisposeAsync() => await cluster.DisposeAsync();

    /// <summary>A buyer's stream: bids 12.50, and answers each copy alike.</summary>
    private sealed class Wire(BidderLine line, AttemptResult? answer) : IBidderStream
    {
        public ConcurrentQueue<CopyMessage> Copies { get; } = new();

        public bool TrySend(BidCall call, DateTimeOffset deadline)
        {
            line.Answer(call.RequestId, new BidAnswer([new(Money.Parse("12.50"), null)], Reason.None));
            return true;
        }

        public bool TrySend(CopyMessage copy)
        {
            Copies.Enqueue(copy);
            if (answer is not null) line.Answer(copy.Copy.ToString(), answer);
            return true;
        }
    }

    [Fact]
    public async Task LowerRanks_SoldAtOnce_SpendNoMoreThanTheLimit()
    {
        var second = await BothAsync(limit: "35", new(AttemptKind.Accepted, Ref: "crm-1"));
        var pings = new List<LeadId>();
        for (var i = 0; i < 8; i++) pings.Add(await PromisedAsync(0));
        var posts = await Task.WhenAll(pings.Select(ping => Task.Run(() => cluster[0].PostAsync("pub", ping))));
        var said = posts.Select(StatusOf).ToArray();
        (said.Count(status => status == "sold"), said.Count(status => status == "unsold"), second.Copies.Count).ShouldBe((3, 5, 3));
        second.Copies.ShouldAllBe(copy => copy.Price == Money.Parse("10.00"));
    }

    [Fact]
    public async Task LowerRank_ThatIsInDoubt_CountsForTheNextOne()
    {
        var second = await BothAsync(limit: "15", answer: null);
        var (one, other) = (await PromisedAsync(0), await PromisedAsync(0));
        StatusOf(await cluster[0].PostAsync("pub", one)).ShouldBe("in_doubt");
        StatusOf(await cluster[0].PostAsync("pub", other)).ShouldBe("unsold");
        second.Copies.Select(copy => copy.Copy.Lead).ShouldBe([one]);
    }

    [Theory]
    [InlineData("withdrawn")]
    [InlineData("replaced")]
    [InlineData("stands")]
    public async Task LowerRank_PostedAtTheOtherSilo_IsSold_OnlyIfItStandsAsItBid(string since)
    {
        var second = await BothAsync(limit: "0", new(AttemptKind.Accepted, Ref: "crm-1"));
        var ping = await PromisedAsync(1);
        var standing = cluster[0].Get<StandingBids>();
        if (since == "withdrawn") standing.Withdraw(cluster[0].Get<CatalogHost>().Current, "standing", "line", "second").ShouldBeEmpty();
        else if (since == "replaced") Stand("10.00", "0");
        StatusOf(await cluster[0].PostAsync("pub", ping)).ShouldBe(since == "stands" ? "sold" : "unsold");
        second.Copies.Count.ShouldBe(since == "stands" ? 1 : 0);
    }

    /// <summary>It was set at another silo a moment ago, and the news of it is on its way.</summary>
    [Fact]
    public void Withdrawn_WhereItWasNotHeardOf_IsKnownAsWithdrawnAllTheSame()
    {
        var here = cluster[1].Get<StandingBids>();
        here.Withdraw(cluster[1].Get<CatalogHost>().Current, "standing", "line", "second").ShouldBeEmpty();
        here.SetHere().ShouldHaveSingleItem().PriceJson.ShouldBeNull();
    }

    /// <summary>Both are connected at the first silo, and what stands there is known at both.</summary>
    private async Task<Wire> BothAsync(string limit, AttemptResult? answer)
    {
        Open("refusing", new(AttemptKind.Rejected) { Refusal = Refusal.Answer });
        var second = Open("standing", answer);
        Stand("10.00", limit);
        for (var silo = 0; silo < 2; silo++) await PromisedAsync(silo);
        return second;
    }

    private Wire Open(string buyer, AttemptResult? answer)
    {
        var line = cluster[0].Get<BidderLines>().Of(buyer, "line");
        var wire = new Wire(line, answer);
        line.Open(wire);
        return wire;
    }

    private void Stand(string price, string limit) => cluster[0].Get<StandingBids>()
        .Set(cluster[0].Get<CatalogHost>().Current, "standing", "line", "second", $"\"{price}\"", Money.Parse(limit), null).ShouldBeEmpty();

    /// <summary>Pings until 8.00 is promised, which says that the second stands there; asked, it bids as much as the first.</summary>
    private async Task<LeadId> PromisedAsync(int silo)
    {
        PingReply reply = default;
        for (var i = 0; i < 400; i++)
        {
            reply = await cluster[silo].PingAsync("pub");
            if (reply.Answer!.Payout == Money.Parse("8.00"))
            {
                // So that the other silo can sell it, even if this one does not answer within a quarter of a second.
                await cluster.Store.Pings.FlushAsync(CancellationToken.None);
                return reply.Answer.PingId;
            }
            await Task.Delay(25);
        }
        throw new TimeoutException($"pings at silo {silo} earn {reply.Answer!.Payout}");
    }

    private static string? StatusOf(PostReply reply) => reply.Answer is { } json ? JsonNode.Parse(Encoding.UTF8.GetString(json))!["status"]!.GetValue<string>() : reply.Problem!.Code;
}
