using Exchange.Engine;
using Exchange.Engine.Caps;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Catalog versions and the limits that an apply moves, in one transaction, whole or not, whatever other silos sell or apply meanwhile. Its end is told to all
/// who listen (<see cref="PostgresCatalogNews"/>).
/// </summary>
internal sealed class PostgresCatalog(PostgresChanges changes, NpgsqlDataSource reads, TimeProvider time) : ICatalogStore, IDisposable
{
    /// <summary>Ours in this database: applies take turns.</summary>
    private const long Turn = 7302;

    private const string Columns = "SELECT version, at_ms, author, json, base FROM catalog_version";

    private readonly SemaphoreSlim applying = new(1, 1);
    private readonly AppliedLimits applied = new();

    public Task<CatalogVersion?> LatestAsync(CancellationToken cancel) => reads.FirstAsync(Columns + " ORDER BY version DESC LIMIT 1", Read, cancel);

    public Task<long> LatestVersionAsync(CancellationToken cancel) =>
        reads.FirstAsync("SELECT coalesce(max(version), 0) FROM catalog_version", static row => row.Long(0), cancel);

    public async Task<IReadOnlyList<CampaignIdentity>> IdentitiesAsync(IReadOnlyCollection<string> ids, CancellationToken cancel) =>
        await reads.AllAsync("SELECT id, buyer, vertical FROM campaign_identity WHERE id = ANY($1)",
            static row => new CampaignIdentity(row.Text(0), row.Text(1), row.Text(2)), cancel, (object)ids.ToArray()).ConfigureAwait(false);

    public Task<CatalogVersion?> FindAsync(long version, CancellationToken cancel) => reads.FirstAsync(Columns + " WHERE version = $1", Read, cancel, version);

    public async Task<Page<CatalogNote>> HistoryAsync(int limit, string? cursor, CancellationToken cancel)
    {
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        var notes = await reads.AllAsync("SELECT version, at_ms, author FROM catalog_version WHERE version < $1 ORDER BY version DESC LIMIT $2",
            static row => new CatalogNote(row.Long(0), row.Long(1), row.Text(2)), cancel, Rows.Number(cursor, long.MaxValue), limit + 1).ConfigureAwait(false);
        return Rows.Page(notes, limit, static note => Rows.Cursor(note.Version));
    }

