using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;

namespace Exchange.Storage.Sqlite;

/// <summary>Catalog versions and the limits that an apply moves, in one transaction.</summary>
internal sealed class SqliteCatalog(Writer writer, ReadPool reads) : ICatalogStore
{
    private const string Columns = "SELECT version, at_ms, author, json FROM catalog_version";

    public Task<CatalogVersion?> LatestAsync(CancellationToken cancel) =>
        reads.ReadAsync(database => database.Prepare(Columns + " ORDER BY version DESC LIMIT 1").First(Read), cancel);

    public Task<CatalogVersion?> FindAsync(long version, CancellationToken cancel) =>
        reads.ReadAsync(database => database.Prepare(Columns + " WHERE version = ?").Bind(version).First(Read), cancel);

    public Task<IReadOnlyList<CatalogVersion>> HistoryAsync(int limit, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<CatalogVersion>>(
            database => database.Prepare(Columns + " ORDER BY version DESC LIMIT ?").Bind(Math.Clamp(limit, 1, Limits.PageRows)).All(Read), cancel);

    /// <summary>
    /// Caps are followed by whether they are in the newest catalog: one that was not starts with the live copies of its current window, also if
    /// it had been there before, because nothing counted for it in between.
    /// </summary>
    public Task<long?> ApplyAsync(CatalogApply apply, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(apply);
        return writer.RunAsync(session =>
        {
            var database = session.Database;
            var latest = database.Prepare("SELECT max(version) FROM catalog_version").Scalar() ?? 0;
            if (apply.ExpectedVersion is { } expected && expected != latest) return (long?)null;
            var version = latest + 1;
            database.Prepare("INSERT INTO catalog_version (version, at_ms, author, json) VALUES (?, ?, ?, ?)")
                .Bind(version).Bind(nowMs).Bind(apply.Author).Bind(apply.Json).Run();

            var before = database.Prepare("SELECT id, kind, lim, active FROM cap")
                .All(static row => (Id: row.Text(0), Kind: row.Int(1), Limit: row.Long(2), Active: row.Bool(3))).ToDictionary(row => row.Id, StringComparer.Ordinal);
            var now = new HashSet<string>(StringComparer.Ordinal);
            foreach (var limit in apply.Limits)
            {
                if (!now.Add(limit.Id)) continue;
                var known = before.TryGetValue(limit.Id, out var old);
                database.Prepare("INSERT INTO cap (id, kind, lim, active) VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET lim = excluded.lim, active = 1")
                    .Bind(limit.Id).Bind((long)limit.Kind).Bind(limit.Limit).Run();
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
                            """).Bind(limit.Id).Bind(limit.Id).Bind(limit.Limit - (known ? old.Limit : 0)).Run();
                        break;
                    default:
                        database.Prepare("UPDATE counter SET lim = ? WHERE limit_id = ?").Bind(limit.Limit).Bind(limit.Id).Run();
                        if (!known || !old.Active) Seed(database, limit, nowMs);
                        break;
                }
            }
            foreach (var gone in before.Values.Where(row => row.Active && !now.Contains(row.Id)))
            {
                database.Prepare("UPDATE cap SET active = 0 WHERE id = ?").Bind(gone.Id).Run();
                if (gone.Kind == (int)LimitKind.Gate) database.Prepare("UPDATE counter SET lim = -1 WHERE key = ?").Bind(gone.Id).Run();
            }
            foreach (var value in ReadCounters(database, nowMs)) session.Tell(value);
            return version;
        }, cancel);
    }

    public Task<IReadOnlyList<CounterValue>> ReadCountersAsync(long nowMs, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<CounterValue>>(database => ReadCounters(database, nowMs), cancel);

    /// <summary>Of each limit the newest window that has begun (and any later one).</summary>
    private static List<CounterValue> ReadCounters(Database database, long nowMs) =>
        database.Prepare("""
            SELECT c.key, c.limit_id, c.lim, c.used, c.held FROM counter c
            WHERE c.window_start >= coalesce((SELECT max(d.window_start) FROM counter d WHERE d.limit_id = c.limit_id AND d.window_start <= ?), 0)
            """).Bind(Math.DivRem(nowMs, 1000).Quotient).All(static row => new CounterValue(row.Text(0), row.Text(1), row.Long(2), row.Long(3), row.Long(4)));

    /// <summary>
    /// The current window's counter becomes what its live copies took; those still held get the take, so that their end moves this counter too.
    /// Tests take nothing.
    /// </summary>
    private static void Seed(Database database, LimitModel limit, long nowMs)
    {
        var key = limit.KeyAt(Math.DivRem(nowMs, 1000).Quotient, out var window);
        var column = limit.Scope switch { CapScope.Publisher => "publisher", CapScope.Campaign => "campaign", _ => "buyer" };
        var copies = database.Prepare($"""
            SELECT lead_id, no, state, price, payout, takes FROM copy
            WHERE {column} = ? AND at_ms >= ? AND at_ms < ? AND state IN (1, 2, 3) AND substr(lead_id, 9, 1) < x'80'
            """)
            .Bind(limit.Owner).Bind(Milliseconds(window.Start)).Bind(Milliseconds(window.End))
            .All(static row => (Lead: row.Lead(0), No: row.Int(1), State: (CopyState)row.Int(2), Price: row.Long(3), Payout: row.Long(4), Takes: row.Blob(5)));
        // Its own row is made only when there is something in it, as by a first take.
        var id = database.Prepare("SELECT id FROM counter WHERE key = ?").Bind(key).Scalar();
        if (copies.Count == 0 && id is null) return;
        id ??= database.Prepare("INSERT INTO counter (key, limit_id, window_start, lim, used, held) VALUES (?, ?, ?, ?, 0, 0) RETURNING id")
            .Bind(key).Bind(limit.Id).Bind(CounterCache.WindowStart(key)).Bind(limit.Limit).Scalar()!.Value;
        long used = 0, held = 0;
        foreach (var copy in copies)
        {
            var amount = limit.AmountOf(new(copy.Price), new(copy.Payout));
            if (copy.State == CopyState.Captured)
            {
                used += amount;
                continue;
            }
            held += amount;
            var takes = StoredTakes.Read(copy.Takes);
            if (amount == 0 || takes.Exists(take => take.Counter == id)) continue;
            takes.Add((id.Value, amount));
            database.Prepare("UPDATE copy SET takes = ? WHERE lead_id = ? AND no = ?").Bind(StoredTakes.Write(takes)).Bind(copy.Lead).Bind(copy.No).Run();
        }
        database.Prepare("UPDATE counter SET used = ?, held = ? WHERE id = ?").Bind(used).Bind(held).Bind(id.Value).Run();
    }

    private static long Milliseconds(long seconds) => seconds >= long.MaxValue / 1000 ? long.MaxValue : seconds * 1000;

    private static CatalogVersion Read(Statement row) => new(row.Long(0), row.Long(1), row.Text(2), row.Blob(3));
}
