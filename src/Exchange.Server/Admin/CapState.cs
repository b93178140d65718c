using System.Text.Json;
using Exchange.Engine.Caps;
using Exchange.Engine.Schedules;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Limits;

namespace Exchange.Server.Admin;

/// <summary>Caps with their numbers as they stand. Money is a decimal text, everything else a number.</summary>
internal static class CapState
{
    public static void Write(Utf8JsonWriter json, string name, IEnumerable<LimitState> limits, CapScope scope) =>
        json.WriteObjects(name, limits.Where(limit => limit.Limit.Kind == LimitKind.Cap && limit.Limit.Scope == scope), state =>
        {
            var (limit, whole) = (state.Limit, state.Whole);
            var what = CapName.MetricOf(limit.Metric);
            json.WriteString("cap", limit.Name);
            json.WriteString("per", limit.Period!.Name);
            WriteAmount(json, what, limit.Metric, whole.Max);
            if (limit.WeekdayLimits is { } weekdays) WriteWeekdays(json, limit.Metric, weekdays);
            // With a count for each value there is none for all.
            if (limit.Each is null) WriteCounts(json, whole);
            if (whole.ResetsAt is { } resets) json.WriteTime("resets_at", resets);
            else json.WriteNull("resets_at");
            json.WriteString("time_zone", limit.Zone!.Id);
            if (limit.WhenHash is { } when) json.WriteString("when", when);
            if (limit.Soft) json.WriteBoolean("soft", true);
            if (limit.WarnAt is { } warnAt) json.WriteString("warn_at", warnAt.ToString());
            if (limit.Each is not { } each) return;
            json.WriteString("each", each.Name);
            json.WriteObjects("values", state.Values, value =>
            {
                json.WriteString("value", value.Value);
                WriteCounts(json, value);
            });
        });

    public static void WriteAmount(Utf8JsonWriter json, string name, CapMetric metric, long value)
    {
        if (metric == CapMetric.Spend) json.WriteString(name, new Money(value).ToString());
        else json.WriteNumber(name, value);
    }

    /// <summary>A soft cap can be beyond its limit: then less than nothing is left.</summary>
    private static void WriteCounts(Utf8JsonWriter json, LimitReport report)
    {
        var metric = report.Limit.Metric;
        WriteAmount(json, "used", metric, report.Used);
        WriteAmount(json, "held", metric, report.Held);
        WriteAmount(json, "left", metric, report.Left);
        if (report.Limit.WarnAt is not null) json.WriteBoolean("warned", report.Told.HasFlag(AlertLevel.Warned));
        if (report.Limit.Soft) json.WriteBoolean("reached", report.Told.HasFlag(AlertLevel.Reached));
        if (report.Pace is { } pace) WritePace(json, pace);
    }

    private static void WriteWeekdays(Utf8JsonWriter json, CapMetric metric, IReadOnlyList<long> weekdays)
    {
        json.WriteStartObject("by_weekday");
        for (var day = 0; day < weekdays.Count; day++) WriteAmount(json, Weekdays.Names[day], metric, weekdays[day]);
        json.WriteEndObject();
    }

    /// <summary><c>every_seconds</c> of open time until the next sale at what is left; <c>throttle</c>: the share of pings turned away lately.</summary>
    private static void WritePace(Utf8JsonWriter json, PaceState pace)
    {
        json.WriteStartObject("pace");
        json.WriteNumber("every_seconds", pace.EveryMs / 1000);
        if (pace.NextMs > 0) json.WriteTime("next_at", pace.NextMs);
        else json.WriteNull("next_at");
        json.WriteString("throttle", new Percent(pace.TurnedAway).ToString());
        json.WriteEndObject();
    }
}
