using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>Cancelled: the person was erased before it went out.</summary>
public enum DeliveryStatus : byte { Waiting = 1, Delivered = 2, Failed = 3, Dead = 4, Cancelled = 5 }

/// <summary>
/// A delivery whose lease this process now holds. Only a result that carries the same fence is recorded. <c>LastError</c> is what the last
/// recorded attempt came to; null: none was recorded, so whoever held the lease before died or hangs.
/// </summary>
public sealed record LeasedDelivery(CopyId Copy, string Endpoint, long Fence, int Attempts, long CreatedAtMs, CopyState CopyState, string Campaign, string Buyer, string? LastError)
{
    /// <summary>What it waited for; its claim was no attempt then.</summary>
    public DeliveryWait Wait { get; init; }
    /// <summary>The latest end of that wait.</summary>
    public long WaitUntilMs { get; init; }
}

public sealed record DeliveryRow(CopyId Copy, string Endpoint, string Campaign, string Buyer, DeliveryStatus Status, int Attempts, long DueAtMs, string? Error, long AtMs)
{
    public DeliveryWait Wait { get; init; }
}

/// <summary>A result of one attempt. <see cref="NextDueMs"/> set = wait and try again then.</summary>
public sealed record DeliveryResult(DeliveryStatus Status, long? NextDueMs, string? Error)
{
    public static DeliveryResult Of(DeliveryStep step) => new(step.Next switch
    {
        DeliveryNext.Delivered => DeliveryStatus.Delivered,
        DeliveryNext.Wait => DeliveryStatus.Waiting,
        DeliveryNext.Failed => DeliveryStatus.Failed,
        _ => DeliveryStatus.Dead,
    }, step.DueAtMs, step.Error);
}

/// <summary>Which dead and failed deliveries; null: any. They ended in [from, until), Unix milliseconds.</summary>
public sealed record DeadLetters(string? Buyer = null, string? Endpoint = null, string? Error = null, long? FromMs = null, long? UntilMs = null);

/// <summary>One copy as its buyer sees it listed.</summary>
public sealed record BuyerCopy(CopyRow Copy, LeadRow Lead, DeliveryStatus? Delivery);

/// <summary>Asked of a delivery that is due: null, or the later moment at which it is due instead.</summary>
/// <param name="buyer">Whose it is.</param>
/// <param name="endpoint">Where it goes.</param>
public delegate long? Pace(string buyer, string endpoint);

public interface IDeliveryStore
{
    /// <summary>
    /// Takes due deliveries whose lease is free or over: fence + 1, attempts + 1 (of one that waited: as they were), leased until the given time. Durable on return.
    /// </summary>
    Task<IReadOnlyList<LeasedDelivery>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, CancellationToken cancel) =>
        ClaimDueAsync(nowMs, leaseUntilMs, limit, null, cancel);

    /// <summary>
    /// The same of at most <see cref="PacedRows"/>, asking for each, oldest first: null = take it; a later moment = it is due then, so that
    /// what waits for one buyer does not stand before what waits for the others. May be asked more than once of the same. Null: all are taken.
    /// </summary>
    Task<IReadOnlyList<LeasedDelivery>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, Pace? pace, CancellationToken cancel);

    const int PacedRows = 500;

    /// <summary>
    /// Takes, in the same manner, what is due at one endpoint of one buyer of copies that are sold already, in the order of their ids. Deliveries whose lease is
    /// held are due at its end, so none of them is taken.
    /// </summary>
    Task<IReadOnlyList<LeasedDelivery>> ClaimDueAtAsync(string buyer, string endpoint, long nowMs, long leaseUntilMs, int limit, CancellationToken cancel);

    /// <summary>The fence and attempts of a delivery that was inserted already leased to this process (fence 1, attempt 1 by Hold or Sell).</summary>
    const long FirstFence = 1;

    /// <summary>False: a newer attempt holds the fence, or it was replayed since; the result is dropped.</summary>
    Task<bool> RecordAsync(CopyId copy, string endpoint, long fence, DeliveryResult result, long nowMs, CancellationToken cancel);

    /// <summary>
    /// The same of what went out together, all or none: a part of it would come again as another batch. Returns the copies whose results are of their newest attempt.
    /// </summary>
    Task<IReadOnlySet<CopyId>> RecordAllAsync(IReadOnlyList<(LeasedDelivery Delivery, DeliveryResult Result)> results, long nowMs, CancellationToken cancel);

    /// <summary>
    /// One that waited becomes these, in one transaction; a leased one is this process's, with the same fence, at its first attempt. One whose endpoint the
    /// copy has a delivery to already is left out. What is not to wait any more is seen by the buyer from now on. Returns the endpoints of those that it became; null: a newer
    /// claim holds the fence, or it has ended.
    /// </summary>
    Task<IReadOnlyList<string>?> TurnAsync(CopyId copy, string endpoint, long fence, IReadOnlyList<NewDelivery> become, long nowMs, CancellationToken cancel);

    /// <summary>
    /// Nobody asks the buyer of this copy any more: what would ask it again becomes a dead letter (<c>resolved</c>). False: a call is under way, under a lease that is
    /// not over, and nothing has changed for it.
    /// </summary>
    Task<bool> GiveUpAsync(CopyId copy, long nowMs, CancellationToken cancel);

    /// <summary>At start: the leases of dead predecessors, which had the same data folder or (PostgreSQL) the same silo's name, end at once. Returns how many.</summary>
    Task<int> AdoptAsync(long nowMs, CancellationToken cancel);

    /// <summary>When the next delivery is due (or its lease ends); null: none waits.</summary>
    Task<long?> NextDueAsync(CancellationToken cancel);

    Task<Page<DeliveryRow>> ListAsync(DeliveryStatus? status, string? buyer, int limit, string? cursor, CancellationToken cancel);

    /// <summary>
    /// A dead or failed delivery is due again now and is tried as long as a new one; one that waits for its next attempt is due now. Only of a copy that its
    /// buyer holds: what was refused or voided is never sent again. Fence + 1: what came of an attempt before it is not recorded any more. False: there is none, or it is on its way.
    /// </summary>
    Task<bool> ReplayAsync(CopyId copy, string endpoint, long nowMs, CancellationToken cancel);

    /// <summary>The same of all that ended before now and match, at most <paramref name="limit"/>, oldest lead first. Returns how many.</summary>
    Task<int> ReplayAsync(DeadLetters which, int limit, long nowMs, CancellationToken cancel);

    /// <summary>
    /// A sold copy goes to this endpoint of its buyer once more now, whatever became of it there, or for the first time; the same id again. False: the copy is not
    /// sold, or this delivery is on its way.
    /// </summary>
    Task<bool> RedeliverAsync(CopyId copy, string endpoint, long nowMs, CancellationToken cancel);

    /// <summary>A buyer's captured copies (no tests), oldest first after the cursor; <paramref name="status"/> filters by inbox delivery.</summary>
    Task<Page<BuyerCopy>> CopiesOfBuyerAsync(string buyer, DeliveryStatus? status, int limit, string? cursor, CancellationToken cancel);

    /// <summary>The buyer has fetched a copy from its inbox. False: not its copy. Acknowledging twice is harmless.</summary>
    Task<bool> AcknowledgeAsync(string buyer, CopyId copy, long nowMs, CancellationToken cancel);
}
