using System.Collections.Frozen;
using System.Globalization;

namespace Exchange.Engine.Schedules;

/// <summary>Hours within a day in minutes since local midnight, half-open; ends at 1440 at the latest.</summary>
public readonly record struct OpenHours(int FromMinute, int UntilMinute);

/// <summary>Whether a schedule is open at a moment, and when that changes next.</summary>
/// <param name="NextChange">In UTC; null if it does not within <see cref="Schedule.HorizonDays"/>.</param>
public readonly record struct ScheduleState(bool Open, DateTimeOffset? NextChange, TimeZoneInfo Zone)
{
    /// <summary>"opens 2026-11-23 08:00 America/New_York", in the schedule's own time.</summary>
    public string Describe()
    {
        if (NextChange is not { } next) return Open ? "open" : $"closed for the next {Schedule.HorizonDays} days";
        var local = TimeZoneInfo.ConvertTime(next, Zone);
        return string.Create(CultureInfo.InvariantCulture, $"{(Open ? "closes" : "opens")} {local:yyyy-MM-dd HH:mm} {Zone.Id}");
    }
}

/// <summary>
/// When a campaign is open, in its own zone. The wall clock alone decides: an hour that the clock skips is no open hour,
/// one that it shows twice is open twice. Thread-safe; the state is remembered until it changes.
/// </summary>
public sealed class Schedule
{
    /// <summary>How far ahead the next change is looked for.</summary>
    public const int HorizonDays = 400;

    private readonly OpenHours[][] hours;
    private readonly FrozenSet<int> closed;
    private readonly ZoneClock clock;
    private volatile Remembered? remembered;

    /// <param name="hours">By weekday (Monday first), seven entries, each in order and without overlap; an empty one is a closed day.</param>
    /// <param name="closed">Day numbers of closed dates.</param>
    /// <param name="from">Day number of the first day, if any.</param>
    /// <param name="until">Day number of the first day without, if any.</param>
    public Schedule(TimeZoneInfo zone, IReadOnlyList<IReadOnlyList<OpenHours>> hours, IEnumerable<int> closed, int? from, int? until)
    {
        Invariant.Require(hours.Count == 7);
        Zone = zone;
        clock = ZoneClock.Of(zone);
        this.hours = [.. hours.Select(day => day.ToArray())];
        this.closed = closed.ToFrozenSet();
        From = from;
        Until = until;
    }

    public TimeZoneInfo Zone { get; }
    public int? From { get; }
    public int? Until { get; }

    /// <summary>A few nanoseconds while nothing changes.</summary>
    public bool IsOpen(DateTimeOffset now) => Look(now.ToUnixTimeSeconds()).Open;

    public ScheduleState At(DateTimeOffset now)
    {
        var state = Look(now.ToUnixTimeSeconds());
        return new(state.Open, state.Changes ? DateTimeOffset.FromUnixTimeSeconds(state.Until) : null, Zone);
    }

    /// <summary>What the wall clock says, without memory.</summary>
    public bool IsOpenAtLocal(long localSeconds)
    {
        var date = ZoneClock.DateOf(localSeconds);
        if (date < From || date >= Until || closed.Contains(date)) return false;
        var minute = (localSeconds - ZoneClock.MidnightOf(date)) / 60;
        foreach (var range in hours[ZoneClock.WeekdayOf(date)])
            if (minute >= range.FromMinute && minute < range.UntilMinute) return true;
        return false;
    }

    /// <summary>When it is open within [<paramref name="from"/>, <paramref name="until"/>), Unix seconds: half-open stretches in order. Not remembered.</summary>
    public IReadOnlyList<(long From, long Until)> OpenBetween(long from, long until)
    {
        var stretches = new List<(long, long)>();
        for (var at = from; at < until;)
        {
            var state = Find(at, until);
            if (state.Open) stretches.Add((at, Math.Min(state.Until, until)));
            at = state.Until;
        }
        return stretches;
    }

    private Remembered Look(long now)
    {
        var known = remembered;
        if (known is not null && now >= known.From && now < known.Until) return known;
        known = Find(now, now + HorizonDays * ZoneClock.Day);
        remembered = known;
        return known;
    }

    private Remembered Find(long now, long horizon)
    {
        var open = IsOpenAtLocal(clock.LocalAt(now));
        var at = now;
        while (at < horizon)
        {
            var local = clock.LocalAt(at);
            var step = at + (NextEdge(local) - local);
            // The wall clock may be set before the edge is reached.
            at = Math.Min(step, clock.NextChange(at, step));
            if (IsOpenAtLocal(clock.LocalAt(at)) != open) return new(now, at, open, true);
        }
        return new(now, horizon, open, false);
    }

    /// <summary>The next local time at which opening or closing is possible: an edge of today's hours, or the next midnight.</summary>
    private long NextEdge(long local)
    {
        var date = ZoneClock.DateOf(local);
        // A start months ahead is reached in one step.
        if (date < From) return ZoneClock.MidnightOf(From.Value);
        var midnight = ZoneClock.MidnightOf(date);
        var edge = midnight + ZoneClock.Day;
        foreach (var range in hours[ZoneClock.WeekdayOf(date)])
        {
            var start = midnight + range.FromMinute * 60L;
            var end = midnight + range.UntilMinute * 60L;
            if (start > local && start < edge) edge = start;
            if (end > local && end < edge) edge = end;
        }
        return edge;
    }

    private sealed record Remembered(long From, long Until, bool Open, bool Changes);
}
