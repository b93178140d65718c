using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>
/// Everything the exchange remembers, in one database. Two implementations: SQLite (one process, a lock on the data folder) and PostgreSQL
/// (many). Every member that is given a time uses it and never asks the database for one.
/// </summary>
public interface IExchangeStore : IAsyncDisposable
{
    IJournal Journal { get; }
    IPingRecords Pings { get; }
    ILeadStore Leads { get; }
    ICatalogStore Catalog { get; }
    ILimitCounts Counts { get; }
    IUpkeep Upkeep { get; }
    IDeliveryStore Deliveries { get; }
    ILeadWaits Waits { get; }
    IAccessStore Access { get; }
    ILedgerStore Ledger { get; }
    IDoubts Doubts { get; }
    IErasures Erasures { get; }
    ISuppressions Suppressions { get; }
    IReturnStore Returns { get; }
    IPostbackStore Postbacks { get; }
    IVault Vault { get; }

    /// <summary>A cheap write and read that fails if the database cannot be used; for readiness.</summary>
    Task CheckAsync(CancellationToken cancel);
}

/// <summary>A counter row's new values after a commit, for the live view.</summary>
public readonly record struct CounterValue(string Key, string LimitId, long Limit, long Used, long Held);

public interface IJournal
{
    /// <summary>
    /// Makes one item durable together with what else waits. Completes after the commit. Cancelling works only while the item is queued
    /// and then throws <see cref="OperationCanceledException"/>: a definite no. A full queue throws <see cref="StorageBusyException"/> at once: a definite no.
    /// </summary>
    Task<Verdict> SubmitAsync(JournalItem item, CancellationToken whileQueued);

    /// <summary>Called on the writer's thread after each commit with the counters that changed; must be quick and must not throw.</summary>
    Action<IReadOnlyList<CounterValue>>? Committed { get; set; }

    /// <summary>As <see cref="Committed"/>, of copies and persons. Tests are not told.</summary>
    Action<SoldNews>? Sold { get; set; }

    /// <summary>How many transactions this process has committed, and how many items and other changes they held; their ratio is the size of a group.</summary>
    (long Commits, long Items) Done { get; }

    /// <summary>How many items wait now.</summary>
    int Waiting { get; }
}

/// <summary>The journal's queue is full or the store is closing; nothing was written. 503 with Retry-After.</summary>
public sealed class StorageBusyException(string message) : Exception(message)
{
    internal static StorageBusyException Closing() => new("The store is closing");
}

/// <summary>
/// The disk failed while a change was being made durable: whether it is will be known after a restart. Every later change is refused with the
/// same. 503; the caller sends the same again then.
/// </summary>
public sealed class StorageFailedException(string message) : Exception(message);

/// <summary>The data folder is in use by another process, or cannot be used. Told to the operator at start.</summary>
public sealed class StorageOpenException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The compiled catalog of a version, as a catalog host keeps them.</summary>
public delegate ValueTask<CatalogModel> CatalogModels(long version, CancellationToken cancel);

/// <summary>Ping records: their own file or partition, written in batches, synchronous NORMAL: a crash may lose the last 100 ms.</summary>
public interface IPingRecords
{
    /// <summary>
    /// Queues the record; false if the queue is full (the offer must then not be made). <paramref name="fields"/> is the record's vertical at its
    /// catalog version: values of sensitive (or contact) fields are sealed.
    /// </summary>
    /// <param name="bytes">The record as it is written, for who keeps it in memory: see <see cref="PingCodec"/>.</param>
    bool TryAppend(PingRecord record, FieldSet fields, out byte[] bytes);

    /// <summary>Reads what was appended, also what is still queued. Null: unknown.</summary>
    /// <param name="models">Gives the model of a catalog version: a record names campaigns and limits as they stood in it.</param>
    Task<PingRecord?> FindAsync(LeadId id, CatalogModels models, CancellationToken cancel);

    /// <summary>
    /// The records of ids from <paramref name="from"/> (included) to <paramref name="to"/> (not included), oldest first, also those still queued; at most
    /// <paramref name="limit"/>. Ids are in the order of time.
    /// </summary>
    Task<IReadOnlyList<PingRecord>> ReadAsync(LeadId from, LeadId to, int limit, CatalogModels models, CancellationToken cancel);

    /// <summary>Completes when all that was appended before is on disk.</summary>
    Task FlushAsync(CancellationToken cancel);
}

