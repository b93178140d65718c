using System.Runtime.CompilerServices;

namespace Exchange.Engine.Schedules;

/// <summary>
/// The wall clock of one zone. All times are whole seconds: UTC since 1970, and "local seconds" = the same count read off the wall clock
/// (local midnight is a multiple of 86,400). Thread-safe; remembers the last stretch of constant offset, because nearly every question
/// is about now.
/// </summary>
public sealed class ZoneClock
{
    public const long Day = 86_400;
    public const long Hour = 3_600;
    private const long Minimum = -62_135_596_800 + 2 * Day;
    private const long Maximum = 253_402_300_799 - 2 * Day;
    /// <summary>How far a stretch of constant offset is followed at once.</summary>
    private const long Reach = 40 * Day;

    private static readonly ConditionalWeakTable<TimeZoneInfo, ZoneClock> Clocks = [];
    private static readonly int DayNumberOf1970 = new DateOnly(1970, 1, 1).DayNumber;

    private readonly TimeZoneInfo zone;
    private volatile Stretch last = new(0, 0, 0);

    private ZoneClock(TimeZoneInfo zone) => this.zone = zone;

    /// <summary>The one clock of a zone.</summary>
    public static ZoneClock Of(TimeZoneInfo zone) => Clocks.GetValue(zone, static zone => new(zone));

    public string ZoneId => zone.Id;

    /// <summary>Seconds that local time is ahead of UTC at a moment.</summary>
    public long OffsetAt(long unixSeconds)
    {
        var known = last;
        return unixSeconds >= known.From && unixSeconds < known.Until ? known.Offset : Find(unixSeconds).Offset;
    }

    public long LocalAt(long unixSeconds) => unixSeconds + OffsetAt(unixSeconds);

    /// <summary>Day number of the local date (0001-01-01 = 0).</summary>
    public int DateAt(long unixSeconds) => DateOf(LocalAt(unixSeconds));

    public static int DateOf(long localSeconds) => (int)FloorDiv(localSeconds, Day) + DayNumberOf1970;

    public static long MidnightOf(int dayNumber) => (dayNumber - DayNumberOf1970) * Day;

    /// <summary>Monday = 0 … Sunday = 6.</summary>
    public static int WeekdayOf(int dayNumber) => dayNumber % 7;

    /// <summary>
    /// The first moment at which the wall clock reads <paramref name="localSeconds"/> or later: the first of two where the clock shows it
    /// twice, the moment of the jump where it never shows it.
    /// </summary>
    public long FirstAtOrAfter(long localSeconds)
    {
        // No zone is further than a day from UTC, so the change that matters, if any, lies in between.
        var early = Math.Clamp(localSeconds - Day, Minimum, Maximum);
        var late = Math.Clamp(localSeconds + Day, Minimum, Maximum);
        var before = Ask(early);
        var after = Ask(late);
        if (before == after) return localSeconds - before;
        var change = ChangeBetween(early, late);
        return localSeconds - before < change ? localSeconds - before : Math.Max(change, localSeconds - after);
    }

    /// <summary>
    /// The first moment after <paramref name="unixSeconds"/> at which the offset is another, or <paramref name="limit"/> if there is none before it.
    /// </summary>
    public long NextChange(long unixSeconds, long limit)
    {
        var offset = OffsetAt(unixSeconds);
        while (true)
        {
            var known = last;
            if (unixSeconds < known.From || unixSeconds >= known.Until) known = Find(unixSeconds);
            if (known.Offset != offset) return Math.Min(unixSeconds, limit);
            if (known.Until >= limit || known.Until >= Maximum) return limit;
            unixSeconds = known.Until;
        }
    }

    /// <summary>The last moment up to <paramref name="unixSeconds"/> at which the offset became what it is, or <paramref name="limit"/> if not since then.</summary>
    public long LastChange(long unixSeconds, long limit)
    {
        if (Ask(limit) == OffsetAt(unixSeconds)) return limit;
        return ChangeBetween(limit, unixSeconds);
    }

    private Stretch Find(long unixSeconds)
    {
        unixSeconds = Math.Clamp(unixSeconds, Minimum, Maximum);
        var offset = Ask(unixSeconds);
        var until = unixSeconds + 1;
        // Day by day: no zone shifts and shifts back within one.
        for (var reach = unixSeconds; reach < unixSeconds + Reach && reach < Maximum; reach += Day)
        {
            var next = Math.Min(reach + Day, Maximum);
            if (Ask(next) != offset) { until = ChangeBetween(reach, next); break; }
            until = next;
        }
        var yesterday = Math.Max(unixSeconds - Day, Minimum);
        var from = Ask(yesterday) == offset ? yesterday : ChangeBetween(yesterday, unixSeconds);
        var found = new Stretch(from, until, offset);
        last = found;
        return found;
    }

    /// <summary>The moment within (<paramref name="low"/>, <paramref name="high"/>] from which the later offset counts.</summary>
    private long ChangeBetween(long low, long high)
    {
        var after = Ask(high);
        while (high - low > 1)
        {
            var middle = low + (high - low) / 2;
            if (Ask(middle) == after) high = middle;
            else low = middle;
        }
        return high;
    }

    private long Ask(long unixSeconds) => (long)zone.GetUtcOffset(DateTime.UnixEpoch.AddSeconds(unixSeconds)).TotalSeconds;

    private static long FloorDiv(long a, long b) => a >= 0 ? a / b : -((-a + b - 1) / b);

    private sealed record Stretch(long From, long Until, long Offset);
}
