using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

/// <summary>
/// One walk by whose bids a lead is sold: the ping's own, then that of a reauction or of the tree for what is unsold. Bids of all rounds are
/// counted through, so that a place names one bid of one round.
/// </summary>
public sealed record SaleRound
{
    /// <summary>The catalog it was walked on.</summary>
    public required CatalogModel Model { get; init; }
    /// <summary>Tree, bids and offers of this walk. A reauction makes no offers: it keeps the promises made before.</summary>
    public required PingRecord Record { get; init; }
    /// <summary>The lead as <see cref="Model"/>'s vertical reads it.</summary>
    public required Subject Subject { get; init; }
    /// <summary>Place of its first bid among those of all rounds.</summary>
    public int First { get; init; }

    public TreeModel? Tree => Record.Tree is { } id && Model.Trees.TryGetValue(id, out var tree) ? tree : null;

    /// <summary>Ids of the trees through which this bid is sold, outermost first.</summary>
    public string[] TreesOf(RankedBid bid) => Tree is null ? [] : [Tree.Id, .. TierOf(bid)?.Groups.Select(group => group.Tree) ?? []];

    public TierModel? TierOf(RankedBid bid) => Tree is { } tree && bid.Tier < tree.Tiers.Count ? tree.Tiers[bid.Tier] : null;
}

/// <summary>What a lead asks of a later walk.</summary>
/// <param name="Tree">Id of the tree to be walked.</param>
/// <param name="MinPayout">The offers together must pay so much.</param>
/// <param name="Without">Campaigns that fell out before.</param>
public sealed record WalkWish(string Tree, Money MinPayout, int MaxCopies, IReadOnlySet<string> Without, ulong Seed);

/// <summary>What a later walk brought, on the catalog of its moment.</summary>
public sealed record Walked(CatalogModel Model, Subject Subject, PingOutcome Outcome);