public sealed record CopyRow(
    CopyId Id, string OfferId, string Campaign, string Buyer, string Company, bool Exclusive, CopyState State, Money Price, Money Payout,
    long AtMs, Reason Reason, string? BuyerRef, string? RedirectUrl)
{
    public string Tier { get; init; } = "";
    public IReadOnlyList<string> Trees { get; init; } = [];
    /// <summary>False: held at the ping, its buyer was never called; it may expire.</summary>
    public bool Called { get; init; } = true;
}

public sealed record LeadRow(
    LeadId Id, string Publisher, string Vertical, string? SubId, bool Test, LeadState State, Reason Reason, int MaxCopies, byte[] PostHash,
    byte[] Sealed, byte[]? Answer, long CatalogVersion, long AtMs, IReadOnlyList<CopyRow> Copies)
{
    public string? Channel { get; init; }
    /// <summary>As <see cref="NewLead.Promised"/>.</summary>
    public Money? Promised { get; init; }
    /// <summary>Above 0: its copies were held at the ping and it was never posted; the offer's end. It is no lead yet: lists leave it out.</summary>
    public long OfferUntilMs { get; init; }
    public bool IsPosted => OfferUntilMs == 0;
    /// <summary>The last wait of the lead, before a tree was asked; null: it never waited.</summary>
    public LeadWaitRow? Wait { get; init; }
    /// <summary>It waits now.</summary>
    public LeadWait? Waits => Wait is { IsOver: false } wait ? wait.Wait : null;
    /// <summary>Whose lead it was is forgotten; <see cref="Sealed"/> is empty.</summary>
    public bool IsErased => Sealed.Length == 0;
}

/// <summary>
/// Posts in time of one publisher and vertical: how many, how many were sold for at least what their offers promised, how many are not settled yet.
/// </summary>
public readonly record struct PromiseRow(string Publisher, string Vertical, long InTime, long Kept, long Open);

/// <summary>As <see cref="PassedOver"/>, with the moment of the item that told of it.</summary>
public sealed record PassedOverRow(string Campaign, string Buyer, Money Price, Reason Reason, long AtMs);

/// <summary>A lead held at its ping whose offer is over, with the numbers of the copies that are still held.</summary>
public sealed record ExpiredOffer(LeadId Lead, IReadOnlyList<int> Held);

/// <summary>A page of rows, newest first, with the cursor of the next page or null.</summary>
public sealed record Page<T>(IReadOnlyList<T> Rows, string? Next);

public sealed record LeadQuery(string? Publisher, string? Campaign, string? Buyer, LeadState? State, int Limit, string? Cursor);

public interface ILeadStore
{
    Task<LeadRow?> FindAsync(LeadId id, CancellationToken cancel);
    Task<Page<LeadRow>> ListAsync(LeadQuery query, CancellationToken cancel);

    /// <summary>
    /// Replaces the sealed payload after fields were added, if it is still the one that was read (byte for byte); what waits for fields is due now, to be
    /// asked again. False: somebody else added fields meanwhile; read again.
    /// </summary>
    Task<bool> AddFieldsAsync(LeadId id, byte[] readSealed, byte[] newSealed, long nowMs, CancellationToken cancel);

    /// <summary>The bids that were passed over when the lead was sold, in the order in which their turn came; usually none.</summary>
    Task<IReadOnlyList<PassedOverRow>> PassedOverAsync(LeadId id, CancellationToken cancel);

    /// <summary>The lead a publisher's idempotency key made, with the hash of that request's body; null if none.</summary>
    Task<(LeadId Lead, byte[] BodyHash)?> FindRequestAsync(string publisher, string key, CancellationToken cancel);

    /// <summary>
    /// Leads held at their ping and not posted by then, oldest first. Whoever reads them submits the end of their copies (Expire) with Unsold; a post
    /// that comes first wins.
    /// </summary>
    Task<IReadOnlyList<ExpiredOffer>> ExpiredOffersAsync(long nowMs, int limit, CancellationToken cancel);

    /// <summary>Tests with a copy that was held before then and is held still, the oldest first.</summary>
    Task<IReadOnlyList<LeadId>> HeldTestsAsync(long beforeMs, int limit, CancellationToken cancel);

    /// <summary>Of posts in time from then on, and before the other moment; by publisher, then vertical.</summary>
    Task<IReadOnlyList<PromiseRow>> PromisesAsync(long fromMs, long untilMs, CancellationToken cancel);
}

