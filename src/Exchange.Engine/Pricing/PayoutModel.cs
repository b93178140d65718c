using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Pricing;

public sealed record PayoutRule(Condition When, PayoutTerms Terms);

/// <summary>
/// What a publisher is paid of a price: the first matching rule's terms, else the otherwise terms; and the least margin the house keeps.
/// Conditions may read the subject's sharing, buyer and campaign, which the caller sets, and the price, which these methods set.
/// </summary>
public sealed class PayoutModel
{
    private readonly PayoutRule[] rules;
    // Prices at which a rule may begin or cease to match, ascending, from zero. Between two of them the same terms hold.
    private readonly Money[] breaks;

    /// <param name="rules">In the catalog's order; the first match wins.</param>
    /// <param name="otherwise">Where no rule matches.</param>
    /// <param name="minMargin">A bid that leaves the house less does not count.</param>
    /// <param name="pricesInRules">
    /// Every amount with which a rule's condition compares <c>price</c>: without them the lowest price for a payout cannot be found exactly.
    /// </param>
    public PayoutModel(IReadOnlyList<PayoutRule> rules, PayoutTerms otherwise, Money minMargin, IReadOnlyList<Money>? pricesInRules = null)
    {
        this.rules = [.. rules];
        Otherwise = otherwise;
        MinMargin = minMargin;
        var starts = new SortedSet<Money> { Money.Zero };
        foreach (var price in pricesInRules ?? [])
        {
            if (price >= Money.Zero) { starts.Add(price); starts.Add(price + new Money(1)); }
        }
        breaks = [.. starts];
    }

    public static PayoutModel Share(Percent share) => new([], PayoutTerms.Share(share), Money.Zero);
    public static PayoutModel Fixed(Money amount) => new([], PayoutTerms.Fixed(amount), Money.Zero);
    public static PayoutModel Margin(Money amount) => new([], PayoutTerms.Margin(amount), Money.Zero);

    public IReadOnlyList<PayoutRule> Rules => rules;
    public PayoutTerms Otherwise { get; }
    public Money MinMargin { get; }
    /// <summary><c>on_return: keep</c>: of a lead that comes back the publisher keeps its payout and the house pays it. Else the payout is reversed.</summary>
    public bool KeptOnReturn { get; init; }

    /// <summary>The terms that hold at this price.</summary>
    public PayoutTerms TermsFor(Money price, Subject subject)
    {
        subject.Price = price;
        foreach (var rule in rules) if (rule.When.Holds(subject)) return rule.Terms;
        return Otherwise;
    }

    /// <summary>Whole steps, half to even, never negative.</summary>
    public Money PayoutFor(Money price, Subject subject, Money step) => TermsFor(price, subject).PayoutFor(price, step);

    /// <summary>Whether a sale at this price leaves the house its least margin.</summary>
    public bool LeavesMargin(Money price, Subject subject, Money step) => price - PayoutFor(price, subject, step) >= MinMargin;

    /// <summary>The lowest price (whole steps) whose payout is at least the promise; null: no price has such a payout.</summary>
    public Money? LowestPrice(Money promise, Subject subject, Money step)
    {
        for (var i = 0; i < breaks.Length; i++)
        {
            var from = breaks[i].RaiseTo(step);
            var terms = TermsFor(from, subject);
            if (terms.LowestPrice(promise, from, step) is { } price && EndsAfter(i, price)) return price;
        }
        return null;
    }

    /// <summary>
    /// The lowest price (whole steps), not below <paramref name="from"/>, that leaves the house its least margin: what payout and margin
    /// ask of every bid. Null: no price does.
    /// </summary>
    public Money? LowestPriceWithMargin(Subject subject, Money step, Money from = default)
    {
        for (var i = 0; i < breaks.Length; i++)
        {
            var start = Money.Max(breaks[i], from).RaiseTo(step);
            if (!EndsAfter(i, start)) continue;
            var terms = TermsFor(start, subject);
            if (terms.LowestPriceWithMargin(MinMargin, start, step) is { } price && EndsAfter(i, price)) return price;
        }
        return null;
    }

    private bool EndsAfter(int interval, Money price) => interval + 1 == breaks.Length || price < breaks[interval + 1];
}