    public async Task<long?> ApplyAsync(CatalogApply apply, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(apply);
        var began = time.GetTimestamp();
        await applying.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var seeder = new LimitSeeder(apply.Facts, nowMs, () => nowMs + (long)time.GetElapsedTime(began).TotalMilliseconds + NewCapCount.ClocksApartMs);
            // Sales wait for the transaction: leads are opened before it as far as they are there.
            await seeder.PrepareAsync(reads, apply.Limits, cancel).ConfigureAwait(false);
            var version = await changes.RunAsync(change => ApplyAsync(change, apply, seeder, nowMs, cancel), cancel).ConfigureAwait(false);
            if (version is { } now) applied.Done(now);
            return version;
        }
        finally { applying.Release(); }
    }

    private async Task<long?> ApplyAsync(Change change, CatalogApply apply, LimitSeeder seeder, long nowMs, CancellationToken cancel)
    {
        var database = change.Connection;
        // Longer than a sale may take: an apply waits for others, and payloads are opened in it.
        await database.RunAsync("SET LOCAL lock_timeout = '20s'; SET LOCAL idle_in_transaction_session_timeout = '20s'", cancel).ConfigureAwait(false);
        await database.RunAsync("SELECT pg_advisory_xact_lock($1)", cancel, Turn).ConfigureAwait(false);
        // A statement of its own after the lock: it sees what the one before us has committed.
        var latest = await database.FirstAsync("SELECT coalesce(max(version), 0) FROM catalog_version", static row => row.Long(0), cancel).ConfigureAwait(false);
        if (change.MayBeDone && await IsOursAsync(database, latest, apply, nowMs, cancel).ConfigureAwait(false)) return latest;
        if (apply.ExpectedVersion is { } expected && expected != latest) return null;
        var version = latest + 1;
        await database.RunAsync("INSERT INTO catalog_version (version, at_ms, author, json, base) VALUES ($1, $2, $3, $4, $5)", cancel,
            version, nowMs, apply.Author, apply.Json, apply.Base).ConfigureAwait(false);
        await database.RunAsync("INSERT INTO campaign_identity (id, buyer, vertical) SELECT * FROM unnest($1, $2, $3) ON CONFLICT DO NOTHING", cancel,
            apply.NewCampaigns.Select(campaign => campaign.Id).ToArray(), apply.NewCampaigns.Select(campaign => campaign.Buyer).ToArray(),
            apply.NewCampaigns.Select(campaign => campaign.Vertical).ToArray()).ConfigureAwait(false);
        if (applied.MustRead(latest)) applied.Read(await LimitRows.ReadAsync(database, cancel).ConfigureAwait(false));
        var (changed, gone) = applied.Next(apply.Limits);
        await WriteAsync(change, changed, gone, seeder, nowMs, cancel).ConfigureAwait(false);
        // Never in a sale: whoever notifies waits in one line to commit.
        await database.RunAsync("SELECT pg_notify($1, $2::text)", cancel, PostgresCatalogNews.Channel, version).ConfigureAwait(false);
        return version;
    }

    /// <summary>
    /// Gates and new caps in one moment: from the lock of their counters to the commit nothing of them is sold, and what is counted into a new cap is all that
    /// was sold before. Whoever waited sees a closed gate, reads the new catalog and decides again.
    /// </summary>
    private static async Task WriteAsync(
        Change change, List<LimitChange> changed, List<(string Id, LimitKind Kind)> gone, LimitSeeder seeder, long nowMs, CancellationToken cancel)
    {
        var database = change.Connection;
        string[] goneIds = [.. gone.Select(limit => limit.Id)];
        string[] all = [.. changed.Select(limit => limit.Limit.Id), .. goneIds];
        if (all.Length == 0) return;
        await LimitRows.WriteCapsAsync(database, changed, goneIds, nowMs, cancel).ConfigureAwait(false);
        var seeds = changed.Where(limit => limit.IsNewCap).ToList();
        if (seeds.Count > 0) await change.HoldSalesAsync(cancel).ConfigureAwait(false);
        await LimitRows.LockCountersAsync(database, all, cancel).ConfigureAwait(false);
        await LimitRows.WriteCountersAsync(database, changed, [.. gone.Where(limit => limit.Kind == LimitKind.Gate).Select(limit => limit.Id)], cancel).ConfigureAwait(false);
        foreach (var seed in seeds) await seeder.SeedAsync(database, seed.Limit, cancel).ConfigureAwait(false);
        change.Tell(await LimitRows.CountersOfAsync(database, all, nowMs, cancel).ConfigureAwait(false));
    }

    private static Task<bool> IsOursAsync(NpgsqlConnection database, long latest, CatalogApply apply, long nowMs, CancellationToken cancel) =>
        database.FirstAsync("SELECT at_ms = $2 AND author = $3 AND json = $4 AND base IS NOT DISTINCT FROM $5 FROM catalog_version WHERE version = $1", static row => row.Bool(0), cancel,
            latest, nowMs, apply.Author, apply.Json, apply.Base);

    public async Task<IReadOnlyList<CounterValue>> ReadCountersAsync(long nowMs, CancellationToken cancel) =>
        await reads.AllAsync($"""
            WITH newest (limit_id, start) AS (
                SELECT limit_id, coalesce(max(CASE WHEN window_start <= $1 THEN window_start END), 0) FROM counter GROUP BY limit_id)
            SELECT {LimitRows.CounterColumns} FROM newest n JOIN counter c ON c.limit_id = n.limit_id AND c.window_start >= n.start
            """, LimitRows.Value, cancel, Math.DivRem(nowMs, 1000).Quotient).ConfigureAwait(false);

    public async Task<IReadOnlyList<CounterValue>> CountersOfAsync(IReadOnlyCollection<string> limits, long nowMs, CancellationToken cancel)
    {
        await using var connection = await reads.OpenAsync(cancel).ConfigureAwait(false);
        return await LimitRows.CountersOfAsync(connection, [.. limits], nowMs, cancel).ConfigureAwait(false);
    }

    private static CatalogVersion Read(NpgsqlDataReader row) => new(row.Long(0), row.Long(1), row.Text(2), row.Blob(3)) { Base = row.LongOrNull(4) };

    public void Dispose() => applying.Dispose();
}
