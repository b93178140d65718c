using Exchange.Engine.Values;

namespace Exchange.Engine.Pricing;

public enum PayoutKind { Share, Fixed, Margin }

/// <summary>
/// One way to make a payout of a price: a share of it, a fixed amount, or the price less the house's margin. Whole steps, half to even,
/// never negative.
/// </summary>
public readonly record struct PayoutTerms
{
    private PayoutTerms(PayoutKind kind, Percent percent, Money amount) { Kind = kind; Percent = percent; Amount = amount; }

    public static PayoutTerms Share(Percent share) => new(PayoutKind.Share, share, Money.Zero);
    public static PayoutTerms Fixed(Money amount) => new(PayoutKind.Fixed, default, amount);
    public static PayoutTerms Margin(Money amount) => new(PayoutKind.Margin, default, amount);

    public PayoutKind Kind { get; }
    public Percent Percent { get; }
    public Money Amount { get; }

    public Money PayoutFor(Money price, Money step)
    {
        var payout = Kind switch
        {
            PayoutKind.Share => price.Share(Percent, step),
            PayoutKind.Fixed => Amount.Share(Whole, step),
            _ => price > Amount ? (price - Amount).Share(Whole, step) : Money.Zero,
        };
        return Money.Max(payout, Money.Zero);
    }

    /// <summary>The lowest price of whole steps, not below <paramref name="from"/>, whose payout is at least the promise; null: none is.</summary>
    public Money? LowestPrice(Money promise, Money from, Money step)
    {
        from = from.RaiseTo(step);
        return PaysPromise(from, promise, step) ? from : Search(BeforePromise(promise, step), from, promise, step, Wanted.Promise);
    }

    /// <summary>The lowest price of whole steps, not below <paramref name="from"/>, that leaves the house this margin; null: none does.</summary>
    public Money? LowestPriceWithMargin(Money margin, Money from, Money step)
    {
        from = from.RaiseTo(step);
        if (LeavesMargin(from, margin, step)) return from;
        return Kind == PayoutKind.Margin ? NearOwnMargin(margin, from, step) : Search(BeforeMargin(margin, step), from, margin, step, Wanted.Margin);
    }

    // Up to the terms' own margin the payout is nothing and the price is the margin; above, what is left is that margin, by rounding half
    // to even a step more or less at every other price. So a solution lies within the next few steps or nowhere.
    private Money? NearOwnMargin(Money margin, Money from, Money step)
    {
        var price = Money.Max(from, (Money.Min(margin, Amount) - step).CutTo(step));
        for (var tries = 0; tries < 5; tries++, price += step) if (LeavesMargin(price, margin, step)) return price;
        return null;
    }

    private enum Wanted { Promise, Margin }

    private bool Holds(Money price, Money amount, Money step, Wanted wanted) =>
        wanted == Wanted.Promise ? PaysPromise(price, amount, step) : LeavesMargin(price, amount, step);

    private bool PaysPromise(Money price, Money promise, Money step) => PayoutFor(price, step) >= promise;

    private bool LeavesMargin(Money price, Money margin, Money step) => price - PayoutFor(price, step) >= margin;

    // A price that is surely not above the solution: rounding gives at most half a step, so it solves for one step less. Null: no solution.
    private Money? BeforePromise(Money promise, Money step) => Kind switch
    {
        PayoutKind.Share => Divide(promise - step, Percent.Millionths),
        PayoutKind.Margin => promise + Amount - step,
        _ => null,
    };

    private Money? BeforeMargin(Money margin, Money step) => Kind switch
    {
        PayoutKind.Share => Divide(margin - step, Percent.One - Percent.Millionths),
        _ => Amount + margin - step,
    };

    private static Percent Whole => new(Percent.One);

    /// <summary>Amount ÷ share, rounded down; null where the share is nothing or the quotient is no amount of money.</summary>
    private static Money? Divide(Money amount, long millionths)
    {
        if (millionths <= 0) return null;
        var quotient = (Int128)amount.Micros * Percent.One / millionths;
        return quotient > long.MaxValue / 2 ? null : new Money((long)quotient);
    }

    private Money? Search(Money? before, Money from, Money amount, Money step, Wanted wanted)
    {
        if (before is not { } start) return null;
        var below = Money.Max(from, start.CutTo(step));
        if (Holds(below, amount, step, wanted)) return below;
        // Doubling finds a price that holds, halving the first one.
        for (var stride = step; below.Micros <= long.MaxValue / 2 - stride.Micros; stride += stride)
        {
            var high = below + stride;
            if (!Holds(high, amount, step, wanted)) { below = high; continue; }
            while (high - below > step)
            {
                var middle = below + new Money((high - below).Micros / 2).CutTo(step);
                if (Holds(middle, amount, step, wanted)) high = middle; else below = middle;
            }
            return high;
        }
        return null;
    }
}
