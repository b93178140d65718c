using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>A tier of a ping tree.</summary>
internal static class TierSection
{
    private static readonly MapKeys Keys = new(
        ["name", "note", "method", "campaigns", "tree", "pricing", "increment", "over", "floor", "deadline", "copies", "weights"]);

    private static readonly (string, TierMethod)[] Methods =
    [
        ("auction", TierMethod.Auction), ("priority", TierMethod.Priority), ("weighted", TierMethod.Weighted), ("round_robin", TierMethod.RoundRobin),
        ("even", TierMethod.Even), ("percent", TierMethod.Percent),
    ];

    private static readonly (string, TierPricing)[] Pricings = [("first_price", TierPricing.FirstPrice), ("second_price", TierPricing.SecondPrice)];

    /// <summary>Keys that mean nothing where a tier asks a tree: the tiers inside say how they sell.</summary>
    private static readonly string[] NotWithTree = ["pricing", "increment", "over", "weights"];

    /// <param name="asked">Campaigns of the tree's earlier tiers and of the trees they ask; this tier's are added.</param>
    /// <param name="find">The tree that a reference names, or null after its error.</param>
    public static TierDraft? Read(ConfigNode node, VerticalDraft vertical, HashSet<string> asked, Func<ConfigNode, TreeDraft?> find, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        if (map["note"] is { } note) ValueReader.Text(note, errors);
        var name = map.Required("name", "what this tier is called", errors) is { } nameNode ? ValueReader.Name(nameNode, errors) : null;
        var method = map.Required("method", "auction, priority, weighted, round_robin, even or percent", errors) is { } methodNode
            ? ValueReader.Word(methodNode, Methods, errors) : null;
        var treeNode = map["tree"];
        var pricing = Pricing(map, treeNode is null ? method : TierMethod.Auction, errors);
        var increment = Increment(map, treeNode is null ? pricing : TierPricing.SecondPrice, errors);
        var over = Over(map, treeNode is null ? method : TierMethod.Even, errors);
        var range = default(PriceRange);
        var floor = map["floor"] is { } floorNode ? PriceSection.Read(floorNode, new(draft, vertical, ConditionPlace.Price), isBid: false, out range) : null;
        var deadline = map["deadline"] is { } deadlineNode ? ValueReader.Duration(deadlineNode, errors) : null;
        var copies = (int)((map["copies"] is { } copiesNode ? ValueReader.Number(copiesNode, 1, Limits.CopiesPerLead, errors) : null) ?? 1);

        var tree = treeNode is null ? null : Tree(treeNode, map, method, find, errors);
        if (treeNode is not null && tree is null) return null;
        var ids = tree is null ? Campaigns(map, vertical, asked, draft) : [];
        asked.EnsureCapacity(asked.Count + ids.Count);
        asked.UnionWith(ids);
        if (tree is not null) asked.UnionWith(tree.Asked);
        var weightOf = map["weights"] is { } weightsNode && tree is null ? Weights(weightsNode, ids, errors) : [];
        var campaigns = ids.Select(draft.Campaigns.GetValueOrDefault).OfType<CampaignDraft>().ToArray();
        var weights = campaigns.Select(campaign => weightOf.GetValueOrDefault(campaign.Model.Id, campaign.Model.Weight)).ToArray();
        if (method is TierMethod.Weighted or TierMethod.Percent && campaigns.Length > 0 && campaigns.Length == ids.Count && weights.All(weight => weight == 0))
            errors.Add(map.At(map["weights"] is null ? "campaigns" : "weights"), ConfigCodes.OutOfRange, "Every weight of this tier is 0, so nobody ever has a turn; give at least one more.");
        if (tree is null && map["weights"] is { } unused && method is TierMethod.Priority or TierMethod.RoundRobin or TierMethod.Even)
            errors.Warn(unused.Path, ConfigCodes.NeverUsed, method == TierMethod.Even
                ? "An even share is the same for all; `percent` goes by weights." : "This tier's method does not use weights.");

        if (name is null || method is null) return null;
        return new(map.Path, name, method.Value)
        {
            Pricing = pricing, Increment = increment, Over = over, Floor = floor, FloorRange = range, Deadline = deadline, Copies = copies,
            Campaigns = campaigns, Weights = weights, Tree = tree,
        };
    }

