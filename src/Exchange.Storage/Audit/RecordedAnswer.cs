using System.Text.Json;
using Exchange.Engine.Audit;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Audit;

/// <summary>Reads off a recorded answer what an audit compares: outcome and money.</summary>
internal static class RecordedAnswer
{
    private static readonly AnswerFact Unreadable = new(null, Money.Zero, Money.Zero);

    public static AnswerFact? Read(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty) return null;
        try
        {
            var reader = new Utf8JsonReader(utf8);
            LeadState? state = null;
            Money? payout = null, pending = null;
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                // The members of the answer itself; those of its copies are skipped with the array they stand in.
                if (reader.ValueTextEquals("status"u8)) state = reader.Read() ? StateOf(reader.GetString()) : null;
                else if (reader.ValueTextEquals("payout"u8)) payout = Amount(ref reader);
                else if (reader.ValueTextEquals("payout_pending"u8)) pending = Amount(ref reader);
                else reader.Skip();
            }
            return state is null || payout is null || pending is null ? Unreadable : new(state, payout.Value, pending.Value);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return Unreadable;
        }
    }

    private static Money? Amount(ref Utf8JsonReader reader) => reader.Read() && Money.TryParse(reader.GetString(), out var amount) ? amount : null;

    private static LeadState? StateOf(string? word) => word switch
    {
        "sold" => LeadState.Sold,
        "in_doubt" => LeadState.InDoubt,
        "unsold" => LeadState.Unsold,
        "pending" => LeadState.Pending,
        _ => null,
    };
}
