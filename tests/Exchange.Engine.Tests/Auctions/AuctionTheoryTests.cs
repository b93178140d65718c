using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Tests.Pricing;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Auctions;

/// <summary>
/// What theory says an auction earns, measured through whole walks of a tree. Private values, independent and uniform on [0, 1].
/// Second price: bidding the value is best, and the price is the second highest of n values: (n − 1)/(n + 1) on average. First price: the
/// equilibrium bid is (n − 1)/n of the value, and the highest of these is as much on average (W. Vickrey: Counterspeculation, auctions, and
/// competitive sealed tenders, Journal of Finance 1961). Two bidders and the best reserve, 1/2: both above with chance 1/4 pay 2/3 on average,
/// one above with chance 1/2 pays 1/2, together 5/12 (R. Myerson: Optimal auction design, Mathematics of Operations Research 1981).
/// </summary>
public class AuctionTheoryTests
{
    private const int Auctions = 20_000, Bits = 30;
    /// <summary>The value 1, in micros: about a thousand units, so that a micro is nothing.</summary>
    private const long One = 1L << Bits;

    [Theory]
    [InlineData(TierPricing.SecondPrice, 2)]
    [InlineData(TierPricing.SecondPrice, 3)]
    [InlineData(TierPricing.SecondPrice, 5)]
    [InlineData(TierPricing.SecondPrice, 10)]
    [InlineData(TierPricing.FirstPrice, 2)]
    [InlineData(TierPricing.FirstPrice, 3)]
    [InlineData(TierPricing.FirstPrice, 5)]
    [InlineData(TierPricing.FirstPrice, 10)]
    public void Revenue_UniformValues_IsNMinusOneOverNPlusOne(TierPricing pricing, int bidders) =>
        Earns(pricing, bidders, null, value => pricing == TierPricing.SecondPrice ? value : value * (bidders - 1) / bidders, (bidders - 1.0) / (bidders + 1));

    [Fact]
    public void Revenue_TwoUniformValuesWithReserveOneHalf_IsFiveTwelfths() =>
        Earns(TierPricing.SecondPrice, 2, new Money(One / 2).ToString(), value => value, 5.0 / 12);

    private static void Earns(TierPricing pricing, int bidders, string? reserve, Func<long, long> bidOf, double expected)
    {
        var market = MarketOf(pricing, bidders, reserve);
        var draw = new Draw(20261123UL * (ulong)bidders + (ulong)pricing);
        double sum = 0, squares = 0;
        for (var i = 0; i < Auctions; i++)
        {
            var values = new FieldValue[bidders + 1];
            values[0] = new("CA", 0);
            for (var b = 1; b <= bidders; b++) values[b] = new("bid", bidOf(draw.Value()));
            var outcome = market.Run(Market.Ping() with { Values = values, Seed = (ulong)i });
            var earned = outcome.Outcome == Reason.None ? outcome.Offers.Single().Price.Micros / (double)One : 0;
            sum += earned;
            squares += earned * earned;
        }
        var mean = sum / Auctions;
        var error = Math.Sqrt((squares / Auctions - mean * mean) / Auctions);
        error.ShouldBeInRange(0.0001, 0.003); // else it would tell nothing
        mean.ShouldBe(expected, 4 * error);
    }

    /// <summary>The i-th bidder bids what the i-th value of the ping says, by one adjustment for each of its bits.</summary>
    private static Market MarketOf(TierPricing pricing, int bidders, string? reserve)
    {
        var campaigns = Enumerable.Range(1, bidders).Select(bidder => new Wants($"b{bidder}", "0.00")
        {
            Price = new PriceModel([], Money.Zero)
            {
                Adjustments = [.. Enumerable.Range(0, Bits).Select(bit =>
                    new PriceAdjustment(new When(subject => (subject.Values[bidder].Number >> bit & 1) == 1), PriceChange.By(new Money(1L << bit))))],
            },
        }).ToArray();
        return new()
        {
            Campaigns = campaigns, Step = "0.000001",
            Tiers = [new(TierMethod.Auction, [.. campaigns.Select(wants => wants.Id)]) { Pricing = pricing, Floor = reserve }],
        };
    }

    /// <summary>SplitMix64: the same values at every run.</summary>
    private sealed class Draw(ulong seed)
    {
        private ulong state = seed;

        /// <summary>At least 0, below the value 1, in micros.</summary>
        public long Value()
        {
            unchecked
            {
                var z = state += 0x9E3779B97F4A7C15;
                z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
                z = (z ^ z >> 27) * 0x94D049BB133111EB;
                return (long)((z ^ z >> 31) >> 64 - Bits);
            }
        }
    }
}
