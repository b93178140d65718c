using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

/// <summary>What can happen to a lead.</summary>
public abstract record LeadEvent
{
    private LeadEvent() { }

    /// <summary>The post is valid and in time: sell its slots. <see cref="Refused"/> set: record this no instead (suppressed, min_payout).</summary>
    public sealed record Posted(Reason Refused) : LeadEvent;

    /// <summary>The journal's verdict on the item in flight.</summary>
    public sealed record Settled(Verdict Verdict) : LeadEvent;

    /// <summary>The item in flight was refused because the catalog had moved on; the context holds the new one: decide again.</summary>
    public sealed record Stale : LeadEvent;

    /// <summary>The lead waited, and that may be over.</summary>
    /// <param name="Cancelled">There is nothing to sell any more: it was erased.</param>
    public sealed record WaitOver(WaitEnd End, bool Cancelled) : LeadEvent;

    /// <summary>A test whose held copies nobody will answer any more.</summary>
    public sealed record TestOver : LeadEvent;

    /// <summary>A buyer's answer to one copy, or the lack of one.</summary>
    public sealed record Answered(int CopyNo, BuyerAnswer Answer, Reason Reason, string? BuyerRef, string? RedirectUrl) : LeadEvent
    {
        /// <summary>The price that an accepting answer names, where such a price counts: cut down to whole steps, only a lower one does, and only if it pays the promise.</summary>
        public Money? Price { get; init; }
    }
}

public enum BuyerAnswer
{
    Accepted,
    /// <summary>A definite no, or certainly nothing was sent: the next in rank may have it.</summary>
    Refused,
    /// <summary>It had this lead before. A no, unless it was in doubt: then it may be our own earlier attempt.</summary>
    Duplicate,
    /// <summary>It has the lead and will say later, or surely has not taken it and asks to come again.</summary>
    Later,
    /// <summary>Bytes left and nothing certain came back.</summary>
    Unknown,
}

/// <summary>What to do next: at most one item to make durable, then the copies that may be called (their hold and lease are durable).</summary>
public sealed record LeadStep(LeadSale Sale, JournalItem? Submit, IReadOnlyList<int> Calls)
{
    /// <summary>The store already knew this lead or key otherwise; nothing was written by us.</summary>
    public Verdict? Conflict { get; init; }

    public static LeadStep Stay(LeadSale sale) => new(sale, null, []);
}
