using Exchange.Engine.Catalog;
using Exchange.Engine.Schedules;

namespace Exchange.Engine.Caps;

/// <summary>
/// Even pacing: every expected sale buys a pause of open time left / places left. What is left is looked at anew each time, so that slow hours are
/// made up for over all that follow and never in a burst, and what is lowered or sold elsewhere is spread as well. Whole numbers only.
/// </summary>
public static class Pacing
{
    /// <summary>A share of one, in millionths.</summary>
    public const long One = 1_000_000;

    /// <summary>
    /// When the owner of a paced cap is open: a campaign by its schedule, a buyer while any of its campaigns that are not paused is. Empty: always.
    /// </summary>
    public static IReadOnlyList<Schedule> SchedulesOf(LimitModel cap, CatalogModel model)
    {
        if (cap.Scope == CapScope.Campaign) return model.Campaigns.GetValueOrDefault(cap.Owner)?.Schedule is { } own ? [own] : [];
        var schedules = new List<Schedule>();
        foreach (var campaign in model.Campaigns.Values)
        {
            if (campaign.Buyer.Id != cap.Owner || campaign.Status != EntryStatus.Active) continue;
            if (campaign.Schedule is null) return [];
            schedules.Add(campaign.Schedule);
        }
        return schedules;
    }

    /// <summary>
    /// When any of these schedules is open within a window, in order and without overlap; without schedules the whole window.
    /// </summary>
    public static Window[] OpenStretches(IReadOnlyList<Schedule> schedules, Window window)
    {
        if (schedules.Count == 0) return [window];
        var all = new List<Window>();
        foreach (var schedule in schedules)
            foreach (var (from, until) in schedule.OpenBetween(window.Start, window.End)) all.Add(new(from, until));
        all.Sort(static (a, b) => a.Start.CompareTo(b.Start));
        var merged = new List<Window>(all.Count);
        foreach (var stretch in all)
        {
            if (merged.Count > 0 && stretch.Start <= merged[^1].End) merged[^1] = new(merged[^1].Start, Math.Max(merged[^1].End, stretch.End));
            else merged.Add(stretch);
        }
        return [.. merged];
    }

    /// <summary>Milliseconds of open time from a moment on.</summary>
    public static long OpenLeftMs(ReadOnlySpan<Window> stretches, long nowMs)
    {
        var left = 0L;
        foreach (var stretch in stretches)
        {
            if (stretch.End * 1000 <= nowMs) continue;
            left += stretch.End * 1000 - Math.Max(stretch.Start * 1000, nowMs);
        }
        return left;
    }

    /// <summary>
    /// Milliseconds until the next turn after an offer that would take <paramref name="amount"/> of <paramref name="left"/> (leads or micros, before it),
    /// if it becomes a sale with this likelihood. Never more than the open time left; rounded down, so that the last place is not lost.
    /// </summary>
    public static long PauseMs(long openLeftMs, long left, long amount, long likelihood)
    {
        if (openLeftMs <= 0 || amount <= 0) return 0;
        if (left <= 0) return openLeftMs;
        return (long)Int128.Min((Int128)openLeftMs * amount * Math.Clamp(likelihood, 0, One) / ((Int128)left * One), openLeftMs);
    }

    /// <summary>
    /// The moment that lies so much open time after another; the end of the last stretch if there is less. A pause that starts in the evening goes on
    /// in the morning.
    /// </summary>
    public static long AfterMs(ReadOnlySpan<Window> stretches, long fromMs, long pauseMs)
    {
        var end = fromMs;
        foreach (var stretch in stretches)
        {
            if (stretch.End * 1000 <= fromMs) continue;
            var start = Math.Max(stretch.Start * 1000, fromMs);
            if (start + pauseMs <= stretch.End * 1000) return pauseMs == 0 ? fromMs : start + pauseMs;
            pauseMs -= stretch.End * 1000 - start;
            end = stretch.End * 1000;
        }
        return end;
    }
}
