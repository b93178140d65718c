using System.Runtime.CompilerServices;
using Exchange.Engine.Schedules;

namespace Exchange.Engine.Caps;

/// <summary>
/// A period read off a zone's wall clock. Windows of one period and zone follow each other without gap or overlap, however the clock is
/// set. The last window of each zone is remembered: a ping asks dozens of times within the same one.
/// </summary>
public abstract class WallPeriod : ICapPeriod
{
    private readonly ConditionalWeakTable<TimeZoneInfo, Memory> memories = [];

    public abstract string Name { get; }
    public abstract Reason Reason { get; }

    public Window WindowAt(long unixSeconds, TimeZoneInfo zone)
    {
        var memory = memories.GetValue(zone, static zone => new(ZoneClock.Of(zone)));
        var last = memory.Last;
        if (last is not null && last.Window.Contains(unixSeconds)) return last.Window;
        var window = Find(unixSeconds, memory.Clock);
        Invariant.Require(window.Contains(unixSeconds));
        memory.Last = new(window);
        return window;
    }

    private protected abstract Window Find(long unixSeconds, ZoneClock clock);

    private sealed class Memory(ZoneClock clock)
    {
        private volatile Remembered? last;
        public ZoneClock Clock => clock;
        public Remembered? Last { get => last; set => last = value; }
    }

    private sealed record Remembered(Window Window);
}

/// <summary>
/// A period of whole local dates. A window starts with the first moment whose local date is its first date, so it lasts 23, 24.5 or 25
/// hours where the clock is set, and starts at 01:00 where midnight is skipped.
/// </summary>
public abstract class DatePeriod : WallPeriod
{
    private protected sealed override Window Find(long unixSeconds, ZoneClock clock)
    {
        var first = FirstDate(clock.DateAt(unixSeconds));
        var next = NextFirstDate(first);
        var start = clock.FirstAtOrAfter(ZoneClock.MidnightOf(first));
        var end = clock.FirstAtOrAfter(ZoneClock.MidnightOf(next));
        // A clock set back across midnight shows the old date again; the new window has begun for good.
        while (unixSeconds >= end)
        {
            next = NextFirstDate(next);
            (start, end) = (end, clock.FirstAtOrAfter(ZoneClock.MidnightOf(next)));
        }
        return new(start, end);
    }

    private protected abstract int FirstDate(int date);
    private protected abstract int NextFirstDate(int firstDate);
}
