using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>What became of a campaign. Excluded: by us, before bidding; declined: it had no price; lost: its bid did; won: it was offered as best.</summary>
public enum Verdict { Won, Lost, Declined, Excluded }

/// <summary>A limit as it stood at the ping. Leads, or micros of money where <see cref="IsMoney"/>.</summary>
/// <param name="Needed">What this bid would have taken of it.</param>
public sealed record LimitNumbers(string LimitId, long Limit, long Used, long Held, long Needed, bool IsMoney, string? TimeZone)
{
    public long Left => Limit - Used - Held;
}

/// <summary>When a closed campaign opens next: the moment, and how its own zone's clock reads then.</summary>
public sealed record Opening(DateTimeOffset? At, string TimeZone, string Text);

/// <summary>One campaign's part in a ping, for an admin.</summary>
public sealed record CampaignExplanation
{
    public required int Tier { get; init; }
    public required string TierName { get; init; }
    public required string Campaign { get; init; }
    public required string Buyer { get; init; }
    public required Verdict Verdict { get; init; }
    /// <summary>None for a winner.</summary>
    public required Reason Reason { get; init; }
    /// <summary>Of the bid told here; of a campaign that bids twice the one that won or came furthest.</summary>
    public Sharing? Sharing { get; init; }
    /// <summary>Cut down to the price step; null: not asked, or no price.</summary>
    public Money? Bid { get; init; }
    public Money? Floor { get; init; }
    /// <summary>Winners: what is charged and what the publisher is promised.</summary>
    public Money? Price { get; init; }
    public Money? Payout { get; init; }
    public LimitNumbers? Limit { get; init; }
    /// <summary>The leaf of the filter that decided.</summary>
    public ConditionMiss? Miss { get; init; }
    public Opening? Opens { get; init; }
    /// <summary>How much more it had to bid to be sold; null where no higher bid would have helped.</summary>
    public Money? BidMore { get; init; }
    /// <summary>Winners: how the price came about. Others: the nearest change that would have sold to it.</summary>
    public required string Text { get; init; }
}

/// <summary>Why a ping came to what it came to, recomputed from its record, the catalog it was walked on and its notes.</summary>
public sealed record Explanation
{
    public required LeadId Ping { get; init; }
    public required long CatalogVersion { get; init; }
    public required ulong Seed { get; init; }
    public required string? Tree { get; init; }
    /// <summary>None = offered.</summary>
    public required Reason Outcome { get; init; }
    /// <summary>The publisher's limit that refused the ping, if one did.</summary>
    public LimitNumbers? PublisherLimit { get; init; }
    /// <summary>The leaf of the publisher's filter that refused the ping, if one did.</summary>
    public ConditionMiss? PublisherMiss { get; init; }
    /// <summary>Every campaign of the tree in walk order: by tier, within it in the catalog's order.</summary>
    public required IReadOnlyList<CampaignExplanation> Campaigns { get; init; }
    /// <summary>Every bid that cleared: by tier, within it by rank or turn.</summary>
    public required IReadOnlyList<RankedBid> Bids { get; init; }
}
