using Exchange.Engine.Values;

namespace Exchange.Storage;

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
