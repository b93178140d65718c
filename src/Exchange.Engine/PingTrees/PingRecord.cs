using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// An offer: <see cref="Price"/> is charged, <see cref="Payout"/> promised. <see cref="BidIndex"/> points into <see cref="PingRecord.Bids"/>.
/// </summary>
public sealed record Offer(string OfferId, int BidIndex, Sharing Sharing, Money Price, Money Payout, string? Seller, bool Best);

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
    /// <summary>Of a direct post: the sellers that its consent names. Empty: none were, or it is a ping, which names nobody yet.</summary>
    public string[] NamedSellers { get; init; } = [];
    /// <summary>Name and normalized text of each given field; sensitive ones are sealed by the store.</summary>
    public required FieldValue[] Values { get; init; }
    public required RankedBid[] Bids { get; init; }
    public required Offer[] Offers { get; init; }
    public required StateNote[] Notes { get; init; }
    /// <summary>Even and percent tiers: what each contender had sold.</summary>
    public ShareNote[] Shares { get; init; } = [];
    /// <summary>Rotation tiers: the campaign whose turn was taken, by tier index.</summary>
    public required KeyValuePair<int, string>[] Turns { get; init; }
    /// <summary>What live bidders said.</summary>
    public LiveBid[] LiveBids { get; init; } = [];
    /// <summary>Of each person field whose hash was pinged, its HMAC.</summary>
    public PersonHash[] Persons { get; init; } = [];
    public required long ExpiresAtMs { get; init; }
    /// <summary>None = offered; else why not.</summary>
    public required Reason Outcome { get; init; }
    /// <summary>Of a direct post whose tree waits: nobody was asked yet, and so nothing was offered.</summary>
    public bool IsUnasked => Outcome == Reason.None && Tree is not null && Offers.Length == 0;
}
