using System.Collections.Frozen;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Exchange.Engine.Fields;

public enum FieldType { Text, Integer, Decimal, Boolean, Choice, Date, UsZip, UsState, Email, Phone, Ip, Url }

/// <summary>Whether a field may or must come in a ping or a post.</summary>
public enum FieldUse { None, Optional, Required }

/// <summary>One field of a vertical, compiled. <see cref="Ordinal"/> is its place in every value array of the vertical.</summary>
public sealed class FieldSchema
{
    public required string Name { get; init; }
    public required FieldType Type { get; init; }
    public required int Ordinal { get; init; }
    public FieldUse Ping { get; init; }
    /// <summary>A ping may carry the SHA-256 of its normalized value under <see cref="HashName"/>, never the value (<see cref="Ping"/> is None).</summary>
    public bool PingHashed { get; init; }
    public FieldUse Post { get; init; }
    /// <summary>Contact data: sealed at rest, masked, never in a ping.</summary>
    public bool Pii { get; init; }
    /// <summary>Sealed at rest and masked too, but may be pinged (birth date, IP).</summary>
    public bool Sensitive { get; init; }
    /// <summary>The words of a choice, in the catalog's order; their index is the value's number.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];
    /// <summary>Inclusive bounds in the value's own number (micros for decimals); null = none.</summary>
    public long? Min { get; init; }
    public long? Max { get; init; }
    /// <summary>Inclusive bounds of a date, which may be relative to today.</summary>
    public DateBound? MinDate { get; init; }
    public DateBound? MaxDate { get; init; }
    public int MaxLength { get; init; } = Limits.TextChars;
    public Regex? Pattern { get; init; }
    /// <summary>Two-letter region in which a phone number without a country code is read.</summary>
    public string? Region { get; init; }

    /// <summary>What the hash of this field is called in a request.</summary>
    public string HashName => Name + HashSuffix;
    public const string HashSuffix = "_sha256";

    /// <summary>Whether it can tell who somebody is: contact data, a phone number or an e-mail address.</summary>
    public bool IsPerson => Pii || Type is FieldType.Phone or FieldType.Email;

    /// <summary>Whether one value of it may be written in several cases; those of the other types are always written one way.</summary>
    public bool HasCase => Type is FieldType.Text or FieldType.Url;
}

/// <summary>A date as written in a catalog: fixed, or so many days from today.</summary>
public readonly record struct DateBound(bool RelativeToToday, int DayNumberOrOffset)
{
    public int DayNumber(int today) => RelativeToToday ? today + DayNumberOrOffset : DayNumberOrOffset;

    /// <summary>Reads <c>2026-12-24</c>, <c>today</c>, <c>today+45d</c> or <c>today-1d</c> (at most five digits of days).</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DateBound bound)
    {
        bound = default;
        text = text.Trim();
        if (!text.StartsWith("today", StringComparison.OrdinalIgnoreCase))
        {
            if (!DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)) return false;
            bound = new(false, date.DayNumber);
            return true;
        }
        var rest = text["today".Length..];
        if (rest.Length == 0) { bound = new(true, 0); return true; }
        if (rest.Length is < 3 or > 7 || rest[0] is not ('+' or '-') || rest[^1] is not ('d' or 'D')
            || !int.TryParse(rest[1..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var days)) return false;
        bound = new(true, rest[0] == '-' ? -days : days);
        return true;
    }
}

/// <summary>The fields of one vertical, by ordinal and by name (case-sensitive).</summary>
public sealed class FieldSet
{
    private readonly FrozenDictionary<string, FieldSchema> byName;

    public FieldSet(IReadOnlyList<FieldSchema> fields)
    {
        All = fields;
        byName = fields.ToFrozenDictionary(field => field.Name, StringComparer.Ordinal);
    }

    public IReadOnlyList<FieldSchema> All { get; }
    public int Count => All.Count;
    public FieldSchema? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>Whether a value under this name is shown to nobody without revealing it; so is one of a field that is not here, because what it held is not known.</summary>
    public bool Hides(string name) => Find(name) is not { Pii: false, Sensitive: false };

    /// <summary>The field whose hash has this name, or null.</summary>
    public FieldSchema? FindHashed(string name) =>
        name.EndsWith(FieldSchema.HashSuffix, StringComparison.Ordinal) && Find(name[..^FieldSchema.HashSuffix.Length]) is { PingHashed: true } field ? field : null;
}

/// <summary>
/// A normalized value. Default = not given. <see cref="Text"/> is what is compared (without case), stored and delivered;
/// <see cref="Number"/> is: integer itself · decimal in micros · boolean 0/1 · choice index · date day number (0001-01-01 = 0) · zip number · else 0.
/// </summary>
public readonly record struct FieldValue(string? Text, long Number)
{
    public bool IsGiven => Text is not null;
}

/// <summary>A value as it came, before it is read by its field's type.</summary>
public readonly record struct RawField(string Name, RawKind Kind, string Text);

public enum RawKind { String, Number, Boolean, Other }

/// <summary>One thing wrong with a request or a catalog: a JSON pointer (or catalog path), a stable code and a sentence that never repeats a value.</summary>
public readonly record struct InputError(string Pointer, string Code, string Message);

/// <summary>
/// What the engine cannot do itself without packages or sockets: <c>Phone(text, region)</c> gives E.164 or null;
/// <c>Ip(text)</c> gives the canonical address or null.
/// </summary>
public sealed record FieldParsers(Func<string, string, string?> Phone, Func<string, string?> Ip);
