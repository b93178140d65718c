using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.PingTrees;

/// <summary>A ping is decided without a byte of garbage once its thread has walked before.</summary>
public class AllocationTests
{
    [Theory]
    [InlineData(TierMethod.Auction, TierPricing.FirstPrice)]
    [InlineData(TierMethod.Auction, TierPricing.SecondPrice)]
    [InlineData(TierMethod.Priority, TierPricing.FirstPrice)]
    [InlineData(TierMethod.Weighted, TierPricing.FirstPrice)]
    [InlineData(TierMethod.RoundRobin, TierPricing.FirstPrice)]
    [InlineData(TierMethod.Even, TierPricing.FirstPrice)]
    [InlineData(TierMethod.Percent, TierPricing.FirstPrice)]
    public void Decide_AfterWarmUp_AllocatesNothing(TierMethod method, TierPricing pricing)
    {
        // Equal bids, handicaps, both sharings, a floor, a margin to be left, a filter that fails and a cap that is full.
        var campaigns = Enumerable.Range(0, 24).Select(i => new Wants($"c{i:00}", $"{10 + i % 5}.00")
        {
            Sharing = (Sharing)(i % 3), SharedBid = i % 3 == 2 ? "4.00" : null, Handicap = i % 4 == 0 ? "10%" : "0%", State = i == 7 ? "NY" : i % 2 == 0 ? "CA" : null,
            DayLeads = i == 9 ? 0 : 1_000, Balance = "500.00",
        }).ToArray();
        var market = new Market
        {
            Campaigns = campaigns, Copies = 3,
            Tiers =
            [
                new Tier(method, [.. campaigns.Take(16).Select(wants => wants.Id)]) { Pricing = pricing, Floor = "2.00", Copies = 3, Group = new Group("inner") { Copies = 2 } },
                new Tier(method, [.. campaigns.Skip(8).Select(wants => wants.Id)]) { Pricing = pricing, Copies = 3 },
            ],
            Payout = PayoutByPrice(),
        };
        var pings = Enumerable.Range(0, 64).Select(seed => Market.Ping() with { Seed = (ulong)seed }).ToArray();
        foreach (var ping in pings) PingWalk.Decide(market.Model, ping, market, market.Rotations).ShouldBe(Reason.None);

        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var ping in pings) PingWalk.Decide(market.Model, ping, market, market.Rotations);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    /// <summary>Dearer leads pay another share; the house keeps something of each.</summary>
    private static PayoutModel PayoutByPrice()
    {
        var errors = new ConfigErrors();
        var context = new ConditionContext
        {
            Fields = new([]), Place = ConditionPlace.Payout, Zone = TimeZoneInfo.Utc, Parsers = new((_, _) => null, _ => null), List = _ => null,
        };
        var dear = ConditionCompiler.Compile(new ConfigMap("", 0, [new("field", new ConfigText("", 0, "price")), new("at_least", new ConfigText("", 0, "12.00"))]), context, errors);
        errors.Any.ShouldBeFalse();
        return new([new(dear, PayoutTerms.Share(new(700_000)))], PayoutTerms.Share(new(800_000)), Money.Parse("0.50"), [Money.Parse("12.00")]);
    }
}
