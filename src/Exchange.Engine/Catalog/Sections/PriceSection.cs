using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>The lowest and highest amount that a price can come to; lowest is nothing where it may have no price at all.</summary>
internal readonly record struct PriceRange(Money Lowest, Money Highest);

/// <summary>The shape <c>price</c>, of bids and floors.</summary>
internal static class PriceSection
{
    private static readonly MapKeys BidKeys = new(["fixed", "rules", "otherwise"], "adjust", "max", "over_max", "pays", "live");
    private static readonly MapKeys FloorKeys = new(["fixed", "rules", "otherwise"]);
    private static readonly MapKeys RuleKeys = new(["when", "price"]);

    public static PriceModel? Read(ConfigNode node, ConditionScope scope, bool isBid, out PriceRange range)
    {
        range = default;
        var errors = scope.Errors;
        if (node is ConfigText) return Fixed(node, errors, out range);
        if (MapReader.Open(node, isBid ? BidKeys : FloorKeys, errors) is not { } map) return null;
        var (fixedNode, rulesNode, otherwiseNode) = (map["fixed"], map["rules"], map["otherwise"]);
        if (fixedNode is not null)
        {
            if (rulesNode is not null) errors.Add(rulesNode.Path, ConfigCodes.Conflict, "A price is either `fixed` or made by `rules`; keep one.");
            if (otherwiseNode is not null) errors.Add(otherwiseNode.Path, ConfigCodes.MisplacedKey, "`otherwise` goes with `rules`; take it out beside `fixed`.");
            return Fixed(fixedNode, errors, out range);
        }
        if (rulesNode is null)
        {
            // A live bid was refused as such above; it misses nothing else.
            if (map["live"] is null) errors.Add(map.At("fixed"), ConfigCodes.MissingKey, "A price needs `fixed`, or `rules` with `otherwise`.");
            return null;
        }
        var rules = new List<PriceRule>();
        foreach (var item in ValueReader.List(rulesNode, errors)?.Items ?? [])
        {
            if (MapReader.Open(item, RuleKeys, errors) is not { } rule) continue;
            var when = rule.Required("when", "a condition", errors) is { } whenNode ? scope.Read(whenNode) : null;
            var price = rule.Required("price", "money, as \"12.50\"", errors) is { } priceNode ? ValueReader.Money(priceNode, errors) : null;
            if (when is not null && price is { } amount) rules.Add(new(when, amount));
        }
        var otherwise = otherwiseNode is null ? null : ValueReader.Money(otherwiseNode, errors);
        var amounts = rules.Select(rule => rule.Price).Append(otherwise ?? Money.Zero);
        range = new(amounts.Min(), amounts.Max());
        return new(rules, otherwise);
    }

    private static PriceModel? Fixed(ConfigNode node, ConfigErrors errors, out PriceRange range)
    {
        range = default;
        if (ValueReader.Money(node, errors) is not { } money) return null;
        range = new(money, money);
        return PriceModel.Fixed(money);
    }
}
