using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>
/// Trees that ask trees: reads each tree's tiers after those of the trees they ask, whatever the order of the file, and then lays out what a walk
/// of each tree goes through. A tree that contains itself is told once, at the tier that closes the circle.
/// </summary>
internal sealed class TreeNest
{
    private readonly IReadOnlyDictionary<string, TreeDraft> trees;
    private readonly CatalogDraft draft;
    private readonly HashSet<string> done = new(StringComparer.Ordinal);
    /// <summary>From the tree that was begun with down to the one being read.</summary>
    private readonly List<string> open = [];
    private readonly HashSet<string> told = new(StringComparer.Ordinal);

    private TreeNest(IReadOnlyDictionary<string, TreeDraft> trees, CatalogDraft draft)
    {
        this.trees = trees;
        this.draft = draft;
    }

    /// <summary>Adds the models to the draft, in the order of the file.</summary>
    public static void Build(IReadOnlyList<TreeDraft> inOrder, IReadOnlyDictionary<string, TreeDraft> trees, CatalogDraft draft)
    {
        var nest = new TreeNest(trees, draft);
        foreach (var tree in inOrder) nest.Read(tree);
        nest.CheckUnsold(inOrder);
        foreach (var tree in inOrder) draft.Trees.Add(nest.Model(tree));
    }

