using System.Text.Json;
using Exchange.Engine.Fields;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>What is sealed with a lead: every given field by name, normalized, and the consent. UTF-8 JSON <c>{"fields":{…},"consent":{…}}</c>.</summary>
public sealed record LeadPayload(IReadOnlyDictionary<string, string> Fields, ConsentInput? Consent)
{
    /// <param name="values">By ordinal of the fields; those that were given.</param>
    public static LeadPayload Of(FieldSet fields, FieldValue[] values, ConsentInput? consent) => new(
        fields.All.Where(field => values[field.Ordinal].IsGiven).ToDictionary(field => field.Name, field => values[field.Ordinal].Text!, StringComparer.Ordinal), consent);

    /// <summary>Of a person who was erased: nothing.</summary>
    public static LeadPayload Erased { get; } = new(new Dictionary<string, string>(), null);

    /// <summary>What is sealed with a lead, or nothing any more.</summary>
    public static LeadPayload Of(IVault vault, LeadRow row) => row.IsErased ? Erased : Read(vault.Open(row.Id, row.Sealed));

    public byte[] ToJson()
    {
        using var stream = new MemoryStream(512);
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject("fields");
            foreach (var (name, value) in Fields) json.WriteString(name, value);
            json.WriteEndObject();
            if (Consent is { } consent)
            {
                json.WriteStartObject("consent");
                if (consent.Text is not null) json.WriteString("text", consent.Text);
                if (consent.At is { } at) json.WriteString("at", at);
                if (consent.Page is not null) json.WriteString("page", consent.Page);
                if (consent.Ip is not null) json.WriteString("ip", consent.Ip);
                if (consent.UserAgent is not null) json.WriteString("user_agent", consent.UserAgent);
                json.WriteStartArray("sellers");
                foreach (var seller in consent.Sellers) json.WriteStringValue(seller);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    public static LeadPayload Read(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8);
        var fields = document.RootElement.GetProperty("fields").EnumerateObject().ToDictionary(field => field.Name, field => field.Value.GetString()!, StringComparer.Ordinal);
        if (!document.RootElement.TryGetProperty("consent", out var consent)) return new(fields, null);
        return new(fields, new ConsentInput(
            Text(consent, "text"),
            consent.TryGetProperty("at", out var at) ? at.GetDateTimeOffset() : null,
            Text(consent, "page"), Text(consent, "ip"), Text(consent, "user_agent"),
            [.. consent.GetProperty("sellers").EnumerateArray().Select(seller => seller.GetString()!)]));
    }

    private static string? Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) ? value.GetString() : null;
}
