using System.Globalization;
using Exchange.Engine.Values;

namespace Exchange.Engine.Fields;

/// <summary>A value read by its field's type, or what is wrong with it. An empty text reads well and is not given.</summary>
/// <param name="Code">Null if nothing is wrong; else one of <see cref="FieldErrors"/>.</param>
/// <param name="Message">A sentence that names the fix and never repeats the value.</param>
public readonly record struct FieldReading(FieldValue Value, string? Code, string? Message)
{
    public bool Ok => Code is null;

    internal static FieldReading Of(string text, long number = 0) => new(new(text, number), null, null);
    internal static FieldReading Wrong(string code, string message) => new(default, code, message);
}

/// <summary>
/// Reads one value by its field's type: trims, checks, normalizes. The same value comes out however it was written
/// (<c>ca</c> and <c>CA</c>, <c>90210-1234</c> and <c>90210</c>, <c>35</c> and <c>"35"</c>), and reading a normalized text again changes nothing.
/// </summary>
public static class FieldReader
{
    /// <summary>A phone field without a region in the catalog reads numbers without a country code as this region's.</summary>
    public const string DefaultRegion = "US";

    /// <param name="today">Day number of the current date, for bounds that are relative to it.</param>
    public static FieldReading Read(FieldSchema schema, RawField raw, FieldParsers parsers, int today)
    {
        var reading = Parse(schema, raw.Kind, raw.Text, parsers);
        return reading.Ok && reading.Value.IsGiven ? Bounded(schema, reading, today) : reading;
    }

    /// <summary>
    /// Reads a value to compare it with one that was taken before. The field's bounds do not apply: they were that one's, and those that count from today may
    /// have moved past it since.
    /// </summary>
    public static FieldReading ReadRepeated(FieldSchema schema, RawField raw, FieldParsers parsers) => Parse(schema, raw.Kind, raw.Text, parsers);

    /// <summary>Reads a value that a catalog names, such as the bound of a filter. The field's own bounds do not apply to it.</summary>
    public static FieldReading ReadConstant(FieldSchema schema, string text, FieldParsers parsers)
    {
        var reading = Parse(schema, RawKind.String, text, parsers);
        return reading.Ok && !reading.Value.IsGiven ? FieldReading.Wrong(FieldErrors.MissingField, "is empty") : reading;
    }

    private static FieldReading Parse(FieldSchema schema, RawKind kind, string raw, FieldParsers parsers)
    {
        if (kind == RawKind.Other) return FieldReading.Wrong(FieldErrors.WrongType, "must be a text, a number or a boolean");
        if (kind == RawKind.Boolean && schema.Type != FieldType.Boolean) return FieldReading.Wrong(FieldErrors.WrongType, $"must be {Wanted(schema.Type)}, not a boolean");
        if (kind == RawKind.Number && schema.Type == FieldType.Boolean) return FieldReading.Wrong(FieldErrors.WrongType, "must be true or false");
        var text = raw.Trim();
        if (text.Length == 0) return default;
        if (text.Length > Limits.TextChars) return FieldReading.Wrong(FieldErrors.OutOfRange, $"must not be longer than {Limits.TextChars} characters");
        if (!IsCleanText(text)) return FieldReading.Wrong(FieldErrors.InvalidFormat, "must not contain control characters or broken characters");
        return schema.Type switch
        {
            FieldType.Text => FieldReading.Of(text),
            FieldType.Integer => Integer(text),
            FieldType.Decimal => Decimal(text),
            FieldType.Boolean => Boolean(text),
            FieldType.Choice => Choice(schema, text),
            FieldType.Date => Date(text),
            FieldType.UsZip => Zip(text),
            FieldType.UsState => Or(UsStates.Find(text), "must be the two-letter code of a US state or territory"),
            FieldType.Email => Or(EmailAddress.Normalize(text), "must be an e-mail address"),
            FieldType.Phone => Or(parsers.Phone(text, schema.Region ?? DefaultRegion), "must be a valid phone number"),
            FieldType.Ip => Or(parsers.Ip(text), "must be an IPv4 or IPv6 address"),
            FieldType.Url => Or(Url(text), "must be an absolute http or https address"),
            _ => throw new InvariantException("field type"),
        };
    }

    private static FieldReading Bounded(FieldSchema schema, FieldReading reading, int today)
    {
        var value = reading.Value;
        if (value.Text!.Length > schema.MaxLength)
            return FieldReading.Wrong(FieldErrors.OutOfRange, string.Create(CultureInfo.InvariantCulture, $"must not be longer than {schema.MaxLength} characters"));
        if (schema.Pattern is { } pattern && !pattern.IsMatch(value.Text)) return FieldReading.Wrong(FieldErrors.InvalidFormat, "does not fit the field's pattern");
        var min = schema.MinDate?.DayNumber(today) ?? schema.Min;
        var max = schema.MaxDate?.DayNumber(today) ?? schema.Max;
        if (value.Number < min) return FieldReading.Wrong(FieldErrors.OutOfRange, $"must not be below {FieldFormat.Number(schema, min.Value)}");
        if (value.Number > max) return FieldReading.Wrong(FieldErrors.OutOfRange, $"must not be above {FieldFormat.Number(schema, max.Value)}");
        return reading;
    }

