using Exchange.Engine.Values;

namespace Exchange.Engine.Ledger;

/// <summary>A lead as an item is judged against it.</summary>
public sealed record JudgedLead(LeadId Id, LeadState State, Reason Reason, string Publisher, int MaxCopies, byte[] PostHash, byte[]? Answer, bool IsPosted)
{
    /// <summary>The fence of its wait, raised by every claim; null: it does not wait.</summary>
    public long? WaitFence { get; init; }

    /// <summary>Its person was erased after its post: nobody else gets it.</summary>
    public bool IsErased { get; init; }

    public RecordedLead Recorded => new(Id, State, PostHash, Answer);
}

/// <summary>A copy as an item is judged against it. A store derives from it to keep, in its own form, what the copy took.</summary>
public record JudgedCopy(int No, string OfferId, string Campaign, string Company, bool Exclusive, CopyState State, bool IsCalled, string Tier, long AtMs)
{
    /// <summary>Has a place among the lead's copies. One that came back keeps it: its buyer has the lead.</summary>
    public bool IsOpen => State is CopyState.Held or CopyState.InDoubt or CopyState.Captured or CopyState.Reversed;
}

/// <summary>Whose a publisher's idempotency key is. <see cref="Hash"/> is that of the body it came with.</summary>
public readonly record struct ClaimedRequest(LeadId Lead, byte[] Hash);

/// <summary>The rows an item is judged against, as the items before it have left them.</summary>
public interface IJudgedRows
{
    JudgedLead? FindLead(LeadId id);

    /// <summary>The lead's copies by their numbers.</summary>
    IReadOnlyList<JudgedCopy> CopiesOf(LeadId id);

    ClaimedRequest? FindRequest(RequestClaim request);

    PersonRow? FindPerson(PersonClaim claim);
}
