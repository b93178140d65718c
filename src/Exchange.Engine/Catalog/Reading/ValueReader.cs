using System.Globalization;
using Exchange.Engine.Fields;
using Exchange.Engine.Schedules;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog.Reading;

/// <summary>
/// The values of a catalog, each read in one place from its text. Every reader gives null after it has reported what is wrong:
/// the path, a code and a sentence that says how to write it. No sentence repeats the value.
/// </summary>
internal static class ValueReader
{
    private const int IdChars = 63;
    private const int NameChars = 200;

    /// <summary>Longest duration: ten years. Long enough for every window, short enough that no sum overflows.</summary>
    private static readonly TimeSpan LongestDuration = TimeSpan.FromDays(3650);

    public static string? Text(ConfigNode node, ConfigErrors errors)
    {
        if (node is ConfigText text)
        {
            if (text.Text.Length > 0) return text.Text;
            errors.Add(node.Path, ConfigCodes.Empty, "This needs a value; write one or leave the key out.");
            return null;
        }
        errors.Add(node.Path, ConfigCodes.WrongType, $"This needs a single value, not {node.Kind}.");
        return null;
    }

    public static string? Name(ConfigNode node, ConfigErrors errors)
    {
        if (Text(node, errors) is not { } text) return null;
        if (text.Length <= NameChars) return text;
        errors.Add(node.Path, ConfigCodes.OutOfRange, $"A name may have at most {NameChars} characters.");
        return null;
    }

    public static Money? Money(ConfigNode node, ConfigErrors errors)
    {
        if (Text(node, errors) is not { } text) return null;
        if (!Values.Money.TryParse(text, out var money))
        {
            errors.Add(node.Path, ConfigCodes.InvalidFormat, "Money is written as \"12.50\": digits and at most 6 decimals, without a currency sign or separators.");
            return null;
        }
        if (money.Micros >= 0) return money;
        errors.Add(node.Path, ConfigCodes.OutOfRange, "Money in a catalog is never negative.");
        return null;
    }

    public static Percent? Percent(ConfigNode node, ConfigErrors errors)
    {
        if (Text(node, errors) is not { } text) return null;
        if (Values.Percent.TryParse(text, out var percent)) return percent;
        errors.Add(node.Path, ConfigCodes.InvalidFormat, "A percent is written as 80% or 12.5%: not negative, at most 4 decimals, with the sign.");
        return null;
    }

    /// <summary>More than nothing, at most ten years.</summary>
    public static TimeSpan? Duration(ConfigNode node, ConfigErrors errors)
    {
        if (Text(node, errors) is not { } text) return null;
        var digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        var unit = digits <= 0 ? null : text[digits..] switch
        {
            "ms" => TimeSpan.FromMilliseconds(1),
            "s" => TimeSpan.FromSeconds(1),
            "m" => TimeSpan.FromMinutes(1),
            "h" => TimeSpan.FromHours(1),
            "d" => (TimeSpan?)TimeSpan.FromDays(1),
            _ => null,
        };
        if (unit is null)
        {
            errors.Add(node.Path, ConfigCodes.InvalidFormat, "A duration is a whole number and a unit: 300ms, 5s, 5m, 12h or 30d.");
            return null;
        }
        if (long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count > 0 && count <= LongestDuration.Ticks / unit.Value.Ticks) return TimeSpan.FromTicks(count * unit.Value.Ticks);
        errors.Add(node.Path, ConfigCodes.OutOfRange, "A duration is more than nothing and at most 3650d.");
        return null;
    }

    public static long? Number(ConfigNode node, long least, long most, ConfigErrors errors)
    {
        if (Text(node, errors) is not { } text) return null;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) || text[0] == '+')
        {
            errors.Add(node.Path, ConfigCodes.InvalidFormat, "This is a whole number, as 200.");
            return null;
        }
        if (number >= least && number <= most) return number;
        errors.Add(node.Path, ConfigCodes.OutOfRange, string.Create(CultureInfo.InvariantCulture, $"This number must be between {least} and {most}."));
        return null;
    }

    public static bool? Boolean(ConfigNode node, ConfigErrors errors)
    {
        if (Text(node, errors) is not { } text) return null;
        if (text is "true" or "false") return text == "true";
        errors.Add(node.Path, ConfigCodes.InvalidFormat, "This is true or false.");
        return null;
    }

    /// <summary>One of a few words.</summary>
    public static T? Word<T>(ConfigNode node, IReadOnlyList<(string Word, T Value)> words, ConfigErrors errors) where T : struct
    {
        if (Text(node, errors) is not { } text) return null;
        foreach (var (word, value) in words) if (word == text) return value;
        errors.Add(node.Path, ConfigCodes.UnknownValue, Nearest.Fix("This place takes one of a few words", text, words.Select(pair => pair.Word), errors));
        return null;
    }

    public static TimeZoneInfo? Zone(ConfigNode node, ConfigErrors errors)
    {
        if (Text(node, errors) is not { } text) return null;
        if (Zones.TryFind(text, out var zone)) return zone;
        errors.Add(node.Path, ConfigCodes.UnknownZone, Nearest.Fix("A time zone is an IANA name, as America/New_York", text, TimeZoneInfo.GetSystemTimeZones().Select(known => known.Id), errors));
        return null;
    }

    /// <summary>A day as <c>2026-12-24</c>, <c>today</c> or <c>today+45d</c>.</summary>
    public static DateBound? Date(ConfigNode node, ConfigErrors errors)
    {
        if (Text(node, errors) is not { } text) return null;
        if (DateBound.TryParse(text, out var bound)) return bound;
        errors.Add(node.Path, ConfigCodes.InvalidFormat, "A date is written as \"2026-12-24\", today, or today+45d.");
        return null;
    }

    /// <summary>True if this may be the id of an entry; else reported at the entry.</summary>
    public static bool IsId(string id, string path, ConfigErrors errors)
    {
        var valid = id.Length is > 0 and <= IdChars && id[0] is not ('-' or '_')
            && id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');
        if (!valid) errors.Add(path, ConfigCodes.InvalidFormat, "An id is 1 to 63 lower-case letters, digits, hyphens or underscores, and starts with a letter or digit.");
        return valid;
    }

    /// <summary>The texts of a list that may not be empty and names nothing twice; a single text is refused as a list is meant.</summary>
    public static List<ConfigText> Texts(ConfigNode node, ConfigErrors errors)
    {
        var texts = new List<ConfigText>();
        if (List(node, errors) is not { } list) return texts;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in list.Items)
        {
            if (Text(item, errors) is not { } text) continue;
            if (seen.Add(text)) texts.Add((ConfigText)item);
            else errors.Add(item.Path, ConfigCodes.Repeated, "This is listed twice; keep one.");
        }
        return texts;
    }

    /// <summary>A list of at least one item.</summary>
    public static ConfigList? List(ConfigNode node, ConfigErrors errors)
    {
        if (node is not ConfigList list)
        {
            errors.Add(node.Path, ConfigCodes.WrongType, $"This needs a list, as [ … ], not {(node is ConfigText ? "a single value" : node.Kind)}.");
            return null;
        }
        if (list.Items.Count > 0) return list;
        errors.Add(node.Path, ConfigCodes.Empty, "This list needs at least one entry; leave the key out for its default.");
        return null;
    }
}
