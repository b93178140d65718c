using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Schedules;

/// <summary>
/// Reads <c>{ time_zone, open: { days: hours }, closed: [dates] or { list: NAME }, from: date, until: date }</c>. Days not named are closed;
/// without <c>open</c> it is always open; <c>until</c> is the first day without.
/// </summary>
public static class ScheduleCompiler
{
    private const int EndOfDay = 24 * 60;

    /// <param name="zone">Counts where the schedule names none.</param>
    /// <param name="list">A list of the catalog by name, or null.</param>
    /// <returns>Null if anything is wrong; every error is in <paramref name="errors"/>.</returns>
    public static Schedule? Compile(ConfigNode node, TimeZoneInfo zone, Func<string, NamedList?> list, ConfigErrors errors)
    {
        if (node is not ConfigMap map)
        {
            errors.Add(node.Path, ConditionErrors.WrongKind, $"A schedule is a map such as {{ open: {{ mon-fri: \"08:00-18:00\" }} }}, not {node.Kind}.");
            return null;
        }
        var before = errors.Errors.Count;
        var hours = Enumerable.Range(0, 7).Select(_ => new List<OpenHours> { new(0, EndOfDay) }).ToArray();
        IReadOnlyList<int> closed = [];
        int? from = null, until = null;
        foreach (var (key, child) in map.Entries)
        {
            switch (key)
            {
                case "time_zone":
                    if (child is ConfigText id && Zones.TryFind(id.Text, out var found)) zone = found;
                    else errors.Add(child.Path, ConditionErrors.UnknownZone, "There is no such time zone; use an IANA name such as America/New_York.");
                    break;
                case "open": hours = ReadOpen(child, errors); break;
                case "closed": closed = ReadClosed(child, list, errors); break;
                case "from": from = ReadDate(child, errors); break;
                case "until": until = ReadDate(child, errors); break;
                default:
                    errors.Add(child.Path, ConditionErrors.UnknownKey, $"A schedule has no key {key}: it has time_zone, open, closed, from and until.");
                    break;
            }
        }
        if (from >= until)
            errors.Add(ConfigErrors.At(map.Path, "until"), ConditionErrors.InvalidValue, "until is the first day without, so it must be after from: this is never open.");
        return errors.Errors.Count == before ? new(zone, hours, closed, from, until) : null;
    }

    /// <summary>Reads a date as a catalog writes it to its day number.</summary>
    private static int? ReadDate(ConfigNode node, ConfigErrors errors)
    {
        if (node is ConfigText text && DateBound.TryParse(text.Text, out var bound) && !bound.RelativeToToday) return bound.DayNumberOrOffset;
        errors.Add(node.Path, ConditionErrors.InvalidValue, "Wants a date such as 2026-12-24.");
        return null;
    }

    private static List<OpenHours>[] ReadOpen(ConfigNode node, ConfigErrors errors)
    {
        var hours = Enumerable.Range(0, 7).Select(_ => new List<OpenHours>()).ToArray();
        if (node is not ConfigMap map || map.Entries.Count == 0)
        {
            errors.Add(node.Path, ConditionErrors.WrongKind, "open wants a map of days to hours, such as { mon-fri: \"08:00-18:00\" }.");
            return hours;
        }
        foreach (var (key, child) in map.Entries)
        {
            if (!Weekdays.TryParse(key, out var days))
            {
                errors.Add(child.Path, ConditionErrors.InvalidValue, "Is no day: use mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri that runs forward in the week.");
                continue;
            }
            var ranges = ReadHours(child, errors);
            for (var day = 0; day < 7; day++)
            {
                if (!days.Has(day)) continue;
                if (Overlap(hours[day], ranges))
                    errors.Add(child.Path, ConditionErrors.Overlap, $"Hours overlap on {Weekdays.Names[day]}; write each hour once.");
                else
                    hours[day].AddRange(ranges);
            }
        }
        foreach (var day in hours) day.Sort((a, b) => a.FromMinute.CompareTo(b.FromMinute));
        return hours;
    }

    private static List<OpenHours> ReadHours(ConfigNode node, ConfigErrors errors)
    {
        var ranges = new List<OpenHours>();
        IReadOnlyList<ConfigNode> items = node is ConfigList list ? list.Items : [node];
        if (items.Count == 0) errors.Add(node.Path, ConditionErrors.InvalidValue, "The hours are empty; leave the day out to close it.");
        foreach (var item in items)
        {
            if (item is not ConfigText text || !TryParseHours(text.Text, out var range))
                errors.Add(item.Path, ConditionErrors.InvalidValue,
                    "Wants hours such as \"08:00-18:30\": the end after the start, 24:00 at the latest; hours past midnight belong to the next day.");
            else
                ranges.Add(range);
        }
        return ranges;
    }

    private static bool Overlap(IReadOnlyList<OpenHours> there, List<OpenHours> more)
    {
        for (var i = 0; i < more.Count; i++)
        {
            for (var j = 0; j < i; j++) if (Meet(more[i], more[j])) return true;
            foreach (var other in there) if (Meet(more[i], other)) return true;
        }
        return false;
    }

    private static bool Meet(OpenHours a, OpenHours b) => a.FromMinute < b.UntilMinute && b.FromMinute < a.UntilMinute;

    private static IReadOnlyList<int> ReadClosed(ConfigNode node, Func<string, NamedList?> list, ConfigErrors errors)
    {
        switch (node)
        {
            case ConfigList dates:
                return [.. dates.Items.Select(item => ReadDate(item, errors)).OfType<int>()];
            case ConfigMap map when map.Entries.Count == 1 && map.Find("list") is ConfigText name:
                if (list(name.Text) is not { } found)
                    errors.Add(name.Path, ConditionErrors.UnknownList, "There is no list of this name; add it under lists.");
                else if (found.Type != FieldType.Date)
                    errors.Add(name.Path, ConditionErrors.InvalidValue, $"Wants a list of dates; this one holds values of type {FieldTypes.NameOf(found.Type)}.");
                else
                    return [.. found.Values.Select(value => (int)value.Number)];
                return [];
            default:
                errors.Add(node.Path, ConditionErrors.WrongKind, "closed wants a list of dates, or { list: NAME }.");
                return [];
        }
    }

    /// <summary>Reads <c>08:00-18:30</c>: hours and minutes of two digits, half-open, up to <c>24:00</c>.</summary>
    public static bool TryParseHours(ReadOnlySpan<char> text, out OpenHours hours)
    {
        hours = default;
        text = text.Trim();
        if (text.Length != 11 || text[5] != '-' || !TryParseMinute(text[..5], out var from) || !TryParseMinute(text[6..], out var until) || from >= until) return false;
        hours = new(from, until);
        return true;
    }

    private static bool TryParseMinute(ReadOnlySpan<char> text, out int minute)
    {
        minute = 0;
        if (text[2] != ':' || !int.TryParse(text[..2], NumberStyles.None, CultureInfo.InvariantCulture, out var hour)
            || !int.TryParse(text[3..], NumberStyles.None, CultureInfo.InvariantCulture, out var rest) || rest > 59) return false;
        minute = hour * 60 + rest;
        return minute <= EndOfDay;
    }
}
