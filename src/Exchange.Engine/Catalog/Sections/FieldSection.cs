using System.Text.RegularExpressions;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>The fields of a vertical.</summary>
internal static class FieldSection
{
    private static readonly MapKeys Keys = new(
        ["name", "note", "type", "values", "min", "max", "max_length", "pattern", "region", "ping", "post", "pii", "sensitive"]);

    private static readonly (string, FieldType)[] Types = [.. Enum.GetValues<FieldType>().Select(type => (FieldTypes.NameOf(type), type))];

    private static readonly (string, FieldUse)[] Uses = [("required", FieldUse.Required), ("optional", FieldUse.Optional)];

    private static readonly (string, (FieldUse, bool))[] PingUses =
        [("required", (FieldUse.Required, false)), ("optional", (FieldUse.Optional, false)), ("hashed", (FieldUse.None, true))];

    /// <summary>What conditions read besides fields, and the members of requests: a field of these names would be read as something else.</summary>
    private static readonly HashSet<string> Reserved = new(StringComparer.Ordinal)
    {
        "vertical", "publisher", "sub_id", "channel", "hour", "weekday", "score", "sharing", "buyer", "campaign", "price",
        "ping_id", "offer_ids", "fields", "tags", "test", "test_result", "consent", "min_payout", "max_copies", "sold_elsewhere", "deadline_ms", "lead_id",
    };

    public static FieldSet Read(ConfigNode node, CatalogDraft draft)
    {
        var fields = new List<FieldSchema>();
        if (MapReader.Map(node, draft.Errors) is not { } map) return new(fields);
        if (map.Entries.Count == 0) draft.Errors.Add(node.Path, ConfigCodes.Empty, "A vertical needs at least one field.");
        if (map.Entries.Count > Limits.FieldsPerRequest) draft.Errors.Add(node.Path, ConfigCodes.OutOfRange, $"A vertical may have at most {Limits.FieldsPerRequest} fields.");
        foreach (var (name, entry) in map.Entries) if (Field(name, entry, fields.Count, draft) is { } field) fields.Add(field);
        var set = new FieldSet(fields);
        foreach (var (name, entry) in map.Entries)
            if (set.FindHashed(name) is { } hashed)
                draft.Errors.Add(entry.Path, ConfigCodes.ReservedName, $"This name is that of the hash of {hashed.Name}, which may be pinged; give the field another one.");
        return set;
    }

