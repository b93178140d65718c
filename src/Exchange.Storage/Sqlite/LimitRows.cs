using Exchange.Engine.Caps;

namespace Exchange.Storage.Sqlite;

/// <summary>What an apply writes of limits. Writer's thread only.</summary>
internal static class LimitRows
{
    public static bool IsActive(Database database, string id) => database.Prepare("SELECT active FROM cap WHERE id = ?").Bind(id).Scalar() == 1;

    public static List<(string Id, AppliedLimit Limit)> Read(Database database) =>
        database.Prepare("SELECT id, kind, lim, weekdays, active FROM cap").All(static row => (row.Text(0), new AppliedLimit(
            (LimitKind)row.Int(1), row.Long(2), row.TextOrNull(3) is { } week ? WeekdayLimits.Read(week) : null, row.Bool(4))));

    public static void Write(Database database, LimitChange change, LimitSeeder seeder, long nowMs)
    {
        var limit = change.Limit;
        database.Prepare("""
            INSERT INTO cap (id, kind, lim, weekdays, keep_s, active) VALUES (?, ?, ?, ?, ?, 1)
            ON CONFLICT DO UPDATE SET lim = excluded.lim, weekdays = excluded.weekdays, keep_s = excluded.keep_s, active = 1
            """)
            .Bind(limit.Id).Bind((long)limit.Kind).Bind(change.Now.Limit).Bind(WeekdayLimits.Write(change.Now.Weekdays)).Bind(change.KeepSeconds(nowMs)).Run();
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
                    """).Bind(limit.Id).Bind(limit.Id).Bind(limit.Limit - (change.Was?.Limit ?? 0)).Run();
                break;
            default:
                WriteWindows(database, limit);
                if (change.IsNewCap) seeder.Seed(database, limit);
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

    /// <summary>A gate that left the catalog closes.</summary>
    public static void Retire(Database database, string id, LimitKind kind)
    {
        database.Prepare("UPDATE cap SET active = 0 WHERE id = ?").Bind(id).Run();
        if (kind == LimitKind.Gate) database.Prepare("UPDATE counter SET lim = -1 WHERE key = ?").Bind(id).Run();
    }
}
