using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// One bid that cleared, as an offer may be sold by it. Self-contained: campaign, price and payout bind for the offer's life whatever the
/// catalog says later.
/// </summary>
/// <param name="Tier">Index of its tier in the tree.</param>
/// <param name="Bid">After the cut to the price step.</param>
/// <param name="Floor">The higher of the tier's floor and what the payout and the margin need; zero if none.</param>
/// <param name="Handicap">Ranks lower by this, pays the same.</param>
/// <param name="HasFloor">False: a lone second-price bid pays itself.</param>
public readonly record struct RankedBid(int Tier, string Campaign, string Buyer, string Company, string? Seller, Sharing Sharing, Money Bid, Money Floor, bool HasFloor, Percent Handicap);

/// <summary>
/// An offer: <see cref="Price"/> is charged, <see cref="Payout"/> promised. <see cref="BidIndex"/> points into <see cref="PingRecord.Bids"/>.
/// </summary>
public sealed record Offer(string OfferId, int BidIndex, Sharing Sharing, Money Price, Money Payout, string? Seller, bool Best);

/// <summary>What state, not config, decided about a campaign, with the numbers used: kept because it cannot be recomputed later.</summary>
public sealed record StateNote(string Campaign, Reason Reason, string LimitId, long Limit, long Used, long Held, long Needed);

/// <summary>Everything an explanation or a post needs of a ping; never PII. Written for every ping, offered or not.</summary>
public sealed record PingRecord
{
    public required LeadId Id { get; init; }
    public required long AtMs { get; init; }
    public required string Publisher { get; init; }
    public required string Vertical { get; init; }
    public required string? Tree { get; init; }
    public string? SubId { get; init; }
    public string? Channel { get; init; }
    public KeyValuePair<string, string>[] Tags { get; init; } = [];
    public required long CatalogVersion { get; init; }
    public required ulong Seed { get; init; }
    public required Money MinPayout { get; init; }
    public required int MaxCopies { get; init; }
    public int SoldElsewhereCopies { get; init; }
    public string[] SoldElsewhereSellers { get; init; } = [];
    /// <summary>Name and normalized text of each given field; sensitive ones are sealed by the store.</summary>
    public required FieldValue[] Values { get; init; }
    public required RankedBid[] Bids { get; init; }
    public required Offer[] Offers { get; init; }
    public required StateNote[] Notes { get; init; }
    /// <summary>Rotation tiers: the campaign whose turn was taken, by tier index.</summary>
    public required KeyValuePair<int, string>[] Turns { get; init; }
    public required long ExpiresAtMs { get; init; }
    /// <summary>None = offered; else why not.</summary>
    public required Reason Outcome { get; init; }
    /// <summary>The HTTP or gRPC idempotency key of the ping, if any, with the hash of its body.</summary>
    public string? RequestKey { get; init; }
}
