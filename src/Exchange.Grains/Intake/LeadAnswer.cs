using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Grains.Intake;

public sealed record CopyAnswer(string OfferId, CopyState State, Money Payout, string? RedirectUrl);

/// <summary>
/// What a publisher is told of its lead: the answer of a post and of GET. Its JSON is what is recorded and replayed, byte for byte.
/// </summary>
public sealed record LeadAnswer
{
    public required LeadId LeadId { get; init; }
    public required LeadState State { get; init; }
    /// <summary>Only with unsold.</summary>
    public Reason Reason { get; init; }
    /// <summary>Owed now.</summary>
    public Money Payout { get; init; }
    /// <summary>May follow: copies pending or in doubt.</summary>
    public Money PayoutPending { get; init; }
    public required string Currency { get; init; }
    public string? RedirectUrl { get; init; }
    public IReadOnlyList<CopyAnswer> Copies { get; init; } = [];
    public bool Test { get; init; }
    public IReadOnlyList<KeyValuePair<string, string>> Tags { get; init; } = [];
    public IReadOnlyList<InputError> Warnings { get; init; } = [];

    /// <summary>200, or 202 as long as any copy is pending or in doubt.</summary>
    public int HttpStatus => State == LeadState.Pending || Copies.Any(copy => copy.State is CopyState.Held or CopyState.InDoubt) ? 202 : 200;

    public static string Wire(LeadState state) => state switch
    {
        LeadState.Sold => "sold",
        LeadState.InDoubt => "in_doubt",
        LeadState.Unsold => "unsold",
        _ => "pending",
    };

    public static string Wire(CopyState state) => state switch
    {
        CopyState.Captured => "sold",
        CopyState.InDoubt => "in_doubt",
        CopyState.Held => "pending",
        CopyState.Reversed => "returned",
        _ => "rejected",
    };

    public byte[] ToJson() => JsonBytes.Escaped(this, static (json, answer) => answer.Write(json));

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("lead_id", LeadId.ToString());
        json.WriteString("status", Wire(State));
        if (State == LeadState.Unsold) json.WriteString("reason", Reason.Wire());
        json.WriteString("payout", Payout.ToString());
        json.WriteString("payout_pending", PayoutPending.ToString());
        json.WriteString("currency", Currency);
        json.WriteString("redirect_url", RedirectUrl);
        json.WriteStartArray("copies");
        foreach (var copy in Copies)
        {
            json.WriteStartObject();
            json.WriteString("offer_id", copy.OfferId);
            json.WriteString("status", Wire(copy.State));
            json.WriteString("payout", copy.Payout.ToString());
            json.WriteString("redirect_url", copy.RedirectUrl);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteBoolean("test", Test);
        if (Tags.Count > 0)
        {
            json.WriteStartObject("tags");
            foreach (var (name, value) in Tags) json.WriteString(name, value);
            json.WriteEndObject();
        }
        if (Warnings.Count > 0)
        {
            json.WriteStartArray("warnings");
            foreach (var warning in Warnings)
            {
                json.WriteStartObject();
                json.WriteString("pointer", warning.Pointer);
                json.WriteString("code", warning.Code);
                json.WriteString("message", warning.Message);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    public static LeadAnswer FromJson(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8);
        var root = document.RootElement;
        Invariant.Require(LeadId.TryParse(root.GetProperty("lead_id").GetString(), out var id));
        var reason = Reason.None;
        if (root.TryGetProperty("reason", out var wire)) Invariant.Require(Reasons.TryFromWire(wire.GetString()!, out reason));
        return new LeadAnswer
        {
            LeadId = id,
            State = root.GetProperty("status").GetString() switch
            {
                "sold" => LeadState.Sold, "in_doubt" => LeadState.InDoubt, "unsold" => LeadState.Unsold, _ => LeadState.Pending,
            },
            Reason = reason,
            Payout = Money.Parse(root.GetProperty("payout").GetString()!),
            PayoutPending = Money.Parse(root.GetProperty("payout_pending").GetString()!),
            Currency = root.GetProperty("currency").GetString()!,
            RedirectUrl = root.GetProperty("redirect_url").GetString(),
            Test = root.GetProperty("test").GetBoolean(),
            Copies = [.. root.GetProperty("copies").EnumerateArray().Select(copy => new CopyAnswer(
                copy.GetProperty("offer_id").GetString()!,
                copy.GetProperty("status").GetString() switch
                {
                    "sold" => CopyState.Captured, "in_doubt" => CopyState.InDoubt, "pending" => CopyState.Held, "returned" => CopyState.Reversed, _ => CopyState.Voided,
                },
                Money.Parse(copy.GetProperty("payout").GetString()!),
                copy.GetProperty("redirect_url").GetString()))],
            Tags = root.TryGetProperty("tags", out var tags) ? [.. tags.EnumerateObject().Select(tag => KeyValuePair.Create(tag.Name, tag.Value.GetString()!))] : [],
            Warnings = root.TryGetProperty("warnings", out var warnings)
                ? [.. warnings.EnumerateArray().Select(w => new InputError(w.GetProperty("pointer").GetString()!, w.GetProperty("code").GetString()!, w.GetProperty("message").GetString()!))]
                : [],
        };
    }
}
