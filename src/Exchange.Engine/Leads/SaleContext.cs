using Exchange.Engine.Catalog;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

/// <summary>
/// The world as one step sees it. Caps, balances, gates and deliveries are those of <see cref="Current"/>; prices and promises come from
/// the ping's record and its own catalog version through <see cref="Next"/>.
/// </summary>
public sealed record SaleContext
{
    public required CatalogModel Current { get; init; }
    public required long NowMs { get; init; }
    /// <summary>
    /// The next bid in rank that may have this slot and what it pays, given the bids that are out or taken; null: nobody can pay the promise.
    /// </summary>
    public required Func<Slot, IReadOnlySet<int>, NextRank?> Next { get; init; }
}

/// <summary>A bid of the record and the price at which it takes a slot.</summary>
public readonly record struct NextRank(int BidIndex, Money Price);
