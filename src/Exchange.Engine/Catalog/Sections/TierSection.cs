using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>A tier of a ping tree.</summary>
internal static class TierSection
{
    private static readonly MapKeys Keys = new(["name", "note", "method", "campaigns", "pricing", "floor", "deadline", "copies", "weights"], "tree", "increment", "over");

    private static readonly (string, TierMethod)[] Methods =
    [
        ("auction", TierMethod.Auction), ("priority", TierMethod.Priority), ("weighted", TierMethod.Weighted), ("round_robin", TierMethod.RoundRobin),
    ];

    private static readonly (string, TierPricing)[] Pricings = [("first_price", TierPricing.FirstPrice), ("second_price", TierPricing.SecondPrice)];

    /// <param name="asked">Campaigns of the tree's earlier tiers; this tier's are added.</param>
    public static TierModel? Read(ConfigNode node, int index, string tree, VerticalDraft vertical, HashSet<string> asked, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        if (map["note"] is { } note) ValueReader.Text(note, errors);
        var name = map.Required("name", "what this tier is called", errors) is { } nameNode ? ValueReader.Name(nameNode, errors) : null;
        var method = map.Required("method", "auction, priority, weighted or round_robin", errors) is { } methodNode
            ? ValueReader.Word(methodNode, Methods, errors, "even", "percent") : null;
        var pricing = TierPricing.FirstPrice;
        if (map["pricing"] is { } pricingNode)
        {
            if (method is not (TierMethod.Auction or null))
                errors.Add(pricingNode.Path, ConfigCodes.MisplacedKey, "Only an auction has `pricing`; elsewhere each pays its bid. Take it out.");
            pricing = ValueReader.Word(pricingNode, Pricings, errors) ?? pricing;
        }
        var range = default(PriceRange);
        var floor = map["floor"] is { } floorNode ? PriceSection.Read(floorNode, new(draft, vertical, ConditionPlace.Price), isBid: false, out range) : null;
        var deadline = map["deadline"] is { } deadlineNode ? ValueReader.Duration(deadlineNode, errors) : null;
        var copies = (int)((map["copies"] is { } copiesNode ? ValueReader.Number(copiesNode, 1, Limits.CopiesPerLead, errors) : null) ?? 1);

        var ids = Campaigns(map, vertical, asked, draft);
        asked.UnionWith(ids);
        var weightOf = map["weights"] is { } weightsNode ? Weights(weightsNode, ids, errors) : [];
        var campaigns = ids.Select(draft.Campaigns.GetValueOrDefault).OfType<CampaignDraft>().ToArray();
        var weights = campaigns.Select(campaign => weightOf.GetValueOrDefault(campaign.Model.Id, campaign.Model.Weight)).ToArray();
        if (method == TierMethod.Weighted && campaigns.Length > 0 && campaigns.Length == ids.Count && weights.All(weight => weight == 0))
            errors.Add(map.At(map["weights"] is null ? "campaigns" : "weights"), ConfigCodes.OutOfRange, "Every weight of this tier is 0, so nobody ever has a turn; give at least one more.");

        if (pricing == TierPricing.SecondPrice && map["floor"] is null)
            errors.Warn(map.At("floor"), ConfigCodes.NoFloor, "Second price without a floor: a lone bid pays itself, and two buyers who agree pay next to nothing.");
        if (map["weights"] is { } unused && method is TierMethod.Priority or TierMethod.RoundRobin)
            errors.Warn(unused.Path, ConfigCodes.NeverUsed, "This tier's method does not use weights.");
        foreach (var campaign in campaigns)
            if (floor is not null && campaign.Bid.Highest < range.Lowest)
                errors.Warn(ConfigErrors.At(campaign.Node.Path, "bid"), ConfigCodes.BelowFloor, $"Its highest bid is below every floor of {map.Path}; it never counts there.");

        if (name is null || method is null) return null;
        return new()
        {
            Index = index, Name = name, Method = method.Value, Pricing = pricing, Floor = floor, Deadline = deadline, Copies = copies,
            Campaigns = [.. campaigns.Select(campaign => campaign.Model)], Weights = weights, RotationKey = $"{tree}/{name}",
        };
    }

    private static List<string> Campaigns(MapReader map, VerticalDraft vertical, HashSet<string> asked, CatalogDraft draft)
    {
        var errors = draft.Errors;
        var ids = new List<string>();
        switch (map["campaigns"])
        {
            case null:
                if (map["tree"] is null) map.Required("campaigns", "`all` or a list of campaigns", errors);
                break;
            case ConfigText { Text: "all" } all:
                ids.AddRange(draft.Declared["campaigns"]
                    .Where(campaign => (campaign.Value as ConfigMap)?.Find("vertical") is ConfigText of && of.Text == vertical.Id && !asked.Contains(campaign.Key))
                    .Select(campaign => campaign.Key).Order(StringComparer.Ordinal));
                if (ids.Count == 0) errors.Add(all.Path, ConfigCodes.Empty, "No campaign of the vertical is left for this tier; take the tier out.");
                break;
            case ConfigText single:
                errors.Add(single.Path, ConfigCodes.WrongType, "Campaigns are `all` or a list of ids, as [acme].");
                break;
            case { } list:
                foreach (var (id, at) in draft.References(list, "campaigns", "campaign"))
                {
                    if ((draft.Declared["campaigns"][id] as ConfigMap)?.Find("vertical") is ConfigText of && of.Text != vertical.Id && draft.Declared["verticals"].ContainsKey(of.Text))
                        errors.Add(at.Path, ConfigCodes.Conflict, "This campaign buys another vertical than the tree sells.");
                    else ids.Add(id);
                }
                break;
        }
        return ids;
    }

    private static Dictionary<string, int> Weights(ConfigNode node, List<string> ids, ConfigErrors errors)
    {
        var weights = new Dictionary<string, int>(StringComparer.Ordinal);
        if (MapReader.Map(node, errors) is not { } map) return weights;
        foreach (var (id, weight) in map.Entries)
        {
            if (!ids.Contains(id)) errors.Add(weight.Path, ConfigCodes.UnknownId, Nearest.Fix("This tier does not ask such a campaign", id, ids, errors));
            else if (ValueReader.Number(weight, 0, CampaignSection.MostWeight, errors) is { } number) weights[id] = (int)number;
        }
        return weights;
    }
}
