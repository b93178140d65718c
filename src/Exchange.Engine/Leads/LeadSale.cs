using System.Collections.Immutable;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

public enum SlotState
{
    /// <summary>Chosen, nothing durable yet.</summary>
    Proposed,
    /// <summary>Held since the ping (firm trees), its buyer not called yet. The post captures it, calls it or frees it.</summary>
    Reserved,
    /// <summary>Held, the buyer is being asked or said "later".</summary>
    Held,
    /// <summary>The buyer may have the lead; nobody else is ever asked until it says no.</summary>
    InDoubt,
    Captured,
    /// <summary>Nobody who could pay the promise took it.</summary>
    Lost,
}

/// <summary>
/// One offer that the post took, and the buyer who has it now. <see cref="Payout"/> is the promise and never changes;
/// <see cref="Price"/>, <see cref="BidIndex"/> and <see cref="CopyNo"/> change when a winner falls out.
/// </summary>
/// <param name="BidIndex">Place among the bids of all rounds.</param>
public sealed record Slot(string OfferId, Sharing Sharing, Money Payout, int BidIndex, Money Price, int CopyNo, SlotState State)
{
    public string? RedirectUrl { get; init; }
    /// <summary>Why the last buyer fell out.</summary>
    public Reason LostBy { get; init; }
}

/// <summary>
/// The life of one lead from its post on, immutable. What is durable is in the store's rows; this is what the next step needs of them.
/// </summary>
public sealed record LeadSale
{
    /// <summary>The ping's own walk first; never empty.</summary>
    public required ImmutableArray<SaleRound> Rounds { get; init; }
    /// <summary>The offers that the post took, then those of the trees for what is unsold.</summary>
    public required ImmutableArray<Slot> Slots { get; init; }
    /// <summary>Bids that fell out: refused, capped, paused, filtered.</summary>
    public ImmutableHashSet<int> Out { get; init; } = [];
    /// <summary>Those of them that had a copy: it tells what became of them.</summary>
    public ImmutableHashSet<int> Had { get; init; } = [];
    /// <summary>Trees whose campaigns were asked anew; each at most once.</summary>
    public ImmutableHashSet<string> Reauctioned { get; init; } = [];
    /// <summary>Trees that the unsold lead went to, in order; bounded by <see cref="Limits.TreesPerPost"/>.</summary>
    public ImmutableArray<string> UnsoldTrees { get; init; } = [];
    /// <summary>The post came after its offer's end: the ping's bids are over, only a reauction can keep the promise.</summary>
    public bool Late { get; init; }
    /// <summary>Posted without a ping: nothing was offered, so nothing is promised.</summary>
    public bool IsDirect { get; init; }
    /// <summary>What the offers it took add up to, if the post came in time (<see cref="NewLead.Promised"/>).</summary>
    public Money? Promised { get; init; }
    /// <summary>Sold for at least what its offers promised.</summary>
    public bool PromiseKept =>
        State == LeadState.Sold && Promised is { } promised && Slots.Where(slot => slot.State == SlotState.Captured).Aggregate(Money.Zero, (sum, slot) => sum + slot.Payout) >= promised;
    /// <summary>What the post asks for at least; what is sold beyond the ping's offers respects it too.</summary>
    public Money MinPayout { get; init; }
    /// <summary>How many buyers may hold the lead.</summary>
    public required int MaxCopies { get; init; }
    /// <summary>HMACs of the person's fields that buyers or campaigns watch, by field name.</summary>
    public IReadOnlyDictionary<string, byte[]> PersonHashes { get; init; } = ImmutableDictionary<string, byte[]>.Empty;
    public int NextCopyNo { get; init; } = 1;
    /// <summary>Items so far that held or called buyers, of a lead brought back its copies; bounded by <see cref="Limits.CallsPerPost"/>.</summary>
    public int Tries { get; init; }
    /// <summary>Bids passed over before they were held; bounded by <see cref="Limits.TriesPerPost"/>.</summary>
    public int Passes { get; init; }
    /// <summary>Bids passed over that no durable item tells of yet.</summary>
    public ImmutableArray<PassedOver> PassedOver { get; init; } = [];
    /// <summary>What the first item writes beside its copies; null once it is durable.</summary>
    public FirstWrite? First { get; init; }
    /// <summary>
    /// Somebody else is said to have this person, perhaps wrongly: the rows are asked for that first. Only speed depends on it, since they would say the same of the copies.
    /// </summary>
    public bool MayBeTaken { get; init; }
    /// <summary>
    /// Its person was erased with another lead, or came on a list that is never sold, after the post or by fields that were added: nobody else gets it. Read with the rows.
    /// </summary>
    public bool IsSuppressed { get; init; }
    /// <summary>Why the lead is unsold, once it is.</summary>
    public Reason Reason { get; init; }
    /// <summary>Whether an unsold end keeps the persons it claimed: the vertical counts received leads.</summary>
    public bool KeepPersonsWhenUnsold { get; init; }
    /// <summary>It waits before the next tree is asked; durable.</summary>
    public LeadWait? Waits { get; init; }
    /// <summary>It waited before its ping's own tree was asked: only a later walk can keep the promise.</summary>
    public bool Waited { get; init; }
    /// <summary>The wait has ended in this plan.</summary>
    internal WaitEnd? EndsWait { get; init; }
    /// <summary>The item handed to the journal whose verdict is awaited.</summary>
    public InFlight? InFlight { get; init; }
    /// <summary>A test takes no cap, money, turn or duplicate memory, and reaches a buyer only where its endpoint has a place for tests.</summary>
    public bool Test => Record.Id.IsTest;
    /// <summary>Only for a test whose caller wants to see an unfinished sale: pending or in doubt. Its copies are held and nobody is asked.</summary>
    public LeadState? Unfinished { get; init; }
    /// <summary>A test that asked for its outcome: no buyer is asked.</summary>
    public bool IsForced { get; init; }

