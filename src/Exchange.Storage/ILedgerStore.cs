using Exchange.Engine.Values;

namespace Exchange.Storage;

public sealed record TransferRow(string Id, long AtMs, LeadId? Lead, string Kind, string Debit, string Credit, Money Amount, string? Reference);

/// <summary>What an account comes to: credits less debits.</summary>
public sealed record AccountBalance(string Account, Money Balance);

public interface ILedgerStore
{
    /// <summary>The most that a buyer may have paid in and not spent.</summary>
    static Money MostFunds => new(Engine.Limits.BuyerFundsUnits * Money.MicrosPerUnit);

    /// <summary>How many bookings are closed at once: their sum takes no time that anybody notices.</summary>
    const int BookingsPerClosing = 20_000;

    /// <summary>
    /// Money paid in by a buyer: bank → buyer, and its balance counter's limit rises, in one transaction. The same reference books once:
    /// again with the same amount returns false and books nothing; with another amount throws <see cref="ReferenceReusedException"/>. A new one
    /// that would leave the buyer with more than <see cref="MostFunds"/>, whoever else pays in at the moment, throws <see cref="FundsAboveMostException"/>.
    /// </summary>
    Task<bool> FundAsync(string buyer, Money amount, string reference, long nowMs, CancellationToken cancel);

    Task<Page<TransferRow>> ListAsync(LeadId? lead, string? account, int limit, string? cursor, CancellationToken cancel);

    /// <summary>Credits less debits of an account.</summary>
    Task<Money> BalanceAsync(string account, CancellationToken cancel);

    /// <summary>The same of every account that has a booking, in the order of their names and of one moment: together they come to nothing.</summary>
    Task<IReadOnlyList<AccountBalance>> BalancesAsync(CancellationToken cancel);

    /// <summary>
    /// Sums up the next so many bookings into the closing rows of their accounts, if there are so many since the last time: whoever asks what an account comes to
    /// adds only what came after. Several may do it at once. True: there are as many again.
    /// </summary>
    Task<bool> CloseAsync(int bookings, CancellationToken cancel);
}

/// <summary>A funding reference was used before with another amount.</summary>
public sealed class ReferenceReusedException(string reference) : Exception($"Reference '{reference}' was booked with another amount");

/// <summary>More than a buyer may have.</summary>
public sealed class FundsAboveMostException() : Exception($"A buyer's balance is at most {ILedgerStore.MostFunds}");
