using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>The lowest and highest amount that a price can come to; lowest is nothing where it may have no price at all.</summary>
internal readonly record struct PriceRange(Money Lowest, Money Highest)
{
    /// <summary>What may come of it where an adjustment may match or not.</summary>
    public PriceRange Or(PriceChange change) => new(
        Money.Min(Lowest, PriceInProgress.Of(Lowest).After(change).Price), Money.Max(Highest, PriceInProgress.Of(Highest).After(change).Price));
}

/// <summary>The shape <c>price</c>, of bids and floors.</summary>
internal static class PriceSection
{
    private static readonly string[] OfBidsOnly = ["adjust", "max", "over_max", "pays"];
    private static readonly MapKeys BidKeys = new(["fixed", "rules", "otherwise", "live", .. OfBidsOnly]);
    private static readonly MapKeys FloorKeys = new(["fixed", "rules", "otherwise", .. OfBidsOnly, "live"]);
    private static readonly MapKeys RuleKeys = new(["when", "price"]);
    private static readonly MapKeys AdjustKeys = new(["when", "by"]);

    private static readonly (string, OverMax)[] OverMaxWords = [("cut", OverMax.Cut), ("decline", OverMax.Decline)];
    private static readonly (string, bool)[] PaysWords = [("bid", true)];

    /// <summary>The most that can be written as money.</summary>
    private static readonly Money Most = Money.Parse("999999999999.999999");

    /// <param name="endpoint">Of a bid: reads the endpoint that is asked for it.</param>
    public static PriceModel? Read(ConfigNode node, ConditionScope scope, bool isBid, out PriceRange range, Func<ConfigNode, EndpointModel?>? endpoint = null)
    {
        range = default;
        var errors = scope.Errors;
        if (node is ConfigText) return Fixed(node, errors, out range);
        if (MapReader.Open(node, isBid ? BidKeys : FloorKeys, errors) is not { } map) return null;
        var written = Written(map, scope, isBid, out range);
        if (!isBid)
        {
            foreach (var key in OfBidsOnly.Append("live"))
                if (map[key] is { } stray) errors.Add(stray.Path, ConfigCodes.MisplacedKey, $"Only a bid has `{key}`; a floor is money, `fixed` or `rules`. Take it out.");
            return written;
        }
        var live = map["live"] is { } liveNode ? Live(liveNode, endpoint!, errors) : null;
        // What a live bidder answers is known when it answers.
        if (map["live"] is not null) range = new(Money.Zero, Most);
        var adjustments = Adjustments(map, scope, ref range);
        var max = map["max"] is { } maxNode ? Max(maxNode, errors) : null;
        var overMax = OverMax.Cut;
        if (map["over_max"] is { } overNode)
        {
            overMax = ValueReader.Word(overNode, OverMaxWords, errors) ?? overMax;
            if (map["max"] is null) errors.Add(overNode.Path, ConfigCodes.MisplacedKey, "`over_max` says what becomes of a bid above `max`; add `max` or take it out.");
        }
        var paysBid = map["pays"] is { } paysNode && ValueReader.Word(paysNode, PaysWords, errors) == true;
        if (written is null) return null;
        if (max is { } most)
        {
            if (overMax == OverMax.Decline && range.Lowest > most)
                errors.Warn(map.At("max"), ConfigCodes.NeverUsed, "Every price of this bid is above its `max`, where it declines: it never bids.");
            range = new(Money.Min(range.Lowest, most), Money.Min(range.Highest, most));
        }
        return new(written.Rules, written.Otherwise) { Live = live, Adjustments = adjustments, Max = max, OverMax = overMax, PaysBid = paysBid };
    }

    private static EndpointModel? Live(ConfigNode node, Func<ConfigNode, EndpointModel?> read, ConfigErrors errors)
    {
        if (read(node) is not { } endpoint) return null;
        if (endpoint.CanPing) return endpoint;
        errors.Add(node.Path, ConfigCodes.Conflict, "This endpoint cannot be asked for bids: its connector has no `ping`. Name one that has, or write the price here.");
        return null;
    }

    /// <summary>The price before adjustments and maximum.</summary>
    private static PriceModel? Written(MapReader map, ConditionScope scope, bool isBid, out PriceRange range)
    {
        range = default;
        var errors = scope.Errors;
        var (fixedNode, rulesNode, otherwiseNode) = (map["fixed"], map["rules"], map["otherwise"]);
        if (fixedNode is not null)
        {
            if (rulesNode is not null) errors.Add(rulesNode.Path, ConfigCodes.Conflict, "A price is either `fixed` or made by `rules`; keep one.");
            if (otherwiseNode is not null) errors.Add(otherwiseNode.Path, ConfigCodes.MisplacedKey, "`otherwise` goes with `rules`; take it out beside `fixed`.");
            return Fixed(fixedNode, errors, out range);
        }
        if (rulesNode is null)
        {
            if (map["live"] is not null && isBid)
            {
                if (otherwiseNode is not null) errors.Add(otherwiseNode.Path, ConfigCodes.MisplacedKey, "`otherwise` goes with `rules`; beside `live` write `fixed` for answers without a price.");
                return new([], null);
            }
            errors.Add(map.At("fixed"), ConfigCodes.MissingKey, "A price needs `fixed`, or `rules` with `otherwise`.");
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

    private static PriceAdjustment[] Adjustments(MapReader map, ConditionScope scope, ref PriceRange range)
    {
        var errors = scope.Errors;
        if (map["adjust"] is not { } node || ValueReader.List(node, errors) is not { } list) return [];
        var adjustments = new List<PriceAdjustment>();
        foreach (var item in list.Items)
        {
            if (MapReader.Open(item, AdjustKeys, errors) is not { } entry) continue;
            var when = entry.Required("when", "a condition", errors) is { } whenNode ? scope.Read(whenNode) : null;
            if (entry.Required("by", "a percentage or an amount, as \"-10%\" or \"+1.50\"", errors) is not { } byNode || Change(byNode, errors) is not { } by) continue;
            if (when is null) continue;
            adjustments.Add(new(when, by));
            var wider = range.Or(by);
            // A live bid is never raised.
            if (map["live"] is not null) continue;
            if (wider.Highest <= Most) range = wider;
            else errors.Add(byNode.Path, ConfigCodes.OutOfRange, $"With this adjustment the bid could come to more than {Most}; make it smaller.");
        }
        return [.. adjustments];
    }

    private static PriceChange? Change(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (!PriceChange.TryParse(text, out var change))
        {
            errors.Add(node.Path, ConfigCodes.InvalidFormat,
                "An adjustment is a percentage, as \"-10%\" (at most 4 decimals), or an amount, as \"-1.50\" or \"+2\" (at most 6).");
            return null;
        }
        if (change.Percent >= PriceChange.LeastPercent && change.Percent <= PriceChange.MostPercent) return change;
        errors.Add(node.Path, ConfigCodes.OutOfRange, $"An adjustment is between {PriceChange.LeastPercent} and +{PriceChange.MostPercent} of the price.");
        return null;
    }

    private static Money? Max(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Money(node, errors) is not { } max) return null;
        if (max > Money.Zero) return max;
        errors.Add(node.Path, ConfigCodes.OutOfRange, "A maximum is more than nothing; pause a campaign that must not bid.");
        return null;
    }

    private static PriceModel? Fixed(ConfigNode node, ConfigErrors errors, out PriceRange range)
    {
        range = default;
        if (ValueReader.Money(node, errors) is not { } money) return null;
        range = new(money, money);
        return PriceModel.Fixed(money);
    }
}
