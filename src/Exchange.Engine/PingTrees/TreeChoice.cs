using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// Which tree a ping is walked through: of the active ones whose condition holds, one that names the publisher before one for all, one with a
/// condition before one without; among equals a draw from the ping's seed by their parts of the traffic.
/// </summary>
internal static class TreeChoice
{
    // Another stream of the seed than the one that draws among equal bids.
    private const ulong Stream = 0x7472_6565_7472_6565;

    public static TreeModel? For(VerticalModel vertical, Subject subject, ulong seed)
    {
        for (var rank = 0; rank < 4; rank++)
        {
            long traffic = 0;
            TreeModel? only = null;
            var count = 0;
            for (var i = 0; i < vertical.Trees.Count; i++)
            {
                var tree = vertical.Trees[i];
                if (!IsEligible(tree, subject, rank)) continue;
                count++;
                only = tree;
                traffic += tree.Traffic.Millionths;
            }
            if (count <= 1)
            {
                if (only is not null) return only;
                continue;
            }
            var at = Draw(seed, traffic);
            for (var i = 0; i < vertical.Trees.Count; i++)
            {
                var tree = vertical.Trees[i];
                if (!IsEligible(tree, subject, rank)) continue;
                if ((at -= tree.Traffic.Millionths) < 0) return tree;
            }
            return only;
        }
        return null;
    }

    /// <summary>A tree that a lead's later walk names, whatever comes to it by itself; null where it is paused.</summary>
    public static TreeModel? Named(CatalogModel model, VerticalModel vertical, string id) =>
        model.Trees.TryGetValue(id, out var tree) && tree.Vertical == vertical.Id && tree.Status == EntryStatus.Active ? tree : null;

    /// <summary>Where a ping falls among equals: at least 0, below their traffic together.</summary>
    internal static long Draw(ulong seed, long traffic) => new SeededDraw(seed ^ Stream).Below(Math.Max(1, traffic));

    /// <summary>0: names the publisher and has a condition; 1: names it; 2: for all with a condition; 3: for all.</summary>
    internal static int RankOf(TreeModel tree) => (tree.Publishers.AllExcept ? 2 : 0) + (tree.When is null ? 1 : 0);

    internal static bool IsEligible(TreeModel tree, Subject subject, int rank) =>
        RankOf(tree) == rank && !tree.IsGroup && tree.Status == EntryStatus.Active && tree.Publishers.Has(subject.Publisher) && tree.When?.Holds(subject) != false;
}
