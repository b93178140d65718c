using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;

namespace Exchange.Server.Intake.Specification;

/// <summary>One call as an example. Bodies are JSON.</summary>
internal sealed record SampleCall(string Path, JsonObject Request, JsonNode Reply);

/// <summary>A ping and its post as this publisher would send them, with the answers that our own writers give.</summary>
internal static class SampleCalls
{
    private static readonly LeadId Id = LeadId.Create(1_800_000_000_000, 1, false, 42);
    private static readonly Money Payout = new(8_800_000);

    public static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static SampleCall Ping(PostingSpecification of)
    {
        var request = new JsonObject { ["vertical"] = of.Word, ["sub_id"] = "kw-17", ["fields"] = Fields(of, field => field.Ping is "required" or "optional") };
        var answer = new PingAnswer
        {
            PingId = Id, Reason = Reason.None, Payout = Payout, Best = ["1"], Currency = of.Currency,
            ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000) + of.Vertical.PingTtl, Offers = [new("1", Payout, true, null)],
        };
        return new("/v1/pings", request, JsonNode.Parse(PingAnswerWriter.Write(answer))!);
    }

    public static SampleCall Post(PostingSpecification of)
    {
        // What was pinged need not be repeated.
        var request = new JsonObject { ["ping_id"] = Id.ToString(), ["fields"] = Fields(of, field => field.Post != "later" && field.Ping is "never" or "hashed") };
        if (Consent(of) is { } consent) request["consent"] = consent;
        var answer = new LeadAnswer { LeadId = Id, State = LeadState.Sold, Currency = of.Currency, Payout = Payout, Copies = [new("1", CopyState.Captured, Payout, null)] };
        return new("/v1/posts", request, JsonNode.Parse(answer.ToJson())!);
    }

    private static JsonObject Fields(PostingSpecification of, Func<FieldSpecification, bool> which)
    {
        var fields = new JsonObject();
        foreach (var field in of.Fields) if (which(field)) fields[field.Name] = field.Sample;
        return fields;
    }

    private static JsonObject? Consent(PostingSpecification of)
    {
        if (of.Vertical.Consent == ConsentLevel.None) return null;
        var consent = new JsonObject { ["text"] = "I agree to be called.", ["at"] = "2026-11-22T12:00:00Z", ["page"] = "https://example.com/page", ["ip"] = "192.0.2.1", ["user_agent"] = "Mozilla/5.0" };
        if (of.Vertical.Consent == ConsentLevel.Named) consent["sellers"] = new JsonArray("the seller of each offer that you take");
        return consent;
    }
}
