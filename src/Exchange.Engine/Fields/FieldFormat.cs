using System.Globalization;
using Exchange.Engine.Values;

namespace Exchange.Engine.Fields;

/// <summary>Values as text and back, in the one normalized form that is compared, stored and delivered.</summary>
public static class FieldFormat
{
    /// <summary>The normalized text of a value; empty if it was not given.</summary>
    public static string Text(FieldSchema schema, FieldValue value) =>
        value.Text ?? (value.Number != 0 ? Number(schema, value.Number) : "");

    /// <summary>A number as <see cref="FieldValue.Number"/> holds it, in the words of its type. Empty for types without a number.</summary>
    public static string Number(FieldSchema schema, long number) => schema.Type switch
    {
        FieldType.Integer => number.ToString(CultureInfo.InvariantCulture),
        FieldType.Decimal => Decimal(number),
        FieldType.Boolean => number == 0 ? "false" : "true",
        FieldType.Choice => number >= 0 && number < schema.Values.Count ? schema.Values[(int)number] : "",
        FieldType.Date => Date((int)number),
        FieldType.UsZip => number.ToString("D5", CultureInfo.InvariantCulture),
        _ => "",
    };

    /// <summary>
    /// A value from its normalized text, as a stored record holds it: nothing is checked again, because the catalog may have changed since.
    /// A choice that the schema no longer lists has number -1, which equals no choice.
    /// </summary>
    public static FieldValue Restore(FieldSchema schema, string? text)
    {
        if (text is null) return default;
        return new(text, schema.Type switch
        {
            FieldType.Integer or FieldType.UsZip => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0,
            FieldType.Decimal => Money.TryParse(text, out var money) ? money.Micros : 0,
            FieldType.Boolean => text == "true" ? 1 : 0,
            FieldType.Choice => IndexOf(schema.Values, text),
            FieldType.Date => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date.DayNumber : 0,
            _ => 0,
        });
    }

    /// <summary>A text as it is counted and known again: without case, as texts are compared everywhere. One that is so already costs nothing.</summary>
    public static string Folded(string text) => text.ToLowerInvariant();

    /// <summary>Micros without trailing zeros: 12.5, 7, -0.25.</summary>
    internal static string Decimal(long micros)
    {
        var text = new Money(micros).ToString();
        return text.TrimEnd('0').TrimEnd('.');
    }

    internal static string Date(int dayNumber) => DateOnly.FromDayNumber(dayNumber).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    internal static int IndexOf(IReadOnlyList<string> values, string text)
    {
        for (var i = 0; i < values.Count; i++)
            if (string.Equals(values[i], text, StringComparison.OrdinalIgnoreCase)) return i;
        return -1;
    }
}
