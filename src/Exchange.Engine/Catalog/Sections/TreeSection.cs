using Exchange.Engine.Caps;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>ping_trees</c>: who is asked, in which order.</summary>
internal static class TreeSection
{
    private static readonly MapKeys Keys = new(
        [
            "name", "note", "status", "vertical", "publishers", "when", "traffic", "copies", "offers", "firm", "reauction", "wait", "unsold", "caps", "tiers",
        ]);

    private static readonly MapKeys UnsoldKeys = new(["tree", "wait"]);

    public static void Read(ConfigNode node, CatalogDraft draft)
    {
        if (MapReader.Map(node, draft.Errors) is not { } map) return;
        var (asked, unsold) = (AskedByTiers(map), AskedForUnsold(map));
        var trees = new Dictionary<string, TreeDraft>(StringComparer.Ordinal);
        var inOrder = new List<TreeDraft>();
        foreach (var (id, entry) in map.Entries)
        {
            if (Tree(id, entry, asked, unsold, draft) is not { } tree) continue;
            trees[id] = tree;
            inOrder.Add(tree);
        }
        TreeNest.Build(inOrder, trees, draft);
        TreeConflicts.Check(inOrder, draft.Errors);
    }

    private static TreeDraft? Tree(string id, ConfigNode node, HashSet<string> asked, HashSet<string> unsoldTrees, CatalogDraft draft)
    {
        var errors = draft.Errors;
        ValueReader.IsId(id, node.Path, errors);
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        draft.NameOf(map, id);
        var status = draft.StatusOf(map);
        var publishers = PublisherSetReader.Read(map["publishers"], mayExcept: false, draft);
        var traffic = map["traffic"] is { } trafficNode ? Traffic(trafficNode, errors) : new(Percent.One);
        var copies = map["copies"] is { } copiesNode ? (int?)ValueReader.Number(copiesNode, 1, Limits.CopiesPerLead, errors) : null;
        var offersAll = map["offers"] is { } offers && ValueReader.Word(offers, [("best", false), ("all", true)], errors) == true;
        var firm = map["firm"] is { } firmNode && ValueReader.Boolean(firmNode, errors) == true;
        var reauction = map["reauction"] is { } reauctionNode && ValueReader.Boolean(reauctionNode, errors) == true;
        var unsold = map["unsold"] is { } unsoldNode ? MapReader.Open(unsoldNode, UnsoldKeys, errors) : null;
        var unsoldTree = unsold?.Required("tree", "the tree where an unsold lead is tried next", errors);
        var verticalId = map.Required("vertical", "the id of what it sells", errors) is { } verticalNode ? draft.Reference(verticalNode, "verticals", "vertical") : null;
        var tiersNode = map.Required("tiers", "a list of tiers", errors);
        var vertical = verticalId is null ? null : draft.Verticals.GetValueOrDefault(verticalId);
        var limits = CapSection.Read(map["caps"], new(CapScope.Tree, id, status, () => vertical is null ? [] : [vertical]), draft);
        if (verticalId is null || tiersNode is null || vertical is null) return null;

        var waits = DeliveryScope.Of(draft, vertical, draft.Zone, office: null);
        var wait = map["wait"] is { } waitNode ? WaitSection.Read(waitNode, waits, ofDelivery: false) : null;
        var unsoldWait = unsold?["wait"] is { } unsoldWaitNode ? WaitSection.Read(unsoldWaitNode, waits, ofDelivery: false) : null;
        if (firm && map["wait"] is { } beside)
            errors.Add(beside.Path, ConfigCodes.Conflict, "A firm tree holds caps and money at the ping; what waits before its auction has no buyer to hold them for.");
        var when = map["when"] is { } whenNode ? new ConditionScope(draft, vertical, ConditionPlace.Filter).Read(whenNode) : null;
        if (!publishers.AllExcept)
            foreach (var publisher in publishers.Ids.Order(StringComparer.Ordinal))
                if (draft.Publishers.TryGetValue(publisher, out var model) && !model.Verticals.ContainsKey(verticalId) && !errors.Any)
                    errors.Warn(map.At("publishers"), ConfigCodes.NeverUsed, $"{publisher} may not send this vertical.");
        return new()
        {
            Id = id, Map = map, Vertical = vertical, Status = status, Publishers = publishers, When = when, Traffic = traffic, Copies = copies, OffersAll = offersAll,
            Firm = firm, Reauction = reauction, Unsold = unsoldTree is null ? null : OtherTree(unsoldTree, verticalId, draft), Limits = limits, Wait = wait, UnsoldWait = unsoldWait,
            IsGroup = (asked.Contains(id) || unsoldTrees.Contains(id)) && map["publishers"] is null && map["when"] is null && map["traffic"] is null,
            TakesUnsold = unsoldTrees.Contains(id),
        };
    }

    private static Percent Traffic(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Percent(node, errors) is not { } traffic) return new(Percent.One);
        if (traffic.Millionths <= Percent.One) return traffic;
        errors.Add(node.Path, ConfigCodes.OutOfRange, "A tree takes at most 100% of the pings that it shares with its equals.");
        return new(Percent.One);
    }

    /// <summary>The id of a tree of the same vertical, or null after its error.</summary>
    public static string? OtherTree(ConfigNode node, string vertical, CatalogDraft draft)
    {
        if (draft.Reference(node, "ping_trees", "tree") is not { } id) return null;
        if ((draft.Declared["ping_trees"][id] as ConfigMap)?.Find("vertical") is not ConfigText of || of.Text == vertical || !draft.Declared["verticals"].ContainsKey(of.Text)) return id;
        draft.Errors.Add(node.Path, ConfigCodes.Conflict, "That tree sells another vertical than this one.");
        return null;
    }

    private static HashSet<string> AskedByTiers(ConfigMap trees) => trees.Entries
        .SelectMany(tree => ((tree.Value as ConfigMap)?.Find("tiers") as ConfigList)?.Items ?? [])
        .Select(tier => (tier as ConfigMap)?.Find("tree")).OfType<ConfigText>().Select(text => text.Text).ToHashSet(StringComparer.Ordinal);

    private static HashSet<string> AskedForUnsold(ConfigMap trees) => trees.Entries
        .Select(tree => ConfigPatch.Find(tree.Value, "unsold", "tree")).OfType<ConfigText>().Select(text => text.Text).ToHashSet(StringComparer.Ordinal);
}
