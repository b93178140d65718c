using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>A copy of which nobody knows whether its buyer took it. Its hold stands until the buyer or an operator tells.</summary>
/// <param name="SinceMs">When it came into doubt.</param>
/// <param name="Status">Of the call that asks; null: there is none.</param>
/// <param name="NextMs">When its buyer is asked again; null: never, the operator decides.</param>
public sealed record DoubtRow(
    CopyId Copy, string Campaign, string Buyer, Money Price, long SinceMs, DeliveryStatus? Status, int Attempts, string? Error, long? NextMs);

/// <param name="BeforeMs">Only those in doubt since before then.</param>
public sealed record DoubtQuery(string? Buyer, string? Campaign, long BeforeMs, int Limit, string? Cursor);

/// <summary>Open doubts, oldest first. No tests.</summary>
public interface IDoubts
{
    Task<Page<DoubtRow>> ListAsync(DoubtQuery query, CancellationToken cancel);
}
