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
    public required PingRecord Record { get; init; }
    public required ImmutableArray<Slot> Slots { get; init; }
    /// <summary>Bids (indexes into the record's) that fell out: refused, capped, paused, filtered.</summary>
    public ImmutableHashSet<int> Out { get; init; } = [];
    public int NextCopyNo { get; init; } = 1;
    /// <summary>Buyers that were held or called so far; bounded by <see cref="Limits.CallsPerPost"/>.</summary>
    public int Tries { get; init; }
    /// <summary>What the first item writes beside its copies; null once it is durable.</summary>
    public FirstWrite? First { get; init; }
    /// <summary>Why the lead is unsold, once it is.</summary>
    public Reason Reason { get; init; }
    /// <summary>Whether an unsold end frees the persons it claimed (unless the vertical counts received leads).</summary>
    public bool KeepPersonsWhenUnsold { get; init; }
    /// <summary>The item handed to the journal whose verdict is awaited.</summary>
    public InFlight? InFlight { get; init; }
    /// <summary>A test takes no cap, money, turn or duplicate memory and reaches no buyer.</summary>
    public bool Test => Record.Id.IsTest;
    /// <summary>Only for a test whose caller wants to see an unfinished sale: pending or in doubt. Its copies are held and nobody is asked.</summary>
    public LeadState? Unfinished { get; init; }

    public LeadId Id => Record.Id;

    /// <summary>Sold if any copy is; else in doubt, pending (held), or unsold.</summary>
    public LeadState State =>
        Has(SlotState.Captured) ? LeadState.Sold
        : Has(SlotState.InDoubt) ? LeadState.InDoubt
        : Has(SlotState.Held) || Has(SlotState.Proposed) ? LeadState.Pending
        : LeadState.Unsold;

    /// <summary>No copy waits for anything.</summary>
    public bool IsSettled => !Has(SlotState.Held) && !Has(SlotState.InDoubt) && !Has(SlotState.Proposed);

    public Slot? SlotOfCopy(int copyNo) => Slots.FirstOrDefault(slot => slot.CopyNo == copyNo);

    private bool Has(SlotState state)
    {
        foreach (var slot in Slots) if (slot.State == state) return true;
        return false;
    }
}

/// <summary>The rows that come with a lead's first item.</summary>
public sealed record FirstWrite(NewLead Lead, RequestClaim? Request, PersonClaim[] Persons);

/// <summary>An item at the journal and what the lead becomes if it is done.</summary>
public sealed record InFlight(JournalItem Item, LeadSale IfDone, int Slot);
