using System.Collections.Frozen;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Fields;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>intake</c> of a publisher: its words for ours.</summary>
internal static class IntakeSection
{
    private const int WordChars = 100;

    private static readonly MapKeys Keys = new(["verticals", "fields", "values", "unknown_fields"]);
    private static readonly (string, bool)[] UnknownFields = [("refuse", false), ("ignore", true)];

    /// <param name="verticals">What the publisher may send.</param>
    public static IntakeModel? Read(ConfigNode node, IReadOnlyList<string> verticals, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var known = verticals.Select(draft.Verticals.GetValueOrDefault).OfType<VerticalDraft>().ToArray();
        var fields = map["fields"] is { } fieldsNode ? Words(fieldsNode, draft, target => Field(target, known, errors)) : [];
        return new()
        {
            Verticals = (map["verticals"] is { } verticalsNode ? Words(verticalsNode, draft, target => Vertical(target, verticals, draft)) : []).ToFrozenDictionary(StringComparer.Ordinal),
            Fields = fields.ToFrozenDictionary(StringComparer.Ordinal),
            Names = fields.DistinctBy(pair => pair.Value).ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal),
            Values = map["values"] is { } valuesNode ? Values(valuesNode, known, draft) : FrozenDictionary<string, FrozenDictionary<string, string>>.Empty,
            IgnoresUnknown = map["unknown_fields"] is { } unknown && ValueReader.Word(unknown, UnknownFields, errors) == true,
        };
    }

    /// <summary>Its words in the order of the file, each with what it stands for.</summary>
    private static List<KeyValuePair<string, string>> Words(ConfigNode node, CatalogDraft draft, Func<ConfigNode, string?> read)
    {
        var words = new List<KeyValuePair<string, string>>();
        foreach (var (word, target) in MapReader.Map(node, draft.Errors)?.Entries ?? [])
        {
            if (word.Length is 0 or > WordChars || word.Any(char.IsControl)) draft.Errors.Add(target.Path, ConfigCodes.InvalidFormat, $"A publisher's word has 1 to {WordChars} printable characters.");
            else if (read(target) is { } ours) words.Add(new(word, ours));
        }
        return words;
    }

    private static string? Vertical(ConfigNode target, IReadOnlyList<string> verticals, CatalogDraft draft)
    {
        if (draft.Reference(target, "verticals", "vertical") is not { } id) return null;
        if (verticals.Contains(id)) return id;
        draft.Errors.Add(target.Path, ConfigCodes.UnknownId, "The publisher may not send this vertical; add it to its `verticals` first.");
        return null;
    }

    private static string? Field(ConfigNode target, VerticalDraft[] verticals, ConfigErrors errors)
    {
        if (ValueReader.Text(target, errors) is not { } name) return null;
        if (verticals.Length == 0 || verticals.Any(vertical => vertical.Fields.Find(name) is not null || vertical.Fields.FindHashed(name) is not null)) return name;
        errors.Add(target.Path, ConfigCodes.UnknownField, Nearest.Fix("None of the publisher's verticals has such a field", name, FieldNames(verticals), errors));
        return null;
    }

    private static FrozenDictionary<string, FrozenDictionary<string, string>> Values(ConfigNode node, VerticalDraft[] verticals, CatalogDraft draft)
    {
        var values = new Dictionary<string, FrozenDictionary<string, string>>(StringComparer.Ordinal);
        foreach (var (field, words) in MapReader.Map(node, draft.Errors)?.Entries ?? [])
        {
            var schemas = verticals.Select(vertical => vertical.Fields.Find(field)).OfType<FieldSchema>().ToArray();
            if (schemas.Length == 0 && verticals.Length > 0)
            {
                draft.Errors.Add(words.Path, ConfigCodes.UnknownField, Nearest.Fix("None of the publisher's verticals has such a field", field, FieldNames(verticals), draft.Errors));
                continue;
            }
            var read = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (var (word, ours) in Words(words, draft, target => Value(target, schemas, draft)))
                if (!read.TryAdd(word.Trim(), ours)) draft.Errors.Add(words.Path, ConfigCodes.Repeated, "Two of these words are the same: values are compared without case.");
            values[field] = read.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        }
        return values.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static string? Value(ConfigNode target, FieldSchema[] schemas, CatalogDraft draft)
    {
        if (ValueReader.Text(target, draft.Errors) is not { } text) return null;
        foreach (var schema in schemas)
        {
            if (FieldReader.ReadConstant(schema, text, draft.Options.Parsers) is { Ok: false } wrong)
            {
                draft.Errors.Add(target.Path, ConfigCodes.InvalidFormat, $"The value {wrong.Message}.");
                return null;
            }
        }
        return text;
    }

    private static IEnumerable<string> FieldNames(VerticalDraft[] verticals) => verticals.SelectMany(vertical => vertical.Fields.All).Select(field => field.Name).Distinct(StringComparer.Ordinal);
}
