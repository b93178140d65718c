using Exchange.Engine;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage;

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
