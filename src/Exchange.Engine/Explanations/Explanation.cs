using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>What became of a campaign. Excluded: by us, before bidding; declined: it had no price; lost: its bid did; won: it was offered as best.</summary>
public enum Verdict { Won, Lost, Declined, Excluded }

/// <summary>When a closed campaign opens next: the moment, and how its own zone's clock reads then.</summary>
public sealed record Opening(DateTimeOffset? At, string TimeZone, string Text);

/// <summary>One campaign's part in a ping, for an admin.</summary>
public sealed record CampaignExplanation
{
    public required int Tier { get; init; }
    public required string TierName { get; init; }
    /// <summary>The trees asked on the way to its tier, outermost first; empty for the walked tree's own tiers.</summary>
    public IReadOnlyList<string> Trees { get; init; } = [];
    public required string Campaign { get; init; }
    public required string Buyer { get; init; }
    public required Verdict Verdict { get; init; }
    /// <summary>None for a winner.</summary>
    public required Reason Reason { get; init; }
    /// <summary>Of the bid told here; of a campaign that bids twice the one that won or came furthest.</summary>
    public Sharing? Sharing { get; init; }
    /// <summary>Cut down to the price step; null: not asked, or no price.</summary>
    public Money? Bid { get; init; }
    /// <summary>How the bid came about, where rules, adjustments or its maximum had a part; null: it is as written.</summary>
    public string? BidSum { get; init; }
    public Money? Floor { get; init; }
    /// <summary>Winners: what is charged and what the publisher is promised.</summary>
    public Money? Price { get; init; }
    public Money? Payout { get; init; }
    public LimitNumbers? Limit { get; init; }
    /// <summary>Even and percent tiers: how its share stood among those that bid.</summary>
    public ShareNumbers? Share { get; init; }
    /// <summary>The leaf of the filter that decided.</summary>
    public ConditionMiss? Miss { get; init; }
    public Opening? Opens { get; init; }
    /// <summary>How much more it had to bid to be sold; null where no higher bid would have helped.</summary>
    public Money? BidMore { get; init; }
    /// <summary>Others than winners: what would have sold to it, all of it together; the first is what its reason is about.</summary>
    public IReadOnlyList<Change> Changes { get; init; } = [];
    /// <summary>Winners: how the price came about. Others: the changes in words.</summary>
    public required string Text { get; init; }
}

/// <summary>Why a tree of the ping's vertical was walked, or why it was passed over.</summary>
public sealed record TreeExplanation(string Tree, bool Chosen, string Text)
{
    /// <summary>The leaf of its condition that did not hold.</summary>
    public ConditionMiss? Miss { get; init; }
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
    /// <summary>Every tree of the vertical, by id; empty where the ping was refused before a tree was chosen.</summary>
    public IReadOnlyList<TreeExplanation> Trees { get; init; } = [];
    /// <summary>Every campaign of the tree in walk order: by tier, within it in the catalog's order.</summary>
    public required IReadOnlyList<CampaignExplanation> Campaigns { get; init; }
    /// <summary>Every bid that cleared: by tier, within it by rank or turn.</summary>
    public required IReadOnlyList<RankedBid> Bids { get; init; }
    /// <summary>What would have sold it; null: it was offered, or nothing could.</summary>
    public NearestSale? WouldHaveSold { get; init; }
}
