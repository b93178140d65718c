using Exchange.Engine;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Counts beside the takes, and what the live view reads at start.</summary>
internal sealed class PostgresLimitCounts(PostgresChanges changes, NpgsqlDataSource reads) : ILimitCounts, IDisposable
{
    /// <summary>One after the other, so that what is told of a counter comes in the order in which it grew.</summary>
    private readonly SemaphoreSlim turn = new(1, 1);

    public async Task AddAsync(IReadOnlyList<LimitCount> counts, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(counts);
        foreach (var count in counts) Invariant.Require(count.Amount >= 0, "a count is not negative");
        var sums = counts.Where(count => count.Amount > 0).GroupBy(count => count.Key, StringComparer.Ordinal)
            .Select(group => group.First() with { Amount = group.Sum(count => count.Amount) }).OrderBy(count => count.Key, StringComparer.Ordinal).ToList();
        if (sums.Count == 0) return;
        await turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await changes.RunAsync(async change =>
            {
                await MakeWindowsAsync(change.Connection, sums, cancel).ConfigureAwait(false);
                string[] keys = [.. sums.Select(count => count.Key)];
                await change.Connection.RunAsync("SELECT 1 FROM counter WHERE key = ANY($1) ORDER BY key FOR NO KEY UPDATE", cancel, (object)keys).ConfigureAwait(false);
                change.Tell(await change.Connection.AllAsync($"UPDATE counter c SET used = c.used + t.amount FROM unnest($1, $2) AS t (key, amount) WHERE c.key = t.key RETURNING {LimitRows.CounterColumns}",
                    LimitRows.Value, cancel, keys, sums.Select(count => count.Amount).ToArray()).ConfigureAwait(false));
                return true;
            }, cancel, again: false).ConfigureAwait(false);
        }
        finally { turn.Release(); }
    }

    /// <summary>A window in which nothing was counted yet begins with the cap's limit, which does not change until the row is there.</summary>
    private static Task<int> MakeWindowsAsync(NpgsqlConnection database, List<LimitCount> counts, CancellationToken cancel)
    {
        var windows = counts.Where(count => count.Key != count.LimitId).ToList();
        return database.RunAsync("SELECT make_windows($1, $2, $3, $4)", cancel, windows.Select(count => count.Key).ToArray(),
            windows.Select(count => count.LimitId).ToArray(), windows.Select(count => count.Weekday).ToArray(), windows.Select(count => CounterKey.WindowStart(count.Key)).ToArray());
    }

    public async Task<IReadOnlyList<SoldCount>> SoldSinceAsync(long sinceMs, CancellationToken cancel)
    {
        await using var database = await reads.OpenAsync(cancel).ConfigureAwait(false);
        var trees = await TreeLists.AllAsync(database, cancel).ConfigureAwait(false);
        return await database.AllAsync("""
            SELECT tier, campaign, at_ms / 1000 * 1000 AS second, count(*)::integer FROM copy
            WHERE trees = ANY($1) AND trees <> '' AND at_ms >= $2 AND state IN (1, 2, 3, 6) AND tier <> '' AND NOT is_test(lead_id)
            GROUP BY tier, campaign, second ORDER BY second, tier, campaign
            """, static row => new SoldCount(row.Text(0), row.Text(1), row.Long(2), row.Int(3)), cancel, trees.ToArray(), sinceMs).ConfigureAwait(false);
    }

    /// <summary>By the leads' ids, whose order is that of their pings: no index of its own.</summary>
    public async Task<IReadOnlyList<KnownPerson>> RecentPersonsAsync(int atMost, CancellationToken cancel) =>
        await reads.AllAsync("SELECT scope, hmac, at_ms FROM person WHERE NOT is_test(lead_id) ORDER BY lead_id DESC LIMIT $1",
            static row => new KnownPerson(row.Text(0), row.Blob(1), row.Long(2)), cancel, atMost).ConfigureAwait(false);

    public void Dispose() => turn.Dispose();
}
