using System.Numerics;
using CsCheck;
using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Tests.Auctions;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Tests.Pricing;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Values;

/// <summary>No money is made or lost by rounding, and none wraps around at the end of its range.</summary>
public sealed class MoneySumTests
{
    private static readonly long[] StepMicros = [1, 7, 10_000, 50_000, 333_333, 1_000_000];
    private static readonly Gen<Money> Steps = Gen.Int[0, 5].Select(i => new Money(StepMicros[i]));

    private static readonly Gen<PayoutTerms> Terms = Gen.OneOf(
        Gen.Long[0, 1_000_000].Select(millionths => PayoutTerms.Share(new(millionths))),
        Gen.Long[0, 50_000_000].Select(micros => PayoutTerms.Fixed(new(micros))),
        Gen.Long[0, 50_000_000].Select(micros => PayoutTerms.Margin(new(micros))));

    [Fact]
    public void PayoutsAndMargins_OfAnyCopies_AddUpToWhatBuyersPay() =>
        Gen.Select(Gen.Long[0, 100_000].Array[1, 20], Terms, Steps).Sample((prices, terms, step) =>
        {
            var payout = new PayoutModel([], terms, Money.Zero);
            BigInteger paid = 0, payouts = 0, margins = 0;
            foreach (var steps in prices)
            {
                var price = new Money(steps * step.Micros);
                var part = payout.PayoutFor(price, TestSubject.Of(), step);
                (part.Micros % step.Micros).ShouldBe(0);
                part.ShouldBeGreaterThanOrEqualTo(Money.Zero);
                (paid, payouts, margins) = (paid + price.Micros, payouts + part.Micros, margins + (price - part).Micros);
            }
            (payouts + margins).ShouldBe(paid);
        }, iter: 10_000);

    [Fact]
    public void Shares_OfAnyAmountThatMakeTheWhole_AddUpToItWithinHalfAStepEach() =>
        Gen.Select(Gen.Long[0, 1_000_000_000_000], Gen.Long[0, 1_000_000].Array[1, 6], Steps).Sample((steps, cuts, step) =>
        {
            // The whole in parts: between one cut and the next.
            var whole = new Money(steps / step.Micros * step.Micros);
            var places = cuts.Append(0).Append(Percent.One).Order().ToArray();
            BigInteger sum = 0;
            for (var i = 1; i < places.Length; i++) sum += whole.Share(new(places[i] - places[i - 1]), step).Micros;
            (BigInteger.Abs(sum - whole.Micros) * 2 <= (BigInteger)step.Micros * (places.Length - 1)).ShouldBeTrue();
            // What the rest is has no rounding of its own: taken as the difference it is exact.
            var first = whole.Share(new(places[1]), step);
            (first + (whole - first)).ShouldBe(whole);
        }, iter: 10_000);

    [Fact]
    public void CutAndRaise_AnyAmount_AreTheNearestStepsOrThrow() =>
        Gen.Select(Gen.Long, Steps).Sample((micros, step) =>
        {
            var amount = new Money(micros);
            var below = (BigInteger)micros - Mod(micros, step.Micros);
            var above = Mod(micros, step.Micros) == 0 ? below : below + step.Micros;
            ExactOrThrown(() => amount.CutTo(step), below);
            ExactOrThrown(() => amount.RaiseTo(step), above);
        }, iter: 10_000);

    [Theory]
    [InlineData(long.MaxValue, 1)]
    [InlineData(long.MaxValue, 10_000)]
    [InlineData(long.MaxValue - 1, 10_000)]
    [InlineData(long.MinValue, 1)]
    [InlineData(long.MinValue, 10_000)]
    [InlineData(long.MinValue + 1, 10_000)]
    public void CutAndRaise_AtTheEndsOfTheRange_AreExactOrThrow(long micros, long step)
    {
        var below = (BigInteger)micros - Mod(micros, step);
        ExactOrThrown(() => new Money(micros).CutTo(new(step)), below);
        ExactOrThrown(() => new Money(micros).RaiseTo(new(step)), Mod(micros, step) == 0 ? below : below + step);
    }

    [Fact]
    public void Arithmetic_OfAnyAmounts_IsExactOrThrows() =>
        Gen.Select(Gen.Long, Gen.Long, Gen.Long[0, 10_000_000], Steps).Sample((a, b, millionths, step) =>
        {
            ExactOrThrown(() => new Money(a) + new Money(b), (BigInteger)a + b);
            ExactOrThrown(() => new Money(a) - new Money(b), (BigInteger)a - b);
            var exact = (BigInteger)a * millionths;
            try
            {
                var off = BigInteger.Abs((BigInteger)new Money(a).Share(new(millionths), step).Micros * Percent.One - exact);
                (off * 2 <= (BigInteger)step.Micros * Percent.One).ShouldBeTrue();
            }
            catch (OverflowException)
            {
                // Only what is no amount of money any more may be refused.
                (BigInteger.Abs(exact) / Percent.One + step.Micros > long.MaxValue).ShouldBeTrue();
            }
        }, iter: 10_000);

    [Fact]
    public void Adjustments_BeyondTheRange_ThrowAndNeverWrap()
    {
        var model = new PriceModel([], Money.MaxValue) { Adjustments = [new(Condition.Always, PriceChange.By(PriceChange.MostPercent))] };
        Should.Throw<OverflowException>(() => model.Quote(TestSubject.Of()));
        var sum = new PriceModel([], Money.MaxValue) { Adjustments = [new(Condition.Always, PriceChange.By(new Money(1)))] };
        Should.Throw<OverflowException>(() => sum.Quote(TestSubject.Of()));
    }

    [Fact]
    public void Auction_OfTheHighestBidsThatCanBeWritten_IsExact()
    {
        var bids = Enumerable.Range(0, 20).Select(i => new Wants($"s{i}", "999999999999.999999") { Sharing = Sharing.Shared })
            .Append(new("x", "999999999999.99")).ToArray();
        var sold = Bidding.Of(bids, new AuctionTerms(20, new Money(1), Money.Parse("999999999999.999999")), TierPricing.SecondPrice).Sold();
        sold.Length.ShouldBe(20);
        // The rival and the increment together, shared by twenty: 1999999999999.989999 / 20, raised to a micro.
        sold.ShouldAllBe(copy => copy.Price == Money.Parse("99999999999.999500"));
    }

    private static BigInteger Mod(BigInteger value, long step) => ((value % step) + step) % step;

    private static void ExactOrThrown(Func<Money> compute, BigInteger exact)
    {
        if (exact >= long.MinValue && exact <= long.MaxValue)
        {
            try { ((BigInteger)compute().Micros).ShouldBe(exact); }
            // Within one step of an end an intermediate may be out of range: thrown is right, wrapped is not.
            catch (OverflowException) { (BigInteger.Abs(exact) > long.MaxValue - (BigInteger)2_000_000).ShouldBeTrue(); }
        }
        else Should.Throw<OverflowException>(() => compute());
    }
}
