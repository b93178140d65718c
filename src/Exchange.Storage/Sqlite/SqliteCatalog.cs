using Exchange.Engine;

namespace Exchange.Storage.Sqlite;

/// <summary>Catalog versions and the limits that an apply moves, in one transaction.</summary>
internal sealed class SqliteCatalog(Writer writer, ReadPool reads, TimeProvider time) : ICatalogStore
{
    private const string Columns = "SELECT version, at_ms, author, json, base FROM catalog_version";

    private readonly AppliedLimits applied = new();

    public Task<CatalogVersion?> LatestAsync(CancellationToken cancel) =>
        reads.ReadAsync(database => database.Prepare(Columns + " ORDER BY version DESC LIMIT 1").First(Read), cancel);

    public Task<long> LatestVersionAsync(CancellationToken cancel) =>
        reads.ReadAsync(database => database.Prepare("SELECT max(version) FROM catalog_version").Scalar() ?? 0, cancel);

    public Task<IReadOnlyList<CampaignIdentity>> IdentitiesAsync(IReadOnlyCollection<string> ids, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<CampaignIdentity>>(database =>
        {
            var found = new List<CampaignIdentity>();
            foreach (var id in ids)
                found.AddRange(database.Prepare("SELECT id, buyer, vertical FROM campaign_identity WHERE id = ?").Bind(id).All(row => new CampaignIdentity(row.Text(0), row.Text(1), row.Text(2))));
            return found;
        }, cancel);

    public Task<CatalogVersion?> FindAsync(long version, CancellationToken cancel) =>
        reads.ReadAsync(database => database.Prepare(Columns + " WHERE version = ?").Bind(version).First(Read), cancel);

    public Task<Page<CatalogNote>> HistoryAsync(int limit, string? cursor, CancellationToken cancel)
    {
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        var before = Rows.Number(cursor, long.MaxValue);
        return reads.ReadAsync(database =>
        {
            var notes = database.Prepare("SELECT version, at_ms, author FROM catalog_version WHERE version < ? ORDER BY version DESC LIMIT ?").Bind(before).Bind(limit + 1)
                .All(static row => new CatalogNote(row.Long(0), row.Long(1), row.Text(2)));
            return Rows.Page(notes, limit, static note => Rows.Cursor(note.Version));
        }, cancel);
    }

    public async Task<long?> ApplyAsync(CatalogApply apply, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(apply);
        var began = time.GetTimestamp();
        var seeder = new LimitSeeder(apply.Facts, nowMs, () => nowMs + (long)time.GetElapsedTime(began).TotalMilliseconds + NewCapCount.ClocksApartMs);
        // Sales wait for the transaction: leads are opened before it as far as they are there.
        await reads.ReadAsync(database =>
        {
            seeder.Prepare(database, apply.Limits);
            return true;
        }, cancel).ConfigureAwait(false);
        return await writer.RunAsync(session =>
        {
            var database = session.Database;
            var latest = database.Prepare("SELECT max(version) FROM catalog_version").Scalar() ?? 0;
            if (apply.ExpectedVersion is { } expected && expected != latest) return (long?)null;
            var version = latest + 1;
            database.Prepare("INSERT INTO catalog_version (version, at_ms, author, json, base) VALUES (?, ?, ?, ?, ?)")
                .Bind(version).Bind(nowMs).Bind(apply.Author).Bind(apply.Json).Bind(apply.Base).Run();
            foreach (var (id, buyer, vertical) in apply.NewCampaigns)
                database.Prepare("INSERT OR IGNORE INTO campaign_identity (id, buyer, vertical) VALUES (?, ?, ?)").Bind(id).Bind(buyer).Bind(vertical).Run();
            if (applied.MustRead(latest)) applied.Read(LimitRows.Read(database));
            var (changed, gone) = applied.Next(apply.Limits);
            foreach (var change in changed) LimitRows.Write(database, change, seeder, nowMs);
            foreach (var (id, kind) in gone) LimitRows.Retire(database, id, kind);
            applied.Done(version);
            foreach (var id in changed.Select(change => change.Limit.Id).Concat(gone.Select(limit => limit.Id)))
                foreach (var value in CountersOf(database, id, nowMs)) session.Tell(value);
            return version;
        }, cancel).ConfigureAwait(false);
    }

    /// <summary>Of each limit the newest window that has begun (and any later one).</summary>
    public Task<IReadOnlyList<CounterValue>> ReadCountersAsync(long nowMs, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<CounterValue>>(database => database.Prepare("""
            WITH newest (limit_id, start) AS (
                SELECT limit_id, coalesce(max(CASE WHEN window_start <= ? THEN window_start END), 0) FROM counter GROUP BY limit_id)
            SELECT c.key, c.limit_id, c.lim, c.used, c.held FROM newest n JOIN counter c ON c.limit_id = n.limit_id AND c.window_start >= n.start
            """).Bind(Math.DivRem(nowMs, 1000).Quotient).All(Value), cancel);

    public Task<IReadOnlyList<CounterValue>> CountersOfAsync(IReadOnlyCollection<string> limits, long nowMs, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<CounterValue>>(database => [.. limits.SelectMany(limit => CountersOf(database, limit, nowMs))], cancel);

    private static List<CounterValue> CountersOf(Database database, string limit, long nowMs) =>
        database.Prepare("""
            SELECT c.key, c.limit_id, c.lim, c.used, c.held FROM counter c WHERE c.limit_id = ?
              AND c.window_start >= coalesce((SELECT max(d.window_start) FROM counter d WHERE d.limit_id = c.limit_id AND d.window_start <= ?), 0)
            """).Bind(limit).Bind(Math.DivRem(nowMs, 1000).Quotient).All(Value);

    private static CounterValue Value(Statement row) => new(row.Text(0), row.Text(1), row.Long(2), row.Long(3), row.Long(4));

    private static CatalogVersion Read(Statement row) => new(row.Long(0), row.Long(1), row.Text(2), row.Blob(3)) { Base = row.LongOrNull(4) };
}
