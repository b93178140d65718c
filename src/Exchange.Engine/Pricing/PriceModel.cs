using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Pricing;

public sealed record PriceRule(Condition When, Money Price);

/// <summary>A change of the price for some leads: a publisher, an hour, a value of a field.</summary>
public sealed record PriceAdjustment(Condition When, PriceChange By);

/// <summary>What becomes of a price above its maximum.</summary>
public enum OverMax { Cut, Decline }

/// <summary>A price for one lead, or why there is none.</summary>
/// <param name="Price">Not yet cut to the price step; null if there is none.</param>
/// <param name="Reason"><c>None</c>; <c>NoBid</c>: no rule matches; <c>InvalidPrice</c>: above the maximum, and such prices are declined.</param>
public readonly record struct PriceQuote(Money? Price, Reason Reason);

/// <summary>
/// A bid or a floor as the catalog writes it: the first matching rule's price, else the otherwise price, else none; then every adjustment that
/// matches, in order; then the maximum.
/// </summary>
public sealed class PriceModel
{
    private readonly PriceRule[] rules;
    private readonly PriceAdjustment[] adjustments = [];

    /// <param name="rules">In the catalog's order; the first match wins.</param>
    /// <param name="otherwise">Null: where no rule matches there is no price.</param>
    public PriceModel(IReadOnlyList<PriceRule> rules, Money? otherwise)
    {
        this.rules = [.. rules];
        Otherwise = otherwise;
    }

    public static PriceModel Fixed(Money price) => new([], price);

    public IReadOnlyList<PriceRule> Rules => rules;
    public Money? Otherwise { get; }

    /// <summary>In the catalog's order; every match counts, a percentage of the price as it is by then.</summary>
    public IReadOnlyList<PriceAdjustment> Adjustments { get => adjustments; init => adjustments = [.. value]; }

    /// <summary>The highest price, after adjustments; null = any.</summary>
    public Money? Max { get; init; }

    public OverMax OverMax { get; init; }

    /// <summary>Who is asked for the price; null: nobody. Rules and otherwise are then its price where the answer has none.</summary>
    public EndpointModel? Live { get; init; }

    /// <summary>Charged its own bid even where the others pay a second price.</summary>
    public bool PaysBid { get; init; }

    /// <summary>The price for this lead. Reads the subject's <c>Sharing</c>; the caller sets it. Allocates nothing.</summary>
    /// <param name="answered">The price that a live bidder named; no adjustment raises it.</param>
    public PriceQuote Quote(Subject subject, Money? answered = null)
    {
        if (Uncapped(subject, answered) is not { } price) return new(null, Reason.NoBid);
        if (Max is not { } max || price <= max) return new(price, Reason.None);
        return OverMax == OverMax.Cut ? new(max, Reason.None) : new(null, Reason.InvalidPrice);
    }

    /// <summary>The quote's price alone.</summary>
    public Money? PriceFor(Subject subject) => Quote(subject).Price;

    /// <summary>The price after rules and adjustments, before the maximum is asked; null: no rule matches.</summary>
    public Money? Uncapped(Subject subject, Money? answered = null)
    {
        if ((answered ?? Written(subject)) is not { } written) return null;
        var price = PriceInProgress.Of(written);
        var isChanged = false;
        foreach (var adjustment in adjustments)
        {
            if (!adjustment.When.Holds(subject)) continue;
            price = price.After(adjustment.By);
            isChanged = true;
        }
        return !isChanged ? written : answered is { } most ? Money.Min(price.Price, most) : price.Price;
    }

    private Money? Written(Subject subject)
    {
        foreach (var rule in rules) if (rule.When.Holds(subject)) return rule.Price;
        return Otherwise;
    }
}