/// <summary>One stored catalog version: canonical JSON (UTF-8), whole, or what changes an earlier one to it.</summary>
public sealed record CatalogVersion(long Version, long AtMs, string Author, byte[] Json)
{
    /// <summary>The whole version to which <see cref="Json"/> is an RFC 7396 merge patch; null: it is whole itself.</summary>
    public long? Base { get; init; }
}

/// <summary>Who made which catalog version when.</summary>
public sealed record CatalogNote(long Version, long AtMs, string Author);

/// <summary>What an apply does to limits, worked out by the engine from two models; done in the same transaction as the version row.</summary>
/// <param name="Limits">Every limit of the new model.</param>
public sealed record CatalogApply(byte[] Json, string Author, long? ExpectedVersion, IReadOnlyList<LimitModel> Limits)
{
    /// <summary>Reads the leads that a new cap with a condition or a count for each value has to know; null only where there are no such caps.</summary>
    public ICopyFacts? Facts { get; init; }

    /// <summary>As <see cref="CatalogVersion.Base"/>.</summary>
    public long? Base { get; init; }

    /// <summary>Campaigns that the version before did not have: whose id is nobody's yet belongs to this buyer and vertical from now on.</summary>
    public IReadOnlyList<CampaignIdentity> NewCampaigns { get; init; } = [];
}

/// <summary>What a campaign id stands for in every version, also after it left and came back.</summary>
public sealed record CampaignIdentity(string Id, string Buyer, string Vertical);

public interface ICatalogStore
{
    Task<CatalogVersion?> LatestAsync(CancellationToken cancel);
    /// <summary>0: there is none yet.</summary>
    Task<long> LatestVersionAsync(CancellationToken cancel);
    Task<CatalogVersion?> FindAsync(long version, CancellationToken cancel);
    /// <summary>Those of these campaign ids that were ever applied.</summary>
    Task<IReadOnlyList<CampaignIdentity>> IdentitiesAsync(IReadOnlyCollection<string> ids, CancellationToken cancel);
    /// <summary>Newest first.</summary>
    Task<IReadOnlyList<CatalogNote>> HistoryAsync(int limit, CancellationToken cancel);

    /// <summary>
    /// One transaction, whole or not at all: the version row; for each cap its limit (existing counter rows follow at once); balances' credit
    /// limits; gates open or paused. Another set of caps of a campaign (a new gate id): the old gate closes, new caps' counters of the current
    /// window start with the live copies of that window (counted offers and pings at nothing), then the new gate opens. Gates that left the catalog close. Returns the new version, or null
    /// if <see cref="CatalogApply.ExpectedVersion"/> is not the latest.
    /// </summary>
    Task<long?> ApplyAsync(CatalogApply apply, long nowMs, CancellationToken cancel);

    /// <summary>All counters, for the live view at start and its healing.</summary>
    Task<IReadOnlyList<CounterValue>> ReadCountersAsync(long nowMs, CancellationToken cancel);

    /// <summary>The counters of these limits, as <see cref="ReadCountersAsync"/> gives them.</summary>
    Task<IReadOnlyList<CounterValue>> CountersOfAsync(IReadOnlyCollection<string> limits, long nowMs, CancellationToken cancel);
}

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
public sealed record DeliveryResult(DeliveryStatus Status, long? NextDueMs, string? Error);

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

    /// <summary>False: a newer attempt holds the fence; the result is dropped.</summary>
    Task<bool> RecordAsync(CopyId copy, string endpoint, long fence, DeliveryResult result, long nowMs, CancellationToken cancel);

    /// <summary>
    /// One that waited becomes these, in one transaction; a leased one is this process's, with the same fence, at its first attempt. One whose endpoint the
    /// copy has a delivery to already is left out. What is not to wait any more is seen by the buyer from now on. False: a newer claim holds the fence, or it has ended.
    /// </summary>
    Task<bool> TurnAsync(CopyId copy, string endpoint, long fence, IReadOnlyList<NewDelivery> become, long nowMs, CancellationToken cancel);

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
    /// buyer holds: what was refused or voided is never sent again. False: there is none, or it is on its way.
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

public enum KeyRole : byte { Publisher = 1, Buyer = 2, Admin = 3, Viewer = 4 }

