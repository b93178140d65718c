using System.Collections.ObjectModel;
using System.Text.Json;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>What is sealed with a lead: every given field by name, normalized, and the consent. UTF-8 JSON <c>{"fields":{…},"consent":{…}}</c>.</summary>
public sealed record LeadPayload(IReadOnlyDictionary<string, string> Fields, ConsentInput? Consent)
{
    private static readonly IReadOnlyDictionary<string, string> Nothing = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>
    /// What live bidders gave us to bring back with the lead, by campaign and sharing (<see cref="CarriedKey"/>): kept with the lead, since its ping's record
    /// may be lost in a crash and a copy must be brought again with the same.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Carried { get; init; } = ReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>.Empty;

    /// <summary>What the post asks for at least, whoever takes the lead up later.</summary>
    public Money MinPayout { get; init; }

    /// <summary>What its ping sent to be told again. The ping's record may be gone before the lead has its last answer; so may what it said of sales elsewhere.</summary>
    public KeyValuePair<string, string>[] Tags { get; init; } = [];

    public int SoldElsewhereCopies { get; init; }
    public string[] SoldElsewhereSellers { get; init; } = [];

    public IReadOnlyDictionary<string, string> CarriedFor(string campaign, bool exclusive) => Carried.GetValueOrDefault(CarriedKey(campaign, exclusive), Nothing);

    private static string CarriedKey(string campaign, bool exclusive) => campaign + (exclusive ? "/exclusive" : "/shared");

    /// <summary>What is sealed with the lead of a ping: what comes with its post, and what of the ping is needed after its record.</summary>
    /// <param name="values">By ordinal of the fields; those that were given.</param>
    public static LeadPayload Of(FieldSet fields, FieldValue[] values, ConsentInput? consent, PingRecord ping)
    {
        var payload = new LeadPayload(Given(fields, values), consent) { Tags = ping.Tags, SoldElsewhereCopies = ping.SoldElsewhereCopies, SoldElsewhereSellers = ping.SoldElsewhereSellers };
        return ping.LiveBids.Length == 0 ? payload : payload with { Carried = Carry(ping.LiveBids) };
    }

    /// <summary>The fields that were given, by name.</summary>
    /// <param name="values">By ordinal of the fields.</param>
    public static IReadOnlyDictionary<string, string> Given(FieldSet fields, FieldValue[] values)
    {
        var given = new Dictionary<string, string>(values.Length, StringComparer.Ordinal);
        foreach (var field in fields.All)
            if (values[field.Ordinal] is { IsGiven: true, Text: { } text }) given.Add(field.Name, text);
        return given;
    }

    /// <summary>What these bids want to be brought back.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Carry(LiveBid[] live) => live.Where(bid => bid.Carry.Length > 0).ToDictionary(
        bid => CarriedKey(bid.Of.Id, bid.Sharing == Sharing.Exclusive), IReadOnlyDictionary<string, string> (bid) => new Dictionary<string, string>(bid.Carry, StringComparer.Ordinal), StringComparer.Ordinal);

    /// <summary>Of a person who was erased: nothing.</summary>
    public static LeadPayload Erased { get; } = new(new Dictionary<string, string>(), null);

    /// <summary>What is sealed with a lead, or nothing any more.</summary>
    public static LeadPayload Of(IVault vault, LeadRow row) => row.IsErased ? Erased : Read(vault.Open(row.Id, row.Sealed));

    public byte[] ToJson() => JsonBytes.Escaped(this, static (json, payload) => payload.Write(json));

    private void Write(Utf8JsonWriter json)
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
        if (MinPayout > Money.Zero) json.WriteNumber("min_payout", MinPayout.Micros);
        if (Tags.Length > 0)
        {
            json.WriteStartObject("tags");
            foreach (var (name, value) in Tags) json.WriteString(name, value);
            json.WriteEndObject();
        }
        if (SoldElsewhereCopies > 0 || SoldElsewhereSellers.Length > 0)
        {
            json.WriteStartObject("sold_elsewhere");
            json.WriteNumber("copies", SoldElsewhereCopies);
            json.WriteStartArray("sellers");
            foreach (var seller in SoldElsewhereSellers) json.WriteStringValue(seller);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        if (Carried.Count > 0)
        {
            json.WriteStartObject("carried");
            foreach (var (key, values) in Carried)
            {
                json.WriteStartObject(key);
                foreach (var (name, value) in values) json.WriteString(name, value);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    public static LeadPayload Read(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8);
        var root = document.RootElement;
        var payload = new LeadPayload(Texts(root.GetProperty("fields")), ConsentOf(root))
        {
            MinPayout = root.TryGetProperty("min_payout", out var least) ? new(least.GetInt64()) : Money.Zero,
            Tags = root.TryGetProperty("tags", out var tags) ? [.. tags.EnumerateObject().Select(tag => KeyValuePair.Create(tag.Name, tag.Value.GetString()!))] : [],
        };
        if (root.TryGetProperty("sold_elsewhere", out var elsewhere))
            payload = payload with { SoldElsewhereCopies = elsewhere.GetProperty("copies").GetInt32(), SoldElsewhereSellers = Sellers(elsewhere) };
        return !root.TryGetProperty("carried", out var carried) ? payload : payload with
        {
            Carried = carried.EnumerateObject().ToDictionary(entry => entry.Name, IReadOnlyDictionary<string, string> (entry) => Texts(entry.Value), StringComparer.Ordinal),
        };
    }

    private static Dictionary<string, string> Texts(JsonElement parent) =>
        parent.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetString()!, StringComparer.Ordinal);

    private static ConsentInput? ConsentOf(JsonElement root)
    {
        if (!root.TryGetProperty("consent", out var consent)) return null;
        return new ConsentInput(
            Text(consent, "text"),
            consent.TryGetProperty("at", out var at) ? at.GetDateTimeOffset() : null,
            Text(consent, "page"), Text(consent, "ip"), Text(consent, "user_agent"),
            Sellers(consent));
    }

    private static string[] Sellers(JsonElement parent) => [.. parent.GetProperty("sellers").EnumerateArray().Select(seller => seller.GetString()!)];

    private static string? Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) ? value.GetString() : null;
}
