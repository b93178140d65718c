using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Pricing;

public sealed record PriceRule(Condition When, Money Price);

/// <summary>A bid or a floor as the catalog writes it: the first matching rule's price, else the otherwise price, else none.</summary>
public sealed class PriceModel
{
    private readonly PriceRule[] rules;

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

    /// <summary>As written, not yet cut to the price step. Reads the subject's <c>Sharing</c>; the caller sets it.</summary>
    public Money? PriceFor(Subject subject)
    {
        foreach (var rule in rules) if (rule.When.Holds(subject)) return rule.Price;
        return Otherwise;
    }
}