/// <summary>An API key as stored: only its hash. <see cref="For"/> is the publisher's or buyer's id, or a label.</summary>
public sealed record KeyRow(string Id, KeyRole Role, string For, bool Test, byte[] Hash, string Prefix, long CreatedAtMs, long? RevokedAtMs);

public interface IAccessStore
{
    Task<IReadOnlyList<KeyRow>> KeysAsync(CancellationToken cancel);
    /// <summary>Throws <see cref="InvalidOperationException"/> if the party already has two live keys of this role and mode.</summary>
    Task AddKeyAsync(KeyRow key, CancellationToken cancel);
    /// <summary>The same, with what is written of it, in one transaction.</summary>
    Task AddKeyAsync(KeyRow key, ChangeNote note, CancellationToken cancel);
    Task<bool> RevokeKeyAsync(string id, long nowMs, CancellationToken cancel);
    /// <summary>Sealed on disk; the newest value counts.</summary>
    Task PutSecretAsync(string name, byte[] value, long nowMs, CancellationToken cancel);
    Task<byte[]?> FindSecretAsync(string name, CancellationToken cancel);
    Task<IReadOnlyList<string>> SecretNamesAsync(CancellationToken cancel);
    /// <summary>Small settings of the installation itself (salts, first-start marks).</summary>
    Task<string?> FindSettingAsync(string name, CancellationToken cancel);
    Task PutSettingAsync(string name, string value, CancellationToken cancel);
    /// <summary>Sets what is not set yet. Gives what counts from now on: of several who come at once one wins, and all get its value. Durable on return.</summary>
    Task<string> SetOnceAsync(string name, string value, CancellationToken cancel);
    /// <summary>The recorded answer of an admin or buyer operation with an idempotency key.</summary>
    Task<(byte[] BodyHash, byte[] Answer)?> FindOperationAsync(string scope, string key, CancellationToken cancel);
    Task PutOperationAsync(string scope, string key, byte[] bodyHash, byte[] answer, long nowMs, CancellationToken cancel);
    /// <summary>Who did what: every privileged change and every reveal of PII. No PII in it.</summary>
    Task AuditAsync(string who, string action, string target, string? detail, long nowMs, CancellationToken cancel);
}

public sealed record TransferRow(string Id, long AtMs, LeadId? Lead, string Kind, string Debit, string Credit, Money Amount, string? Reference);

public interface ILedgerStore
{
    /// <summary>
    /// Money paid in by a buyer: bank → buyer, and its balance counter's limit rises, in one transaction. The same reference books once:
    /// again with the same amount returns false and books nothing; with another amount throws <see cref="ReferenceReusedException"/>.
    /// </summary>
    Task<bool> FundAsync(string buyer, Money amount, string reference, long nowMs, CancellationToken cancel);

    Task<Page<TransferRow>> ListAsync(LeadId? lead, string? account, int limit, string? cursor, CancellationToken cancel);

    /// <summary>Credits less debits of an account.</summary>
    Task<Money> BalanceAsync(string account, CancellationToken cancel);
}

/// <summary>A funding reference was used before with another amount.</summary>
public sealed class ReferenceReusedException(string reference) : Exception($"Reference '{reference}' was booked with another amount");

/// <summary>Sealing and hashing with keys that live outside the database (file or environment).</summary>
public interface IVault
{
    /// <summary>AES-256-GCM under a fresh data key that is wrapped by the installation's key; bound to the lead's id.</summary>
    byte[] Seal(LeadId lead, ReadOnlySpan<byte> plain);
    byte[] Open(LeadId lead, ReadOnlySpan<byte> sealedBytes);

    /// <summary>HMAC of field name and SHA-256 of the normalized value, so that a pinged hash matches. 32 bytes.</summary>
    byte[] PersonHash(string field, string normalized);

    /// <summary>The same, of a value of which only the SHA-256 is known.</summary>
    byte[] PersonHashOfSha(string field, ReadOnlySpan<byte> sha256);

    /// <summary>HMAC of an API key. 32 bytes.</summary>
    byte[] KeyHash(string key);

    /// <summary>How a buyer hears of one campaign's bid at one ping: always the same, and not to be told apart from any other without the key.</summary>
    string BidRequest(LeadId ping, string campaign);

    /// <summary>A stable short alias for one of our names as one buyer sees it, such as <c>s-7f3k2</c>.</summary>
    string Alias(string buyer, string publisher, string? subId);
}
