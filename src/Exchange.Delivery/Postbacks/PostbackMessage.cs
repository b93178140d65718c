using System.Text.Json;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;

namespace Exchange.Delivery.Postbacks;

/// <summary>What a publisher is told of one of its leads: nothing that it did not send or was not told before, and nothing of the person.</summary>
public sealed record PostbackMessage
{
    /// <summary>The same on every attempt.</summary>
    public required PostbackId Id { get; init; }
    /// <summary>What the lead earns at the moment of the call.</summary>
    public required Money Payout { get; init; }
    /// <summary>How much more it earns by what is told; below zero of what came back.</summary>
    public required Money Change { get; init; }
    public required string Currency { get; init; }
    /// <summary>Why nobody took it; null else.</summary>
    public string? Reason { get; init; }
    public string? SubId { get; init; }
    public IReadOnlyList<KeyValuePair<string, string>> Tags { get; init; } = [];
    public bool Test { get; init; }

    /// <summary>The body of a signed message.</summary>
    public byte[] ToJson() => JsonBytes.Plain(this, static (json, message) => message.Write(json));

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "lead." + Id.Event.Wire());
        json.WriteString("lead_id", Id.Lead.ToString());
        json.WriteString("status", Id.Event.Wire());
        json.WriteString("payout", Payout.ToString());
        json.WriteString("change", Change.ToString());
        json.WriteString("currency", Currency);
        json.WriteString("reason", Reason);
        json.WriteString("sub_id", SubId);
        json.WriteStartObject("tags");
        foreach (var (name, value) in Tags) json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteBoolean("test", Test);
        json.WriteEndObject();
    }
}
