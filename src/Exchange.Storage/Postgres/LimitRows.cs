using Exchange.Engine.Caps;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>What an apply writes of limits, in the order of locks: the catalog's rows by id, then counters by key.</summary>
internal static class LimitRows
{
    public const string CounterColumns = "c.key, c.limit_id, c.lim, c.used, c.held";

    public static CounterValue Value(NpgsqlDataReader row) => new(row.Text(0), row.Text(1), row.Long(2), row.Long(3), row.Long(4));

    public static Task<List<(string Id, AppliedLimit Limit)>> ReadAsync(NpgsqlConnection database, CancellationToken cancel) =>
        database.AllAsync("SELECT id, kind, lim, weekdays, active FROM cap", static row => (row.Text(0), new AppliedLimit(
            (LimitKind)row.Int(1), row.Long(2), row.IsDBNull(3) ? null : row.GetFieldValue<long[]>(3), row.Bool(4))), cancel);

    /// <summary>From now on nobody makes a new window of these limits, and those that were being made can be seen.</summary>
    public static async Task WriteCapsAsync(NpgsqlConnection database, List<LimitChange> changed, string[] gone, long nowMs, CancellationToken cancel)
    {
        string[] ids = [.. changed.Select(change => change.Limit.Id)];
        await database.RunAsync("SELECT 1 FROM cap WHERE id = ANY($1) ORDER BY id FOR UPDATE", cancel, (object)(string[])[.. ids, .. gone]).ConfigureAwait(false);
        await database.RunAsync("""
            INSERT INTO cap (id, kind, lim, weekdays, keep_s, active)
            SELECT t.id, t.kind, t.lim, string_to_array(t.weekdays, ',')::bigint[], t.keep_s, true FROM unnest($1, $2, $3, $4, $5) AS t (id, kind, lim, weekdays, keep_s)
            ORDER BY t.id
            ON CONFLICT (id) DO UPDATE SET lim = excluded.lim, weekdays = excluded.weekdays, keep_s = excluded.keep_s, active = true
            """, cancel, ids, changed.Select(change => (short)change.Limit.Kind).ToArray(), changed.Select(change => change.Now.Limit).ToArray(),
            changed.Select(change => WeekdayLimits.Write(change.Now.Weekdays)).ToArray(), changed.Select(change => change.KeepSeconds(nowMs)).ToArray()).ConfigureAwait(false);
        await database.RunAsync("UPDATE cap SET active = false WHERE id = ANY($1)", cancel, (object)gone).ConfigureAwait(false);
    }

    /// <summary>Every counter of these limits: no sale takes of them until this transaction ends. As the journal locks them, so that neither waits for the other in a circle.</summary>
    public static Task<int> LockCountersAsync(NpgsqlConnection database, string[] limits, CancellationToken cancel) =>
        database.RunAsync("SELECT 1 FROM counter WHERE limit_id = ANY($1) ORDER BY key FOR NO KEY UPDATE", cancel, (object)limits);

    /// <summary>Gates close and open, credit moves, existing windows follow. Rows are locked before.</summary>
    public static async Task WriteCountersAsync(NpgsqlConnection database, List<LimitChange> changed, string[] goneGates, CancellationToken cancel)
    {
        await database.RunAsync("UPDATE counter SET lim = -1 WHERE key = ANY($1)", cancel, (object)goneGates).ConfigureAwait(false);
        await UpsertAsync(database, "lim = excluded.lim", changed.Where(change => change.Limit.Kind == LimitKind.Gate), static change => change.Limit.Limit, cancel).ConfigureAwait(false);
        // What was paid in stays in the row; only the credit moves.
        await UpsertAsync(database, "lim = c.lim + excluded.lim", changed.Where(change => change.Limit.Kind == LimitKind.Balance),
            static change => change.Limit.Limit - (change.Was?.Limit ?? 0), cancel).ConfigureAwait(false);
        var caps = changed.Where(change => change.Limit.Kind == LimitKind.Cap).ToList();
        var plain = caps.Where(change => change.Now.Weekdays is null).ToList();
        await database.RunAsync("UPDATE counter c SET lim = t.lim FROM unnest($1, $2) AS t (id, lim) WHERE c.limit_id = t.id", cancel,
            plain.Select(change => change.Limit.Id).ToArray(), plain.Select(change => change.Now.Limit).ToArray()).ConfigureAwait(false);
        foreach (var change in caps.Where(change => change.Now.Weekdays is not null)) await WriteWeekAsync(database, change.Limit, cancel).ConfigureAwait(false);
    }

    /// <summary>Each window by its own day.</summary>
    private static async Task WriteWeekAsync(NpgsqlConnection database, LimitModel limit, CancellationToken cancel)
    {
        var starts = await database.AllAsync("SELECT DISTINCT window_start FROM counter WHERE limit_id = $1", static row => row.Long(0), cancel, limit.Id).ConfigureAwait(false);
        await database.RunAsync("UPDATE counter c SET lim = t.lim FROM unnest($2, $3) AS t (start, lim) WHERE c.limit_id = $1 AND c.window_start = t.start", cancel,
            limit.Id, starts.ToArray(), starts.Select(start => limit.RowLimitIn(limit.Period!.WindowAt(start, limit.Zone!))).ToArray()).ConfigureAwait(false);
    }

    private static async Task UpsertAsync(NpgsqlConnection database, string set, IEnumerable<LimitChange> changes, Func<LimitChange, long> limit, CancellationToken cancel)
    {
        var all = changes.ToList();
        if (all.Count == 0) return;
        await database.RunAsync($"""
            INSERT INTO counter AS c (key, limit_id, window_start, lim, used, held) SELECT t.id, t.id, 0, t.lim, 0, 0 FROM unnest($1, $2) AS t (id, lim) ORDER BY t.id
            ON CONFLICT (key) DO UPDATE SET {set}
            """, cancel, all.Select(change => change.Limit.Id).ToArray(), all.Select(limit).ToArray()).ConfigureAwait(false);
    }

    /// <summary>Of each of these limits the newest window that has begun, and any later one.</summary>
    public static Task<List<CounterValue>> CountersOfAsync(NpgsqlConnection database, string[] limits, long nowMs, CancellationToken cancel) =>
        database.AllAsync($"""
            SELECT {CounterColumns} FROM counter c WHERE c.limit_id = ANY($1)
              AND c.window_start >= coalesce((SELECT max(d.window_start) FROM counter d WHERE d.limit_id = c.limit_id AND d.window_start <= $2), 0)
            """, Value, cancel, limits, Math.DivRem(nowMs, 1000).Quotient);
}