    private static TierPricing Pricing(MapReader map, TierMethod? method, ConfigErrors errors)
    {
        if (map["pricing"] is not { } node) return TierPricing.FirstPrice;
        if (method is not (TierMethod.Auction or null))
            errors.Add(node.Path, ConfigCodes.MisplacedKey, "Only an auction has `pricing`; elsewhere each pays its bid. Take it out.");
        return ValueReader.Word(node, Pricings, errors) ?? TierPricing.FirstPrice;
    }

    private static Money Increment(MapReader map, TierPricing pricing, ConfigErrors errors)
    {
        if (map["increment"] is not { } node) return Money.Zero;
        var increment = ValueReader.Money(node, errors) ?? Money.Zero;
        if (pricing != TierPricing.SecondPrice && increment > Money.Zero)
            errors.Add(node.Path, ConfigCodes.MisplacedKey, "Only a second price has an `increment`: so much more than what just beats the best losing bid. Take it out or write `pricing: second_price`.");
        return increment;
    }

    private static TimeSpan? Over(MapReader map, TierMethod? method, ConfigErrors errors)
    {
        if (map["over"] is not { } node) return null;
        if (method is not (TierMethod.Even or TierMethod.Percent or null))
            errors.Add(node.Path, ConfigCodes.MisplacedKey, "Only `even` and `percent` look back `over` a time; take it out.");
        return ValueReader.Duration(node, errors);
    }

    private static TreeDraft? Tree(ConfigNode node, MapReader map, TierMethod? method, Func<ConfigNode, TreeDraft?> find, ConfigErrors errors)
    {
        if (map["campaigns"] is { } campaigns)
            errors.Add(campaigns.Path, ConfigCodes.Conflict, "A tier asks either `campaigns` or a `tree`; keep one, or make two tiers.");
        if (method is not (TierMethod.Priority or null))
            errors.Warn(map.At("method"), ConfigCodes.NeverUsed, "A tier that asks a tree sells as the tiers inside say; `priority` says so plainly.");
        foreach (var key in NotWithTree)
            if (map[key] is { } unused) errors.Warn(unused.Path, ConfigCodes.NeverUsed, $"A tier that asks a tree has no `{key}`: the tiers inside have theirs.");
        return find(node);
    }

    private static List<string> Campaigns(MapReader map, VerticalDraft vertical, HashSet<string> asked, CatalogDraft draft)
    {
        var errors = draft.Errors;
        var ids = new List<string>();
        switch (map["campaigns"])
        {
            case null:
                map.Required("campaigns", "`all` or a list of campaigns, or `tree` with the id of another tree", errors);
                break;
            case ConfigText { Text: "all" } all:
                ids.EnsureCapacity(draft.Declared["campaigns"].Count);
                foreach (var (id, campaign) in draft.Declared["campaigns"])
                    if ((campaign as ConfigMap)?.Find("vertical") is ConfigText of && of.Text == vertical.Id && !asked.Contains(id)) ids.Add(id);
                if (!IsInOrder(ids)) ids.Sort(StringComparer.Ordinal);
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

    private static bool IsInOrder(List<string> ids)
    {
        for (var i = 1; i < ids.Count; i++) if (string.CompareOrdinal(ids[i - 1], ids[i]) > 0) return false;
        return true;
    }

    private static Dictionary<string, int> Weights(ConfigNode node, List<string> ids, ConfigErrors errors)
    {
        var weights = new Dictionary<string, int>(StringComparer.Ordinal);
        if (MapReader.Map(node, errors) is not { } map) return weights;
        var known = ids.ToHashSet(StringComparer.Ordinal);
        foreach (var (id, weight) in map.Entries)
        {
            if (!known.Contains(id)) errors.Add(weight.Path, ConfigCodes.UnknownId, Nearest.Fix("This tier does not ask such a campaign", id, ids, errors));
            else if (ValueReader.Number(weight, 0, CampaignSection.MostWeight, errors) is { } number) weights[id] = (int)number;
        }
        return weights;
    }
}
