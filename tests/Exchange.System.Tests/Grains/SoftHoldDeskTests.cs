using Exchange.Engine;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Limits;
using Exchange.Grains.SoftHolds;
using Orleans;
using Orleans.Runtime;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>Which offers are out: from their ping until their post, a minute at most.</summary>
public sealed class SoftHoldDeskTests
{
    [Fact]
    public async Task Outstanding_FallsAtThePostOrAfterAMinute_OnceForEachPing()
    {
        var market = new CapMarket();
        var rates = new PostRates();
        // No cap is near its end, so no grain is asked.
        var desk = new SoftHoldDesk(market.Live, rates, null!, market.Time);
        var pings = Enumerable.Range(1, 3).Select(i => LeadId.Create(market.NowMs, 1, false, (ulong)i)).ToArray();
        foreach (var ping in pings) (await desk.BackAsync(ping, market.Model, market.Model.Publishers["pub"], market.Subject(), Offered(market), market.Time.Now, long.MaxValue, direct: false)).ShouldBeNull();
        desk.OutstandingOf("one").ShouldBe(3);

        desk.Release(pings[0]);
        desk.Release(pings[0]);
        desk.OutstandingOf("one").ShouldBe(2);
        desk.Sweep(market.NowMs + 59_999);
        desk.OutstandingOf("one").ShouldBe(2);
        desk.Sweep(market.NowMs + 60_000);
        desk.OutstandingOf("one").ShouldBe(0);
        desk.Release(pings[2]);
        desk.OutstandingOf("one").ShouldBe(0);
    }

    /// <summary>Nobody can post it any more: it keeps no place from others, whatever lives longer.</summary>
    [Fact]
    public async Task Outstanding_OfAnOfferOfAShortLife_FallsAtItsEnd()
    {
        var market = new CapMarket();
        var desk = new SoftHoldDesk(market.Live, new PostRates(), null!, market.Time);
        foreach (var (n, lifeMs) in ((ulong, long)[])[(1, 300_000), (2, 10_000)])
            (await desk.BackAsync(LeadId.Create(market.NowMs, 1, false, n), market.Model, market.Model.Publishers["pub"], market.Subject(), Offered(market), market.Time.Now, market.NowMs + lifeMs, direct: false)).ShouldBeNull();
        desk.Sweep(market.NowMs + 9_999);
        desk.OutstandingOf("one").ShouldBe(2);
        desk.Sweep(market.NowMs + 10_000);
        desk.OutstandingOf("one").ShouldBe(1);
    }

    /// <summary>Its post follows at once: it needs a place for sure, however few of its publisher's offers are posted.</summary>
    [Fact]
    public async Task DirectPost_IsBackedAsOneThatIsPosted()
    {
        var market = new CapMarket(campaignCaps: """{ "per": "day", "leads": 5 }""");
        market.Hear(market.Cap("day.leads"), used: 4);
        var rates = new PostRates();
        for (var i = 0; i < 5_000; i++) rates.Offered("pub");
        var asked = 0;
        var grain = Stub.Of<ICampaignGrain>((name, _) => name == nameof(ISoftHoldGrain.TrySoftHold) && ++asked > 0 ? new ValueTask<bool>(true) : default(ValueTask));
        var desk = new SoftHoldDesk(market.Live, rates, Stub.Of<IGrainFactory>((_, _) => grain), market.Time);
        for (var i = 1UL; i <= 4; i++)
        {
            (await desk.BackAsync(LeadId.Create(market.NowMs, 1, false, i), market.Model, market.Model.Publishers["pub"], market.Subject(), Offered(market), market.Time.Now, long.MaxValue, direct: i == 4)).ShouldBeNull();
            asked.ShouldBe(i == 4 ? 1 : 0);
        }
    }

    /// <summary>The silo that a limit's grain was on is gone, or its memory cannot be read: a ping is answered all the same, and nothing is left behind.</summary>
    [Fact]
    public async Task GrainThatCannotBeHad_KeepsNoOfferBack_AndHoldsNothing()
    {
        var market = new CapMarket(campaignCaps: """{ "per": "day", "leads": 1 }""");
        var asked = 0;
        var grain = Stub.Of<ICampaignGrain>((name, _) => name == nameof(ISoftHoldGrain.TrySoftHold) && ++asked > 0 ? throw new OrleansException("its silo is gone") : default(ValueTask));
        var desk = new SoftHoldDesk(market.Live, new PostRates(), Stub.Of<IGrainFactory>((_, _) => grain), market.Time);
        var pings = Enumerable.Range(1, 100).Select(i => LeadId.Create(market.NowMs, 1, false, (ulong)i)).ToArray();
        foreach (var ping in pings) (await desk.BackAsync(ping, market.Model, market.Model.Publishers["pub"], market.Subject(), Offered(market), market.Time.Now, long.MaxValue, direct: false)).ShouldBeNull();

        asked.ShouldBeGreaterThan(0);
        foreach (var ping in pings) desk.Release(ping);
        desk.OutstandingOf("one").ShouldBe(0);
        market.Read(market.Cap("day.leads")).Held.ShouldBe(0);
    }

    private static PingOutcome Offered(CapMarket market)
    {
        var price = Money.Parse("5.00");
        return new(Reason.None, "main", [new RankedBid(0, market.Campaign, Sharing.Exclusive, price, Money.Zero, false)], [new Offer("1", 0, Sharing.Exclusive, price, price, null, true)], [], []);
    }
}
