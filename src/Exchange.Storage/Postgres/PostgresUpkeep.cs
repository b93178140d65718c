using Exchange.Engine.Values;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Removes what nothing reads any more. Rows that somebody else has in hand are passed over: several silos may do this at once. Partitions of ping
/// records are made ahead and dropped here too; they are no rows of this count.
/// </summary>
internal sealed class PostgresUpkeep(PostgresChanges changes, NpgsqlDataSource source, TimeSpan keepPings) : IUpkeep
{
    public async Task<UpkeepDone> RunAsync(UpkeepRun run, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(run);
        await PingPartitions.MakeAsync(source, run.NowMs, cancel).ConfigureAwait(false);
        var done = new UpkeepDone(await CountersAsync(run, cancel).ConfigureAwait(false), await PersonsAsync(run, cancel).ConfigureAwait(false), await OffersAsync(run, cancel).ConfigureAwait(false));
        // Last: whoever reads pings for long, a dump say, keeps old ones from being dropped, and nothing else.
        await PingPartitions.DropAsync(source, run.NowMs - (long)keepPings.TotalMilliseconds, cancel).ConfigureAwait(false);
        return done;
    }

    /// <summary>What is held must still find its counter, however late it ends.</summary>
    private Task<int> CountersAsync(UpkeepRun run, CancellationToken cancel) => changes.RunAsync(change => change.Connection.RunAsync("""
        DELETE FROM counter WHERE key IN (
            SELECT c.key FROM cap k JOIN counter c ON c.limit_id = k.id
            WHERE k.kind = 1 AND k.keep_s > 0 AND c.window_start < $1 - k.keep_s AND c.held = 0 ORDER BY c.key LIMIT $2 FOR UPDATE OF c SKIP LOCKED)
        """, cancel, run.NowMs / 1000, run.Rows), cancel);

    private async Task<int> PersonsAsync(UpkeepRun run, CancellationToken cancel)
    {
        // A lead is never younger than its ping, so its id bounds the search.
        var before = LeadId.Create(Math.Max(0, run.PersonsBeforeMs), 0, false, 0);
        return await changes.RunAsync(change => change.Connection.RunAsync("""
            DELETE FROM person WHERE (scope, hmac) IN (
                SELECT scope, hmac FROM person WHERE lead_id < $1 AND at_ms < $2 ORDER BY lead_id LIMIT $3 FOR UPDATE SKIP LOCKED)
            """, cancel, before, run.PersonsBeforeMs, run.Rows), cancel).ConfigureAwait(false);
    }

    /// <summary>Leads that were held at their ping, expired and were never posted: no lead, no money, nothing to remember.</summary>
    private Task<int> OffersAsync(UpkeepRun run, CancellationToken cancel) => changes.RunAsync(async change =>
    {
        var leads = await change.Connection.AllAsync(
            "SELECT lead_id FROM lead WHERE offer_ms > 0 AND offer_ms < $1 AND state = 5 ORDER BY offer_ms LIMIT $2 FOR UPDATE SKIP LOCKED",
            static row => row.Lead(0), cancel, run.OffersBeforeMs, run.Rows).ConfigureAwait(false);
        if (leads.Count == 0) return 0;
        object ids = leads.ToArray();
        await change.Connection.RunAsync("DELETE FROM copy WHERE lead_id = ANY($1)", cancel, ids).ConfigureAwait(false);
        await change.Connection.RunAsync("DELETE FROM delivery WHERE lead_id = ANY($1)", cancel, ids).ConfigureAwait(false);
        return await change.Connection.RunAsync("DELETE FROM lead WHERE lead_id = ANY($1)", cancel, ids).ConfigureAwait(false);
    }, cancel);
}
