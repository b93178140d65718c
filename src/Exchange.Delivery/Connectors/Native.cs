using System.Text;
using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;

namespace Exchange.Delivery.Connectors;

/// <summary>
/// Our copy message to a buyer that speaks our format: an empty 2xx accepts, else the body decides,
/// <c>{ "answer": "accepted" | "rejected" | "duplicate" | "pending", "reason", "ref", "redirect_url" }</c>. A 4xx that carries such a no gives it
/// the buyer's own words; nothing but a 2xx can say yes.
/// </summary>
public sealed class Native(OutboundHttp http) : IConnector
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = Limits.JsonDepth, AllowDuplicateProperties = false };

    public ConnectorKind Kind => ConnectorKind.Native;

    public async Task<AttemptResult> SendAsync(EndpointModel endpoint, EndpointSecrets secrets, CopyMessage message, DateTimeOffset now, CancellationToken deadline)
    {
        var reply = await SignedPost.SendAsync(http, endpoint, secrets, message, readBody: true, now, deadline);
        if (reply.IsSuccess)
        {
            if (reply.Body is null) return new(AttemptKind.Unknown, reply.Error);
            return reply.Body.Length == 0 ? new(AttemptKind.Accepted) : ReadAnswer(reply.Body) ?? new(AttemptKind.Unknown, "answer_unreadable");
        }
        var byStatus = StatusRules.Read(reply, now);
        return byStatus.Kind == AttemptKind.Rejected && reply.Body is { Length: > 0 } body
            && ReadAnswer(body) is { Kind: AttemptKind.Rejected or AttemptKind.Duplicate } own ? own : byStatus;
    }

    /// <summary>Null: not our format, or an answer that is none of the four words.</summary>
    private static AttemptResult? ReadAnswer(byte[] body)
    {
        try
        {
            var start = body.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? 3 : 0;
            using var json = JsonDocument.Parse(body.AsMemory(start), Strict);
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return null;
            AttemptKind? kind = Text(root, "answer") switch
            {
                "accepted" => AttemptKind.Accepted,
                "rejected" => AttemptKind.Rejected,
                "duplicate" => AttemptKind.Duplicate,
                "pending" => AttemptKind.Pending,
                _ => null,
            };
            if (kind is not { } known) return null;
            var error = known switch
            {
                AttemptKind.Rejected => "rejected",
                AttemptKind.Duplicate => "duplicate",
                AttemptKind.Pending => "pending",
                _ => null,
            };
            return new(known, error, BuyerText.Clean(Text(root, "reason")), BuyerText.Clean(Text(root, "ref")), BuyerText.CleanUrl(Text(root, "redirect_url")))
            {
                Refusal = known == AttemptKind.Rejected ? Refusal.Answer : Refusal.None,
            };
        }
        // InvalidOperationException: a string that is no Unicode text.
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A string member; a number as it is written, since many systems' own ids are numbers; null for all else.</summary>
    private static string? Text(JsonElement root, string name) => root.TryGetProperty(name, out var value)
        ? value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            _ => null,
        }
        : null;
}
