using Exchange.Engine.Leads;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>A claim of a lead whose wait may be over. Only an item with this fence (<see cref="Engine.Ledger.JournalItem.EndsWait"/>) says what it comes to.</summary>
public readonly record struct ClaimedWait(LeadId Lead, long Fence);

/// <summary>The wait of a lead as its row tells it.</summary>
/// <param name="BegunMs">When it began, Unix milliseconds.</param>
/// <param name="Fence">Raised by every claim and by whatever changes what the lead waits for.</param>
/// <param name="IsOver">The lead went on; what it waited for stays to be read.</param>
public sealed record LeadWaitRow(LeadWait Wait, long BegunMs, long Fence, bool IsOver);

/// <summary>Leads that wait before a tree is asked: rows with a due moment, written by the journal.</summary>
public interface ILeadWaits
{
    /// <summary>Takes leads whose wait may be over, the longest due first: fence + 1, due again at <paramref name="leaseUntilMs"/>. Durable on return.</summary>
    Task<IReadOnlyList<ClaimedWait>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, CancellationToken cancel);

    /// <summary>A claim that came to nothing: it is due then, and no sooner unless what it waits for changes. False: the claim's fence is passed, or the wait is over.</summary>
    Task<bool> SetBackAsync(ClaimedWait claim, long dueMs, CancellationToken cancel);

    /// <summary>When the next one is due, Unix milliseconds; null: none waits.</summary>
    Task<long?> NextDueAsync(CancellationToken cancel);
}
