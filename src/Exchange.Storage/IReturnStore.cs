using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>How a return stands. Refused is final; accepted once it was decided, its money follows by the journal's Reverse.</summary>
public enum ReturnStatus : byte { Requested = 1, Accepted = 2, Refused = 3 }

/// <summary>Of how many returns this one must be one: accepted and requested ones of sales of a month together are no more than <see cref="AtMost"/>.</summary>
/// <param name="OfCampaign">Counted over one campaign; else over the whole buyer.</param>
/// <param name="FromMs">The month of the sale: start included, end not.</param>
/// <param name="AtMost">Worked out from what was sold by then: sales only become more, so an older count is never too high.</param>
public sealed record ReturnQuota(bool OfCampaign, long FromMs, long UntilMs, long AtMost);

/// <summary>A buyer's wish to give a copy back, judged by the engine before; what races is judged by the store.</summary>
/// <param name="Reason">A word.</param>
/// <param name="Sealed">Note and address of the evidence: free text, which may name a person.</param>
/// <param name="Accepted">True: the terms accept it; false: an admin decides.</param>
public sealed record ReturnAsk(CopyId Copy, string Buyer, string Reason, byte[] Sealed, bool Accepted, ReturnQuota? Quota, long AtMs);

public enum ReturnVerdict
{
    /// <summary>The row is there.</summary>
    Noted,
    /// <summary>There was one before; it stays as it is.</summary>
    AlreadyAsked,
    QuotaReached,
    /// <summary>The buyer has no such copy, or it was never sold.</summary>
    NotSold,
}

/// <param name="IsBooked">Its money is reversed for certain; false says only that nobody noted it yet.</param>
public sealed record ReturnRow(
    CopyId Copy, string Buyer, string Campaign, string Publisher, string Vertical, Money Price, Money Payout, ReturnStatus Status, string Reason, byte[] Sealed,
    long SoldAtMs, long AtMs, long? DecidedAtMs, bool IsBooked);

/// <summary>A buyer's later word on a copy; of each word the newest.</summary>
/// <param name="Value">What it came to, where the buyer says so.</param>
/// <param name="Sealed">The note; null without.</param>
public sealed record DispositionRow(CopyId Copy, string Word, Money? Value, byte[]? Sealed, long AtMs);

/// <summary>What was sold in a span and what of it came back, by when it was sold. Tests are not in it.</summary>
public sealed record ReturnSum(string Buyer, string Campaign, string Publisher, long Sold, long Returned, long Requested, Money Price, Money Refunded);

/// <summary>Returns and dispositions: what buyers say of copies after they bought them.</summary>
public interface IReturnStore
{
    Task<ReturnRow?> FindAsync(CopyId copy, CancellationToken cancel);

    /// <summary>Of these copies those that have one, in no order.</summary>
    Task<IReadOnlyList<ReturnRow>> FindAllAsync(IReadOnlyCollection<CopyId> copies, CancellationToken cancel);

    /// <summary>One row for a copy, for ever: of two that ask at once one is noted. Tells in this order: not sold, asked before, the quota.</summary>
    Task<ReturnVerdict> AskAsync(ReturnAsk ask, CancellationToken cancel);

    /// <summary>Decides a return that waits, at the moment of its note, which is written in the same transaction. False: there is none, or it was decided before; nothing is written.</summary>
    Task<bool> DecideAsync(CopyId copy, bool accept, ChangeNote note, CancellationToken cancel);

    /// <summary>The Reverse of an accepted return is durable.</summary>
    Task BookedAsync(CopyId copy, CancellationToken cancel);

    /// <summary>Accepted returns whose Reverse nobody noted as durable: a crash came between, or it comes in a moment. Oldest first.</summary>
    Task<IReadOnlyList<ReturnRow>> UnbookedAsync(long acceptedBeforeMs, int limit, CancellationToken cancel);

    /// <summary>Newest first.</summary>
    Task<Page<ReturnRow>> ListAsync(ReturnStatus? status, string? buyer, int limit, string? cursor, CancellationToken cancel);

    /// <summary>How many copies a buyer, or one of its campaigns, bought in a span; those that came back too.</summary>
    Task<long> SoldAsync(string buyer, string? campaign, long fromMs, long untilMs, CancellationToken cancel);

    /// <summary>False: the buyer has no such copy. The same word again takes the place of the earlier one.</summary>
    Task<bool> SayAsync(string buyer, DispositionRow disposition, CancellationToken cancel);

    /// <summary>Everything said of these copies, oldest first.</summary>
    Task<IReadOnlyList<DispositionRow>> SaidAsync(IReadOnlyCollection<CopyId> copies, CancellationToken cancel);

    /// <summary>By buyer, campaign, publisher; sales from the first moment (included) to the other (not included).</summary>
    Task<IReadOnlyList<ReturnSum>> SumsAsync(long fromMs, long untilMs, CancellationToken cancel);
}
