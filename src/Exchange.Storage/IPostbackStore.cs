using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>A postback whose lease this process now holds. Only a result that carries the same fence is recorded.</summary>
/// <param name="LastError">What the last recorded attempt came to; null: none was recorded.</param>
public sealed record LeasedPostback(PostbackId Id, string Publisher, Money Change, long Fence, int Attempts, long CreatedAtMs, string? LastError);

/// <param name="Status">Never failed: whatever a publisher's server answers, the outcome stands.</param>
/// <param name="AtMs">Last changed.</param>
public sealed record PostbackRow(PostbackId Id, string Publisher, Money Change, DeliveryStatus Status, int Attempts, long DueAtMs, string? Error, long AtMs);

/// <summary>Which postbacks; null: any.</summary>
public sealed record PostbackQuery(DeliveryStatus? Status = null, string? Publisher = null, LeadId? Lead = null);

/// <summary>Which dead ones; null: any. They ended in [from, until), Unix milliseconds.</summary>
public sealed record DeadPostbacks(string? Publisher = null, string? Error = null, long? FromMs = null, long? UntilMs = null);

/// <summary>
/// What publishers are told of their leads. The journal writes them with the item that makes it so (<see cref="Engine.Ledger.JournalItem.Postback"/>); here they are
/// claimed, one process at a time, and ended.
/// </summary>
public interface IPostbackStore
{
    /// <summary>
    /// Takes due postbacks whose lease is free or over: fence + 1, attempts + 1, leased until the given time. Durable on return. At most
    /// <see cref="IDeliveryStore.PacedRows"/> are looked at, oldest first, and asked for by their publisher's id: null = take it; a later moment = it is due then.
    /// </summary>
    Task<IReadOnlyList<LeasedPostback>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, Func<string, long?>? pace, CancellationToken cancel);

    /// <summary>False: a newer attempt holds the fence, or it was replayed since; the result is dropped. What was cancelled meanwhile stays so.</summary>
    Task<bool> RecordAsync(PostbackId id, long fence, DeliveryResult result, long nowMs, CancellationToken cancel);

    /// <summary>As <see cref="IDeliveryStore.AdoptAsync"/>.</summary>
    Task<int> AdoptAsync(long nowMs, CancellationToken cancel);

    /// <summary>When the next is due (or its lease ends); null: none waits.</summary>
    Task<long?> NextDueAsync(CancellationToken cancel);

    /// <summary>Newest lead first.</summary>
    Task<Page<PostbackRow>> ListAsync(PostbackQuery query, int limit, string? cursor, CancellationToken cancel);

    /// <summary>
    /// A dead one is due again now and is tried as long as a new one; one that waits for its next attempt is due now. Fence + 1: what came of an attempt before
    /// it is not recorded any more. False: there is none.
    /// </summary>
    Task<bool> ReplayAsync(PostbackId id, long nowMs, CancellationToken cancel);

    /// <summary>The same of all that ended before now and match, at most <paramref name="limit"/>, oldest lead first. Returns how many.</summary>
    Task<int> ReplayAsync(DeadPostbacks which, int limit, long nowMs, CancellationToken cancel);
}
