using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;

namespace Exchange.Server.Intake.Specification;

/// <summary>How a field is sent: what it is called, when it is needed, what it may say and an example of it.</summary>
/// <param name="Name">As the publisher calls it.</param>
/// <param name="OtherNames">Other names that are taken for it, ours among them.</param>
/// <param name="Ping"><c>required</c>, <c>optional</c>, <c>hashed</c> or <c>never</c>.</param>
/// <param name="Post"><c>required</c>, <c>optional</c>, or <c>later</c>: only added to a lead that was posted.</param>
/// <param name="Values">The words of a choice, the publisher's own first; empty: no list.</param>
/// <param name="Rules">Bounds and shape, in words.</param>
internal sealed record FieldSpecification(
    string Name, IReadOnlyList<string> OtherNames, string Type, string Ping, string Post, IReadOnlyList<string> Values, IReadOnlyList<string> Rules, bool IsContact, string Sample)
{
    public required FieldSchema Schema { get; init; }
}

/// <summary>What one publisher must know to ping and post one vertical, from the catalog as it is now.</summary>
internal sealed record PostingSpecification
{
    public required PublisherModel Publisher { get; init; }
    public required VerticalModel Vertical { get; init; }
    /// <summary>The publisher's word for the vertical.</summary>
    public required string Word { get; init; }
    public required string Currency { get; init; }
    public required IReadOnlyList<FieldSpecification> Fields { get; init; }

    /// <summary>Null: the publisher may not send the vertical.</summary>
    public static PostingSpecification? Of(CatalogModel model, PublisherModel publisher, string vertical, int today)
    {
        var id = publisher.Intake.Vertical(vertical);
        if (!publisher.Verticals.ContainsKey(id) || !model.Verticals.TryGetValue(id, out var found)) return null;
        return new()
        {
            Publisher = publisher, Vertical = found, Word = WordOf(publisher, id), Currency = model.Currency,
            Fields = [.. found.Fields.All.Select(field => Field(publisher.Intake, field, today))],
        };
    }

    public static string WordOf(PublisherModel publisher, string vertical) =>
        publisher.Intake.Verticals.Where(pair => pair.Value == vertical).Select(pair => pair.Key).Order(StringComparer.Ordinal).FirstOrDefault(vertical);

    private static FieldSpecification Field(IntakeModel words, FieldSchema field, int today)
    {
        var name = words.NameOf(field.Name);
        string[] others = [.. words.Fields.Where(pair => pair.Value == field.Name).Select(pair => pair.Key).Append(field.Name).Where(other => other != name && words.Field(other) == field.Name).Distinct().Order(StringComparer.Ordinal)];
        string[] own = words.Values.TryGetValue(field.Name, out var values) ? [.. values.Keys.Order(StringComparer.Ordinal)] : [];
        return new(name, others, FieldTypes.NameOf(field.Type),
            field.Ping switch { FieldUse.Required => "required", FieldUse.Optional => "optional", _ => field.PingHashed ? "hashed" : "never" },
            field.Post == FieldUse.Required || field.Ping == FieldUse.Required ? "required" : field.Post == FieldUse.Optional || field.Ping != FieldUse.None || field.PingHashed ? "optional" : "later",
            [.. own, .. field.Values], [.. Rules(words, field, today)], field.Pii || field.Sensitive, own.Length > 0 ? own[0] : SampleValues.Of(field, today)) { Schema = field };
    }

    private static IEnumerable<string> Rules(IntakeModel words, FieldSchema field, int today)
    {
        if (field.PingHashed) yield return $"in a ping only its SHA-256, as {words.NameOf(field.HashName)}";
        if (field.MinDate is { } from) yield return $"not before {FieldFormat.Number(field, from.DayNumber(today))}{(from.RelativeToToday ? " (counted from today)" : "")}";
        if (field.MaxDate is { } until) yield return $"not after {FieldFormat.Number(field, until.DayNumber(today))}{(until.RelativeToToday ? " (counted from today)" : "")}";
        if (field.Min is { } min) yield return $"at least {FieldFormat.Number(field, min)}";
        if (field.Max is { } max) yield return $"at most {FieldFormat.Number(field, max)}";
        if (field.Type == FieldType.Text) yield return string.Create(CultureInfo.InvariantCulture, $"at most {field.MaxLength} characters");
        if (field.Pattern is { } pattern) yield return $"fits {pattern}";
        if (field.Type == FieldType.Phone) yield return $"with a country code, else of {field.Region ?? FieldReader.DefaultRegion}";
    }
}