    private void Read(TreeDraft tree)
    {
        if (!done.Add(tree.Id)) return;
        open.Add(tree.Id);
        var errors = draft.Errors;
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in ValueReader.List(tree.Map["tiers"]!, errors)?.Items ?? [])
        {
            if (TierSection.Read(item, tree.Vertical, tree.Asked, node => Asked(node, tree), draft) is not { } tier) continue;
            if (!names.Add(tier.Name)) errors.Add(ConfigErrors.At(item.Path, "name"), ConfigCodes.Repeated, "Another tier of this tree has this name; the name tells their turns apart.");
            tree.Tiers.Add(tier);
            tree.Height = Math.Max(tree.Height, 1 + (tier.Tree?.Height ?? 0));
            tree.Walked += tier.Tree?.Walked ?? 1;
        }
        open.RemoveAt(open.Count - 1);
        if (tree.Walked <= Limits.TiersPerTree) return;
        errors.Add(tree.Map.At("tiers"), ConfigCodes.OutOfRange, $"With the trees it asks this tree walks {tree.Walked} tiers; at most {Limits.TiersPerTree} are allowed.");
        tree.Tiers.Clear();
        tree.Walked = 0;
    }

    /// <summary>The tree that a tier asks, read; null after its error, or where that tree is wrong itself.</summary>
    private TreeDraft? Asked(ConfigNode node, TreeDraft by)
    {
        var errors = draft.Errors;
        if (TreeSection.OtherTree(node, by.Vertical.Id, draft) is not { } id || !trees.TryGetValue(id, out var tree)) return null;
        if (open.IndexOf(id) is >= 0 and var from)
        {
            errors.Add(node.Path, ConfigCodes.Cycle, $"A tree cannot contain itself: {Chain(open.Skip(from), id)}. Take this tier out or ask another tree.");
            return null;
        }
        if (open.Count < Limits.TreeDepth) Read(tree);
        if (done.Contains(id) && tree.Height + open.Count <= Limits.TreeDepth) return tree;
        errors.Add(node.Path, ConfigCodes.OutOfRange, $"Trees may ask trees at most {Limits.TreeDepth} deep; ask the inner ones directly.");
        return null;
    }

    /// <summary>A lead that nobody took must come to an end.</summary>
    private void CheckUnsold(IReadOnlyList<TreeDraft> inOrder)
    {
        var ends = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tree in inOrder)
        {
            var way = new List<string>();
            var at = tree;
            while (at is not null && !ends.Contains(at.Id))
            {
                way.Add(at.Id);
                var next = at.Unsold is { } unsold ? trees.GetValueOrDefault(unsold) : null;
                if (next is not null && way.IndexOf(next.Id) is >= 0 and var from)
                {
                    draft.Errors.Add($"{at.Map.Path}.unsold.tree", ConfigCodes.Cycle, $"An unsold lead would come back for ever: {Chain(way.Skip(from), next.Id)}. Let the last tree have no `unsold`.");
                    break;
                }
                at = next;
            }
            ends.UnionWith(way);
        }
    }

    private static string Chain(IEnumerable<string> ids, string back) => string.Join(" → ", ids.Append(back));

    private TreeModel Model(TreeDraft tree)
    {
        var tiers = new List<TierModel>(tree.Walked);
        LayOut(tree, new([], null, default, ""), tree, tiers);
        WarnOfUnused(tree);
        return new()
        {
            Id = tree.Id, Vertical = tree.Vertical.Id, Status = tree.Status, Publishers = tree.Publishers, Copies = tree.MostCopies, OffersAll = tree.OffersAll,
            When = tree.When, Traffic = tree.Traffic, IsGroup = tree.IsGroup, Firm = tree.Firm, Reauction = tree.Reauction, Wait = tree.Wait, UnsoldTree = tree.Unsold,
            UnsoldWait = tree.UnsoldWait,
            Gate = tree.Limits.Gate, Caps = tree.Limits.Caps, Tiers = tiers,
        };
    }

    /// <summary>What holds on the way down to a tier.</summary>
    /// <param name="Floor">The highest amount below which every asking tier's floor lets nothing through.</param>
    /// <param name="AskedAt">Path of the tier of the tree walked, empty where it is its own.</param>
    private sealed record Way(IReadOnlyList<GroupModel> Groups, TimeSpan? Deadline, Money Floor, string AskedAt);

    private void LayOut(TreeDraft tree, Way way, TreeDraft walked, List<TierModel> into)
    {
        foreach (var tier in tree.Tiers)
        {
            var deadline = way.Deadline < tier.Deadline ? way.Deadline : tier.Deadline ?? way.Deadline;
            var floor = Money.Max(way.Floor, tier.FloorRange.Lowest);
            var askedAt = way.AskedAt.Length > 0 ? way.AskedAt : tier.Path;
            if (tier.Tree is { } asked)
            {
                LayOut(asked, new([.. way.Groups, Group(tier, asked)], deadline, floor, askedAt), walked, into);
                continue;
            }
            Check(tier, way, floor, walked, askedAt);
            into.Add(new()
            {
                Index = into.Count, Name = tier.Name, Groups = way.Groups, Method = tier.Method, Pricing = tier.Pricing, Increment = tier.Increment,
                Over = tier.Over ?? TimeSpan.FromHours(24), Floor = tier.Floor, Deadline = deadline, Copies = tier.Copies,
                Campaigns = [.. tier.Campaigns.Select(campaign => campaign.Model)], Weights = tier.Weights, RotationKey = $"{tree.Id}/{tier.Name}",
            });
        }
    }

    private static GroupModel Group(TierDraft tier, TreeDraft asked) => new()
    {
        Tree = asked.Id, Status = asked.Status, Publishers = asked.Map["publishers"] is null ? null : asked.Publishers, When = asked.When,
        Copies = Math.Min(tier.Copies, asked.MostCopies), Floor = tier.Floor, Caps = asked.Limits.Caps,
    };

    /// <summary>What can only be said of a tier where it is walked.</summary>
    private void Check(TierDraft tier, Way way, Money floor, TreeDraft walked, string askedAt)
    {
        var errors = draft.Errors;
        if (tier.Pricing == TierPricing.SecondPrice && walked.OffersAll && told.Add("offers " + walked.Id + askedAt))
            errors.Add(ConfigErrors.At(askedAt, way.Groups.Count == 0 ? "pricing" : "tree"), ConfigCodes.Conflict, "`offers: all` needs first price: a second price depends on which offer is taken.");
        if (walked.IsGroup && !walked.TakesUnsold) return;
        if (tier.Pricing == TierPricing.SecondPrice && tier.Floor is null && way.Groups.All(group => group.Floor is null) && told.Add("floor " + tier.Path))
            errors.Warn(ConfigErrors.At(tier.Path, "floor"), ConfigCodes.NoFloor, "Second price without a floor: a lone bid pays itself, and two buyers who agree pay next to nothing.");
        foreach (var campaign in tier.Campaigns)
            if (floor > Money.Zero && campaign.Bid.Highest < floor && told.Add("bid " + campaign.Node.Path + " " + tier.Path))
                errors.Warn(ConfigErrors.At(campaign.Node.Path, "bid"), ConfigCodes.BelowFloor, $"Its highest bid is below every floor of {tier.Path}; it never counts there.");
    }

    /// <summary>What a tree says of its own pings means nothing where no ping comes to it.</summary>
    private void WarnOfUnused(TreeDraft tree)
    {
        if (!tree.IsGroup) return;
        string[] unused = tree.TakesUnsold ? ["firm", "offers", "reauction"] : ["firm", "offers", "reauction", "wait", "unsold"];
        foreach (var key in unused)
            if (tree.Map[key] is { } node) draft.Errors.Warn(node.Path, ConfigCodes.NeverUsed, $"Only other trees ask this one, and `{key}` is said of a tree's own pings; write it there, or give this tree `publishers`.");
    }
}
