using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>The shape <c>payout</c>, of publishers and verticals.</summary>
internal static class PayoutSection
{
    private static readonly MapKeys Keys = new(["share", "fixed", "margin", "rules", "otherwise", "min_margin", "on_return"]);
    private static readonly MapKeys RuleKeys = new(["when", "share", "fixed", "margin"]);
    private static readonly MapKeys TermsKeys = new(["share", "fixed", "margin"]);
    private static readonly (string, bool)[] OnReturn = [("reverse", false), ("keep", true)];

    public static PayoutModel? Read(ConfigNode node, ConditionScope scope)
    {
        var errors = scope.Errors;
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var minMargin = (map["min_margin"] is { } marginNode ? ValueReader.Money(marginNode, errors) : null) ?? Money.Zero;
        var keeps = map["on_return"] is { } returnNode && ValueReader.Word(returnNode, OnReturn, errors) == true;
        if (map["rules"] is not { } rulesNode)
        {
            if (map["otherwise"] is { } stray) errors.Add(stray.Path, ConfigCodes.MisplacedKey, "`otherwise` goes with `rules`; take it out.");
            return Terms(map, errors) is { } terms ? new([], terms, minMargin) { KeptOnReturn = keeps } : null;
        }
        foreach (var key in TermsKeys.Names)
            if (map[key] is { } beside) errors.Add(beside.Path, ConfigCodes.Conflict, $"A payout is either `{key}` or made by `rules`; put it into `otherwise`.");
        var rules = new List<PayoutRule>();
        var prices = new List<Money>();
        foreach (var item in ValueReader.List(rulesNode, errors)?.Items ?? [])
        {
            if (MapReader.Open(item, RuleKeys, errors) is not { } rule) continue;
            var when = rule.Required("when", "a condition", errors) is { } whenNode ? scope.Read(whenNode) : null;
            if (rule["when"] is { } condition) PricesIn(condition, prices);
            if (Terms(rule, errors) is { } terms && when is not null) rules.Add(new(when, terms));
        }
        var otherwise = map.Required("otherwise", "what is paid where no rule matches, as { share: 75% }", errors) is { } otherwiseNode
            && MapReader.Open(otherwiseNode, TermsKeys, errors) is { } otherwiseMap ? Terms(otherwiseMap, errors) : null;
        return otherwise is { } rest ? new(rules, rest, minMargin, prices) { KeptOnReturn = keeps } : null;
    }

    private static PayoutTerms? Terms(MapReader map, ConfigErrors errors)
    {
        var given = TermsKeys.Names.Where(key => map[key] is not null).ToList();
        if (given.Count != 1)
        {
            if (given.Count == 0) errors.Add(map.Path, ConfigCodes.MissingKey, "A payout needs one of `share`, `fixed` or `margin`.");
            else errors.Add(map.At(given[1]), ConfigCodes.Conflict, "A payout has one of `share`, `fixed` and `margin`; keep one.");
            return null;
        }
        var node = map[given[0]]!;
        if (given[0] != "share")
            return ValueReader.Money(node, errors) is not { } amount ? null : given[0] == "fixed" ? PayoutTerms.Fixed(amount) : PayoutTerms.Margin(amount);
        if (ValueReader.Percent(node, errors) is not { } share) return null;
        if (share.Millionths <= Percent.One) return PayoutTerms.Share(share);
        errors.Add(node.Path, ConfigCodes.OutOfRange, "A share is at most 100% of the price.");
        return null;
    }

    /// <summary>
    /// Every amount that a condition compares the price with: between two of them the same rule matches, which is how the lowest
    /// price for a payout is found exactly.
    /// </summary>
    private static void PricesIn(ConfigNode condition, List<Money> prices)
    {
        switch (condition)
        {
            case ConfigList list:
                foreach (var item in list.Items) PricesIn(item, prices);
                break;
            case ConfigMap map when map.Find("field") is ConfigText { Text: "price" }:
                foreach (var (key, value) in map.Entries) if (key != "field") AmountsIn(value, prices);
                break;
            case ConfigMap map:
                foreach (var (_, value) in map.Entries) PricesIn(value, prices);
                break;
        }
    }

    private static void AmountsIn(ConfigNode node, List<Money> prices)
    {
        if (node is ConfigList list) foreach (var item in list.Items) AmountsIn(item, prices);
        if (node is ConfigText text && Money.TryParse(text.Text, out var amount)) prices.Add(amount);
    }
}