    /// <summary>The ping's.</summary>
    public PingRecord Record => Rounds[0].Record;

    public LeadId Id => Record.Id;

    /// <summary>Sold if any copy is; else in doubt, pending (held), or unsold.</summary>
    public LeadState State =>
        Has(SlotState.Captured) ? LeadState.Sold
        : Has(SlotState.InDoubt) ? LeadState.InDoubt
        : Has(SlotState.Held) || IsPlanned || Waits is not null ? LeadState.Pending
        : LeadState.Unsold;

    /// <summary>No copy waits for anything.</summary>
    public bool IsSettled => !Has(SlotState.Held) && !Has(SlotState.InDoubt) && !IsPlanned && Waits is null;

    /// <summary>Copies are chosen that are not durable yet.</summary>
    internal bool IsPlanned => Has(SlotState.Proposed) || Has(SlotState.Reserved);

    public Slot? SlotOfCopy(int copyNo) => Slots.FirstOrDefault(slot => slot.CopyNo == copyNo);

    public RankedBid BidAt(int place)
    {
        var round = RoundAt(place);
        return round.Record.Bids[place - round.First];
    }

    public SaleRound RoundAt(int place)
    {
        for (var i = Rounds.Length - 1; i > 0; i--) if (place >= Rounds[i].First) return Rounds[i];
        return Rounds[0];
    }

    /// <summary>Whether the ping made its best offers by this bid.</summary>
    public bool IsBestOffer(int place) => Array.Exists(Record.Offers, offer => offer.Best && offer.BidIndex == place);

    /// <summary>How many bids all rounds have.</summary>
    public int BidCount => Rounds[^1].First + Rounds[^1].Record.Bids.Length;

    private bool Has(SlotState state)
    {
        foreach (var slot in Slots) if (slot.State == state) return true;
        return false;
    }
}

/// <summary>The rows that come with a lead's first item: a new lead, or the post of one whose copies were held at its ping.</summary>
public sealed record FirstWrite(NewLead? Lead, LeadPost? Post, RequestClaim? Request, PersonClaim[] Persons)
{
    public FirstWrite(NewLead lead, RequestClaim? request, PersonClaim[] persons) : this(lead, null, request, persons) { }

    /// <summary>Copies held at the ping whose offers the post did not take; freed with the first item.</summary>
    public int[] Unwanted { get; init; } = [];
}

/// <summary>
/// An item at the journal, the plan it came from (its copies still proposed) with the ends of what fell out, and what the lead becomes if it is done.
/// </summary>
public sealed record InFlight(JournalItem Item, LeadSale Plan, CopyEnd[] Voids, LeadSale IfDone);
