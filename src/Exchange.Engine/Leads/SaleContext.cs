using System.Collections.Immutable;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

/// <summary>
/// The world as one step sees it. Caps, balances, gates and deliveries are those of <see cref="Current"/>; prices and promises come from
/// the walks by which the lead is sold (<see cref="SaleRound"/>).
/// </summary>
public sealed record SaleContext
{
    private Subject? atNow;

    public required CatalogModel Current { get; init; }
    public required long NowMs { get; init; }
    /// <summary>
    /// The lead as <see cref="Current"/>'s vertical reads it, asked about at <see cref="NowMs"/>, however long ago it came: what conditional caps and counts by value
    /// ask, as the walk of this moment did, and where its deliveries go.
    /// </summary>
    public required Subject Subject { get => atNow ??= field.At(DateTimeOffset.FromUnixTimeMilliseconds(NowMs)); init; }
    /// <summary>Sellers that the consent names; a bid whose seller must be named goes only to these (compared without case).</summary>
    public IReadOnlyCollection<string> NamedSellers { get; init; } = [];
    /// <summary>The post carries text, time, page and IP of the consent.</summary>
    public bool HasProof { get; init; }
    /// <summary>
    /// What each standing bid that bid for this lead may still spend on it, by campaign, what is counted for this lead already left out; one that was replaced,
    /// withdrawn or is over is not among them.
    /// </summary>
    public IReadOnlyDictionary<string, Money> StandingLeft { get; init; } = ImmutableDictionary<string, Money>.Empty;
    /// <summary>Walks a tree for this lead now, with live state. Null: the catalog of this moment does not have the tree or the vertical.</summary>
    public required Func<WalkWish, Walked?> Walk { get; init; }
}

/// <summary>A bid (its place among those of all rounds) and the price at which it takes a slot.</summary>
public readonly record struct NextRank(int BidIndex, Money Price);