    private static FieldSchema? Field(string name, ConfigNode node, int ordinal, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (Reserved.Contains(name))
            errors.Add(node.Path, ConfigCodes.ReservedName, "This name has its own meaning in conditions or requests; give the field another one.");
        else if (name.Length is 0 or > 63 || !char.IsAsciiLetterLower(name[0]) || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'))
            errors.Add(node.Path, ConfigCodes.InvalidFormat, "A field name is 1 to 63 lower-case letters, digits or underscores, and starts with a letter.");
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        draft.NameOf(map, name);
        if (map.Required("type", "as text, integer, us_zip or phone", errors) is not { } typeNode || ValueReader.Word(typeNode, Types, errors) is not { } type) return null;

        var pii = map["pii"] is { } piiNode && ValueReader.Boolean(piiNode, errors) == true;
        var sensitive = map["sensitive"] is { } sensitiveNode && ValueReader.Boolean(sensitiveNode, errors) == true;
        var ping = map["ping"] is { } pingNode ? ValueReader.Word(pingNode, PingUses, errors) : (FieldUse.None, false);
        var (use, hashed) = ping ?? default;
        var canHash = type is FieldType.Phone or FieldType.Email;
        if (hashed && !canHash)
            errors.Add(map.At("ping"), ConfigCodes.WrongType, "Only phone numbers and e-mail addresses are pinged `hashed`, because only they are always written alike; take `ping` out and ask for the field with `post`.");
        if (pii && use != FieldUse.None)
            errors.Add(map.At("ping"), ConfigCodes.PiiInPing, canHash
                ? "Contact data is never pinged; write `ping: hashed`, or take `ping` out and ask for it with `post`."
                : "Contact data is never pinged; take `ping` out and ask for it with `post`.");
        var post = map["post"] is { } postNode ? ValueReader.Word(postNode, Uses, errors) ?? FieldUse.None
            : use != FieldUse.None || hashed ? FieldUse.Optional : FieldUse.None;

        var (min, max, minDate, maxDate) = Bounds(map, type, errors);
        return new FieldSchema
        {
            Name = name, Type = type, Ordinal = ordinal, Ping = use, PingHashed = hashed && canHash, Post = post, Pii = pii, Sensitive = sensitive,
            Values = Choices(map, type, errors), Min = min, Max = max, MinDate = minDate, MaxDate = maxDate,
            MaxLength = Only(map, "max_length", type is FieldType.Text, "text fields", errors) is { } length
                ? (int)(ValueReader.Number(length, 1, Limits.TextChars, errors) ?? Limits.TextChars) : Limits.TextChars,
            Pattern = Only(map, "pattern", type is FieldType.Text, "text fields", errors) is { } pattern ? Pattern(pattern, errors) : null,
            Region = Only(map, "region", type is FieldType.Phone, "phone fields", errors) is { } region ? Region(region, errors) : null,
        };
    }

    /// <summary>The value of a key that only some types have; elsewhere it would be ignored, so it is an error.</summary>
    private static ConfigNode? Only(MapReader map, string key, bool allowed, string where, ConfigErrors errors)
    {
        if (map[key] is not { } node || allowed) return map[key];
        errors.Add(node.Path, ConfigCodes.MisplacedKey, $"`{key}` is for {where} only; take it out.");
        return null;
    }

    private static List<string> Choices(MapReader map, FieldType type, ConfigErrors errors)
    {
        var words = new List<string>();
        if (Only(map, "values", type is FieldType.Choice, "choice fields", errors) is not { } node)
        {
            if (type is FieldType.Choice) map.Required("values", "the words of the choice, as [own, rent]", errors);
            return words;
        }
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var text in ValueReader.Texts(node, errors))
        {
            if (seen.Add(text.Text)) words.Add(text.Text);
            else errors.Add(text.Path, ConfigCodes.Repeated, "This word is there already: words are compared without case.");
        }
        return words;
    }

    private static (long? Min, long? Max, DateBound? MinDate, DateBound? MaxDate) Bounds(MapReader map, FieldType type, ConfigErrors errors)
    {
        var bounded = type is FieldType.Integer or FieldType.Decimal or FieldType.Date;
        var minNode = Only(map, "min", bounded, "numbers and dates", errors);
        var maxNode = Only(map, "max", bounded, "numbers and dates", errors);
        long? min = null, max = null;
        DateBound? minDate = null, maxDate = null;
        if (type is FieldType.Date)
        {
            minDate = minNode is null ? null : ValueReader.Date(minNode, errors);
            maxDate = maxNode is null ? null : ValueReader.Date(maxNode, errors);
            // A fixed day and one that moves with today cannot be compared once and for all.
            if (minDate is { } from && maxDate is { } to && from.RelativeToToday == to.RelativeToToday && from.DayNumberOrOffset > to.DayNumberOrOffset) Crossed(maxNode!, errors);
        }
        else
        {
            min = minNode is null ? null : Bound(minNode, type, errors);
            max = maxNode is null ? null : Bound(maxNode, type, errors);
            if (min > max) Crossed(maxNode!, errors);
        }
        return (min, max, minDate, maxDate);
    }

    private static void Crossed(ConfigNode max, ConfigErrors errors) => errors.Add(max.Path, ConfigCodes.OutOfRange, "`max` is below `min`; no value would be allowed.");

    private static long? Bound(ConfigNode node, FieldType type, ConfigErrors errors)
    {
        if (type is FieldType.Integer) return ValueReader.Number(node, long.MinValue, long.MaxValue, errors);
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (Money.TryParse(text, out var number)) return number.Micros;
        errors.Add(node.Path, ConfigCodes.InvalidFormat, "This is a plain number with at most 6 decimals, as 0.5.");
        return null;
    }

    private static Regex? Pattern(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (BoundedRegex.TryCreate(text, out var regex, out var problem)) return regex;
        errors.Add(node.Path, ConfigCodes.InvalidFormat, $"This pattern cannot be used: {problem}.");
        return null;
    }

    private static string? Region(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (text.Length == 2 && text.All(char.IsAsciiLetterUpper)) return text;
        errors.Add(node.Path, ConfigCodes.InvalidFormat, "A region is the two capital letters of a country, as US.");
        return null;
    }
}
