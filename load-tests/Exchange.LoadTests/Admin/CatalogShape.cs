using System.Globalization;
using System.Text.Json;

namespace Exchange.LoadTests.Admin;

/// <summary>What a catalog says about a field, as far as making a value for it needs.</summary>
internal sealed record FieldShape(
    string Name, string Type, IReadOnlyList<string> Values, string? Min, string? Max, int? MaxLength, string? Pattern, string? Ping, string? Post, bool Pii)
{
    /// <summary>A ping must carry it.</summary>
    public bool PingRequired => Ping == "required";
    /// <summary>A ping may carry it as it is.</summary>
    public bool PingPlain => Ping is "required" or "optional";
    /// <summary>A ping may carry its hash instead.</summary>
    public bool PingHashed => Ping == "hashed";
    public bool PostRequired => Post == "required";
    /// <summary>The post may carry it; what stands in neither comes later, if at all.</summary>
    public bool InPost => Post is not null || Ping is not null;
}

internal sealed record VerticalShape(string Id, IReadOnlyList<FieldShape> Fields);

internal sealed record PublisherShape(string Id, IReadOnlyList<string> Verticals);

/// <summary>
/// The parts of a catalog that somebody who sends leads needs: which publisher may send what. Read from the exchange's own JSON, so that any
/// catalog can be tried; numbers and booleans may come as such or as text.
/// </summary>
internal sealed record CatalogShape(string Currency, IReadOnlyList<VerticalShape> Verticals, IReadOnlyList<PublisherShape> Publishers)
{
    public static CatalogShape Read(JsonElement catalog)
    {
        var verticals = Members(catalog, "verticals").Select(vertical => new VerticalShape(
            vertical.Name,
            [.. Members(vertical.Value, "fields").Select(field => ReadField(field.Name, field.Value))])).ToList();
        var publishers = Members(catalog, "publishers")
            .Where(publisher => Text(publisher.Value, "status") != "paused")
            .Select(publisher => new PublisherShape(publisher.Name, Items(publisher.Value, "verticals")))
            .ToList();
        var currency = catalog.TryGetProperty("exchange", out var exchange) ? Text(exchange, "currency") : null;
        return new CatalogShape(currency ?? throw new RunFailedException("The catalog names no currency."), verticals, publishers);
    }

    private static FieldShape ReadField(string name, JsonElement field) => new(
        name,
        Text(field, "type") ?? "text",
        Items(field, "values"),
        Text(field, "min"),
        Text(field, "max"),
        int.TryParse(Text(field, "max_length"), NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? length : null,
        Text(field, "pattern"),
        Text(field, "ping"),
        Text(field, "post"),
        Text(field, "pii") == "true");

    private static JsonElement.ObjectEnumerator Members(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.Object
            ? member.EnumerateObject()
            : default;

    private static List<string> Items(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(Scalar).OfType<string>()]
            : [];

    private static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var member) ? Scalar(member) : null;

    private static string? Scalar(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => null,
    };
}