    private static FieldReading Or(string? normalized, string message) =>
        normalized is null ? FieldReading.Wrong(FieldErrors.InvalidFormat, message) : FieldReading.Of(normalized);

    private static FieldReading Integer(string text)
    {
        // 35.0 is the integer 35: some clients write every number with a fraction.
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var whole = text.AsSpan();
        if (dot > 0 && dot + 1 < text.Length && whole[(dot + 1)..].TrimEnd('0').IsEmpty) whole = whole[..dot];
        var digits = whole[0] == '-' ? whole[1..] : whole;
        if (!IsDigits(digits)) return FieldReading.Wrong(FieldErrors.WrongType, "must be an integer");
        return long.TryParse(whole, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? FieldReading.Of(number.ToString(CultureInfo.InvariantCulture), number)
            : FieldReading.Wrong(FieldErrors.OutOfRange, "must be an integer of at most 18 digits");
    }

    private static FieldReading Decimal(string text)
    {
        if (Money.TryParse(text, out var money)) return FieldReading.Of(FieldFormat.Decimal(money.Micros), money.Micros);
        var digits = text[0] == '-' ? text.AsSpan(1) : text.AsSpan();
        var dot = digits.IndexOf('.');
        var isNumber = dot < 0 ? IsDigits(digits) : IsDigits(digits[..dot]) && IsDigits(digits[(dot + 1)..]);
        return isNumber
            ? FieldReading.Wrong(FieldErrors.OutOfRange, "must be a number of at most 12 digits before the point and 6 after it")
            : FieldReading.Wrong(FieldErrors.WrongType, "must be a plain decimal number");
    }

    private static FieldReading Boolean(string text) =>
        text.Equals("true", StringComparison.OrdinalIgnoreCase) ? FieldReading.Of("true", 1)
        : text.Equals("false", StringComparison.OrdinalIgnoreCase) ? FieldReading.Of("false", 0)
        : FieldReading.Wrong(FieldErrors.WrongType, "must be true or false");

    private static FieldReading Choice(FieldSchema schema, string text)
    {
        var index = FieldFormat.IndexOf(schema.Values, text);
        return index >= 0
            ? FieldReading.Of(schema.Values[index], index)
            : FieldReading.Wrong(FieldErrors.NotAllowed, $"must be one of: {string.Join(", ", schema.Values.Take(50))}");
    }

    private static FieldReading Date(string text) =>
        DateOnly.TryParseExact(text, DateForms, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            ? FieldReading.Of(FieldFormat.Date(date.DayNumber), date.DayNumber)
            : FieldReading.Wrong(FieldErrors.InvalidFormat, "must be a date such as 2026-12-24 or 12/24/2026");

    private static readonly string[] DateForms = ["yyyy-MM-dd", "MM/dd/yyyy"];

    private static FieldReading Zip(string text)
    {
        var wellFormed = text.Length switch
        {
            5 => IsDigits(text),
            10 => IsDigits(text.AsSpan(0, 5)) && text[5] == '-' && IsDigits(text.AsSpan(6)),
            _ => false,
        };
        if (!wellFormed) return FieldReading.Wrong(FieldErrors.InvalidFormat, "must be a US zip code of five digits");
        var zip = text.Length == 5 ? text : text[..5];
        return FieldReading.Of(zip, int.Parse(zip, NumberStyles.None, CultureInfo.InvariantCulture));
    }

    private static string? Url(string text)
    {
        foreach (var c in text) if (char.IsWhiteSpace(c) || c is '<' or '>' or '"') return null;
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            && uri.Host.Length > 0 && uri.UserInfo.Length == 0 ? text : null;
    }

    private static bool IsDigits(ReadOnlySpan<char> text)
    {
        foreach (var c in text) if (!char.IsAsciiDigit(c)) return false;
        return !text.IsEmpty;
    }

    /// <summary>No control characters (NUL among them) and no half of a surrogate pair: stores, XML and terminals choke on both.</summary>
    private static bool IsCleanText(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsControl(c)) return false;
            if (!char.IsSurrogate(c)) continue;
            if (!char.IsHighSurrogate(c) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1])) return false;
            i++;
        }
        return true;
    }

    private static string Wanted(FieldType type) => type switch
    {
        FieldType.Integer => "an integer",
        FieldType.Decimal => "a number",
        FieldType.Date => "a date",
        _ => "a text",
    };
}
