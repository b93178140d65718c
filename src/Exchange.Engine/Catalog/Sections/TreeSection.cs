using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>ping_trees</c>: who is asked, in which order.</summary>
internal static class TreeSection
{
    private static readonly MapKeys Keys = new(
        ["name", "note", "status", "vertical", "publishers", "copies", "offers", "tiers"], "when", "traffic", "firm", "reauction", "wait", "unsold", "caps");

    public static void Read(ConfigNode node, CatalogDraft draft)
    {
        if (MapReader.Map(node, draft.Errors) is not { } trees) return;
        var active = new List<(TreeModel Tree, ConfigNode At)>();
        foreach (var (id, entry) in trees.Entries)
        {
            if (Tree(id, entry, draft) is not { } tree) continue;
            draft.Trees.Add(tree);
            if (tree.Status != EntryStatus.Active) continue;
            if (active.Exists(other => other.Tree.Vertical == tree.Vertical && MeetAlike(other.Tree.Publishers, tree.Publishers)))
                draft.Errors.Add(ConfigErrors.At(entry.Path, "publishers"), ConfigCodes.Conflict, "Another tree of this vertical takes the same publishers' pings; name other publishers or pause one tree.");
            active.Add((tree, entry));
        }
    }

    /// <summary>Both for all, or both naming the same publisher: then neither goes before the other.</summary>
    private static bool MeetAlike(PublisherSet a, PublisherSet b) => a.AllExcept == b.AllExcept && (a.AllExcept || a.Ids.Overlaps(b.Ids));

    private static TreeModel? Tree(string id, ConfigNode node, CatalogDraft draft)
    {
        var errors = draft.Errors;
        ValueReader.IsId(id, node.Path, errors);
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        draft.NameOf(map, id);
        var status = draft.StatusOf(map);
        var publishers = PublisherSetReader.Read(map["publishers"], mayExcept: false, draft);
        var copies = map["copies"] is { } copiesNode ? (int?)ValueReader.Number(copiesNode, 1, Limits.CopiesPerLead, errors) : null;
        var offersAll = map["offers"] is { } offers && ValueReader.Word(offers, [("best", false), ("all", true)], errors) == true;
        var verticalId = map.Required("vertical", "the id of what it sells", errors) is { } verticalNode ? draft.Reference(verticalNode, "verticals", "vertical") : null;
        var tiersNode = map.Required("tiers", "a list of tiers", errors);
        if (verticalId is null || tiersNode is null || !draft.Verticals.TryGetValue(verticalId, out var vertical)) return null;

        var tiers = new List<TierModel>();
        var asked = new HashSet<string>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in ValueReader.List(tiersNode, errors)?.Items ?? [])
        {
            if (TierSection.Read(item, tiers.Count, id, vertical, asked, draft) is not { } tier) continue;
            if (!names.Add(tier.Name)) errors.Add(ConfigErrors.At(item.Path, "name"), ConfigCodes.Repeated, "Another tier of this tree has this name; the name tells their turns apart.");
            if (offersAll && tier.Pricing == TierPricing.SecondPrice)
                errors.Add(ConfigErrors.At(item.Path, "pricing"), ConfigCodes.Conflict, "`offers: all` needs first price: a second price depends on which offer is taken.");
            tiers.Add(tier);
        }
        if (!publishers.AllExcept)
            foreach (var publisher in publishers.Ids.Order(StringComparer.Ordinal))
                if (draft.Publishers.TryGetValue(publisher, out var model) && !model.Verticals.ContainsKey(verticalId) && !errors.Any)
                    errors.Warn(map.At("publishers"), ConfigCodes.NeverUsed, $"{publisher} may not send this vertical.");
        return new()
        {
            Id = id, Vertical = verticalId, Status = status, Publishers = publishers, OffersAll = offersAll, Tiers = tiers,
            Copies = copies ?? tiers.Select(tier => tier.Copies).DefaultIfEmpty(1).Max(),
        };
    }
}
