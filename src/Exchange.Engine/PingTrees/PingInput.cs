using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>One ping as the walk reads it: validated, normalized, of a publisher that may send this vertical.</summary>
public sealed record PingInput
{
    public required string Publisher { get; init; }
    public required string Vertical { get; init; }
    public string? SubId { get; init; }
    public string? Channel { get; init; }
    /// <summary>By ordinal of the vertical's fields.</summary>
    public required FieldValue[] Values { get; init; }
    public required DateTimeOffset Now { get; init; }
    /// <summary>Draws among equal bids; kept in the record so that the walk can be repeated.</summary>
    public required ulong Seed { get; init; }
    /// <summary>The best offers together must pay this much.</summary>
    public Money MinPayout { get; init; }
    /// <summary>How many buyers may hold the lead, as the publisher wishes; the tree may allow fewer.</summary>
    public int MaxCopies { get; init; } = Limits.CopiesPerLead;
    /// <summary>Above 0: nothing exclusive is offered.</summary>
    public int SoldElsewhereCopies { get; init; }
    /// <summary>Sellers who have this lead already; compared without case.</summary>
    public string[] SoldElsewhereSellers { get; init; } = [];
    /// <summary>Person fields whose hashes were pinged.</summary>
    public PersonHash[] Persons { get; init; } = [];
    /// <summary>What live bidders said so far.</summary>
    public LiveBid[] LiveBids { get; init; } = [];
    /// <summary>A test takes no turn in rotation.</summary>
    public bool Test { get; init; }
    /// <summary>
    /// It is posted already, with these fields (as <see cref="Values"/>, and those that no ping may carry): where its tree waits for one like it, nobody is asked
    /// yet and no offer is made. Only the wait reads them. Null: nothing is posted yet.
    /// </summary>
    public FieldValue[]? Posted { get; init; }
    /// <summary>A lead's later walk names its tree, whatever comes to that tree by itself. Null: the tree that takes this ping.</summary>
    public string? Tree { get; init; }
    /// <summary>Campaigns that fell out of this lead before: not asked again.</summary>
    public IReadOnlySet<string>? Without { get; init; }

    /// <summary>
    /// Sellers that the consent names, where a lead is walked: who must be named and is not does not bid. Null at a ping, which names nobody yet, and at a direct post
    /// that names nobody: that one is refused, and told whom it should have named.
    /// </summary>
    public IReadOnlyCollection<string>? NamedSellers { get; init; }

    internal LiveBid? LiveBidOf(CampaignModel campaign, Sharing sharing)
    {
        foreach (var bid in LiveBids) if (ReferenceEquals(bid.Of, campaign) && bid.IsFor(sharing)) return bid;
        return null;
    }

    /// <summary>What conditions are asked about; the caller's own.</summary>
    public Subject ToSubject() => SubjectOf(Values);

    /// <summary>Whether it is posted already and that tree waits before it asks anybody about such a lead.</summary>
    internal bool WaitsBefore(TreeModel tree, long nowMs) => !Test && Posted is { } posted && tree.Wait?.Begin(SubjectOf(posted), nowMs) is not null;

    private Subject SubjectOf(FieldValue[] values) => new() { Vertical = Vertical, Publisher = Publisher, SubId = SubId, Channel = Channel, Values = values, Now = Now };
}

/// <summary>What a walk decided: everything of a <see cref="PingRecord"/> that is not the caller's own.</summary>
/// <param name="Outcome">None = offered; else why not.</param>
/// <param name="Tree">The tree that was walked, if any took this ping.</param>
/// <param name="Bids">Every bid that cleared, in the order in which a fallen winner is replaced: by tier, within it by rank or turn.</param>
/// <param name="Offers">Best ones first; empty unless offered.</param>
/// <param name="Notes">What state decided, with its numbers.</param>
/// <param name="Turns">Rotation tiers: whose turns were taken, by tier index, in order.</param>
public sealed record PingOutcome(
    Reason Outcome, string? Tree, RankedBid[] Bids, Offer[] Offers, StateNote[] Notes, KeyValuePair<int, string>[] Turns)
{
    /// <summary>Even and percent tiers: what each contender had sold.</summary>
    public ShareNote[] Shares { get; init; } = [];
    /// <summary>Campaigns with caps on pings or offers that were asked for a bid.</summary>
    public CampaignModel[] Asked { get; init; } = [];
    /// <summary>Not empty: nothing is decided yet, these live bids are needed first; the walk is run again with them.</summary>
    public LiveAsk[] Wanted { get; init; } = [];
    /// <summary>What its turns did to the rotations: to be given back (<see cref="IRotations.GiveBack"/>) if its offers are not made after all.</summary>
    public TakenTurns[] Taken { get; init; } = [];

    /// <summary>When its offers end, Unix milliseconds: an offer lives no longer than the live bids it stands on.</summary>
    /// <param name="usual">When offers end that stand on none.</param>
    public long ExpiresAtMs(DateTimeOffset usual)
    {
        var end = usual.ToUnixTimeMilliseconds();
        foreach (var offer in Offers)
            if (Bids[offer.BidIndex].Live is { UntilMs: > 0 and var until } && until < end) end = until;
        return end;
    }
}
