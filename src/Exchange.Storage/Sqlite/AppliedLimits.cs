using Exchange.Engine.Caps;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// The limits as the newest catalog's apply left them, so that the next one writes only what it changes: one campaign among ten thousand moves a
/// handful of rows, not all. Remembered from the last apply; read from the rows after a start or when a transaction was undone. Writer's thread only.
/// </summary>
internal sealed class AppliedLimits
{
    private long version = -1;
    private Dictionary<string, Applied> limits = [];

    private sealed record Applied(LimitKind Kind, long Limit, IReadOnlyList<long>? Weekdays, bool IsActive);

    public static bool IsActive(Database database, string id) => database.Prepare("SELECT active FROM cap WHERE id = ?").Bind(id).Scalar() == 1;

    /// <summary>
    /// Caps are followed by whether they are in the newest catalog: one that was not starts with the live copies of its current window, also if
    /// it had been there before, because nothing counted for it in between. Returns the ids of what changed.
    /// </summary>
    public List<string> Apply(Database database, long from, long to, IReadOnlyList<LimitModel> next, LimitSeeder seeder, long nowMs)
    {
        if (version != from) limits = Read(database);
        // Until all is done nothing here may be taken for what the rows say.
        version = -1;
        List<string> changed = [];
        var now = new HashSet<string>(next.Count, StringComparer.Ordinal);
        foreach (var limit in next)
        {
            if (!now.Add(limit.Id)) continue;
            var was = limits.GetValueOrDefault(limit.Id);
            var wanted = new Applied(limit.Kind, limit.Soft ? LimitModel.NoLimit : limit.Limit, limit.Soft ? null : limit.WeekdayLimits, true);
            if (IsSame(was, wanted)) continue;
            Write(database, limit, wanted, was, seeder, nowMs);
            limits[limit.Id] = wanted;
            changed.Add(limit.Id);
        }
        List<string> gone = [.. limits.Where(pair => pair.Value.IsActive && !now.Contains(pair.Key)).Select(pair => pair.Key)];
        foreach (var id in gone)
        {
            database.Prepare("UPDATE cap SET active = 0 WHERE id = ?").Bind(id).Run();
            if (limits[id].Kind == LimitKind.Gate) database.Prepare("UPDATE counter SET lim = -1 WHERE key = ?").Bind(id).Run();
            limits[id] = limits[id] with { IsActive = false };
            changed.Add(id);
        }
        // If the transaction is undone after this, no version is the one before it.
        version = to;
        return changed;
    }

    private static void Write(Database database, LimitModel limit, Applied wanted, Applied? was, LimitSeeder seeder, long nowMs)
    {
        database.Prepare("""
            INSERT INTO cap (id, kind, lim, weekdays, keep_s, active) VALUES (?, ?, ?, ?, ?, 1)
            ON CONFLICT DO UPDATE SET lim = excluded.lim, weekdays = excluded.weekdays, keep_s = excluded.keep_s, active = 1
            """)
            .Bind(limit.Id).Bind((long)limit.Kind).Bind(wanted.Limit).Bind(WeekdayLimits.Write(wanted.Weekdays)).Bind(KeepSeconds(limit, nowMs)).Run();
        switch (limit.Kind)
        {
            case LimitKind.Gate:
                database.Prepare("""
                    INSERT INTO counter (key, limit_id, window_start, lim, used, held) VALUES (?, ?, 0, ?, 0, 0)
                    ON CONFLICT (key) DO UPDATE SET lim = excluded.lim
                    """).Bind(limit.Id).Bind(limit.Id).Bind(limit.Limit).Run();
                break;
            case LimitKind.Balance:
                // What was paid in stays in the row; only the credit moves.
                database.Prepare("""
                    INSERT INTO counter (key, limit_id, window_start, lim, used, held) VALUES (?, ?, 0, ?, 0, 0)
                    ON CONFLICT (key) DO UPDATE SET lim = lim + excluded.lim
                    """).Bind(limit.Id).Bind(limit.Id).Bind(limit.Limit - (was?.Limit ?? 0)).Run();
                break;
            default:
                WriteWindows(database, limit);
                if (limit.IsTake && was is not { IsActive: true }) seeder.Seed(database, limit);
                break;
        }
    }

    /// <summary>Existing windows follow at once; a day's by its weekday.</summary>
    private static void WriteWindows(Database database, LimitModel limit)
    {
        if (limit.WeekdayLimits is null)
        {
            database.Prepare("UPDATE counter SET lim = ? WHERE limit_id = ?").Bind(limit.Soft ? LimitModel.NoLimit : limit.Limit).Bind(limit.Id).Run();
            return;
        }
        foreach (var start in database.Prepare("SELECT DISTINCT window_start FROM counter WHERE limit_id = ?").Bind(limit.Id).All(static row => row.Long(0)))
            database.Prepare("UPDATE counter SET lim = ? WHERE limit_id = ? AND window_start = ?")
                .Bind(limit.RowLimitIn(limit.Period!.WindowAt(start, limit.Zone!))).Bind(limit.Id).Bind(start).Run();
    }

    /// <summary>
    /// From a window's beginning: as long as its windows last (the next ones tell: months differ, clocks are set), and the days after its end. Copies
    /// name the counters they took from; counts of offers and pings are nobody's, and by the minute there would be very many.
    /// </summary>
    private static long KeepSeconds(LimitModel limit, long nowMs)
    {
        const int windows = 14;
        const long day = 86_400;
        if (limit.Kind != LimitKind.Cap) return 0;
        long longest = 0;
        var window = limit.Period!.WindowAt(Math.DivRem(nowMs, 1000).Quotient, limit.Zone!);
        for (var i = 0; i < windows; i++)
        {
            if (window.End == long.MaxValue) return 0;
            longest = Math.Max(longest, window.End - window.Start);
            window = limit.Period.WindowAt(window.End, limit.Zone!);
        }
        return longest + day + day * (limit.IsTake ? IUpkeep.CounterDays : IUpkeep.CountedDays);
    }

    private static bool IsSame(Applied? was, Applied wanted) =>
        was is { IsActive: true } && was.Limit == wanted.Limit
        && (was.Weekdays is null ? wanted.Weekdays is null : wanted.Weekdays is not null && was.Weekdays.SequenceEqual(wanted.Weekdays));

    private static Dictionary<string, Applied> Read(Database database) =>
        database.Prepare("SELECT id, kind, lim, weekdays, active FROM cap").All(static row => (Id: row.Text(0), Limit: new Applied(
                (LimitKind)row.Int(1), row.Long(2), row.TextOrNull(3) is { } week ? WeekdayLimits.Read(week) : null, row.Bool(4))))
            .ToDictionary(row => row.Id, row => row.Limit, StringComparer.Ordinal);
}
