using Exchange.Engine;
using Exchange.Engine.Values;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Overwrites what tells who somebody is, in one transaction; the ping's record in the same. Row versions from before are on disk until the
/// database has vacuumed them and its log has been recycled: docs/backup.md says how soon.
/// </summary>
internal sealed class PostgresErasures(PostgresChanges changes, PostgresSuppressions suppressions, IPingRecords pings, TimeProvider time) : IErasures
{
    /// <summary>The record of a ping so old is written, whichever silo it came to and however long its bidders thought.</summary>
    private const long WrittenAfterMs = 15_000;
    /// <summary>A silo's clock may be ahead of this one's by so much; an id that somebody made up may be of any time to come.</summary>
    private const long ClocksApartMs = 2_000;

    /// <summary>Usually a record is written after a tenth of a second; after a write that failed once, a second later.</summary>
    private static readonly TimeSpan Writes = TimeSpan.FromSeconds(2);

    public async Task<bool> EraseAsync(LeadErasure erasure, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(erasure);
        await pings.FlushAsync(cancel).ConfigureAwait(false);
        var isErased = await changes.RunAsync(async change =>
        {
            var database = change.Connection;
            var lead = await database.FirstAsync("SELECT sealed, answer FROM lead WHERE lead_id = $1 FOR UPDATE", static row => (Sealed: row.Blob(0), Answer: row.BlobOrNull(1)), cancel, erasure.Lead).ConfigureAwait(false);
            // After a commit whose reply was lost its own line says that it is done, and then the lead is not as it was read any more.
            if (change.MayBeDone && await database.FirstAsync("SELECT true FROM audit WHERE at_ms = $1 AND who = $2 AND action = 'lead.erase' AND target = $3", static row => row.Bool(0), cancel,
                erasure.AtMs, erasure.Who, erasure.Lead.ToString()).ConfigureAwait(false)) return true;
            if (erasure.Read?.Is(lead.Sealed ?? [], lead.Answer) == false) return false;
            await database.RunAsync("UPDATE lead SET sealed = '', answer = $1 WHERE lead_id = $2", cancel, erasure.Answer, erasure.Lead).ConfigureAwait(false);
            await database.RunAsync("UPDATE copy SET redirect_url = NULL, buyer_ref = NULL WHERE lead_id = $1 AND (redirect_url IS NOT NULL OR buyer_ref IS NOT NULL)", cancel, erasure.Lead).ConfigureAwait(false);
            await database.RunAsync("UPDATE copy_return SET sealed = '' WHERE lead_id = $1", cancel, erasure.Lead).ConfigureAwait(false);
            await database.RunAsync("UPDATE copy_disposition SET sealed = NULL WHERE lead_id = $1", cancel, erasure.Lead).ConfigureAwait(false);
            // What is on its way to a buyer that has the copy already stops; a copy that is held or in doubt ends by its answer or its operator.
            await database.RunAsync("""
                UPDATE delivery d SET status = 5, error = 'cancelled', changed_ms = $1 FROM copy c
                WHERE d.lead_id = $2 AND d.status = 1 AND c.lead_id = d.lead_id AND c.no = d.no AND c.state = 3
                """, cancel, erasure.AtMs, erasure.Lead).ConfigureAwait(false);
            await database.RunAsync("UPDATE postback SET status = 5, error = 'cancelled', changed_ms = $1 WHERE lead_id = $2 AND status = 1", cancel, erasure.AtMs, erasure.Lead).ConfigureAwait(false);
            // It would wait for nothing.
            await database.RunAsync("UPDATE delivery SET due_at = $1, fence = fence + 1 WHERE lead_id = $2 AND status = 1 AND wait IN (1, 2)", cancel, erasure.AtMs, erasure.Lead).ConfigureAwait(false);
            await database.RunAsync("UPDATE lead_wait SET due_at = $1, fence = fence + 1 WHERE lead_id = $2 AND due_at IS NOT NULL", cancel, erasure.AtMs, erasure.Lead).ConfigureAwait(false);
            await ForgetPingAsync(database, erasure.Lead, cancel).ConfigureAwait(false);
            await database.RunAsync("INSERT INTO suppressed (hmac, lead_id, at_ms) SELECT t.hmac, $2, $3 FROM unnest($1) AS t (hmac) ORDER BY t.hmac ON CONFLICT DO NOTHING",
                cancel, erasure.Suppress.ToArray(), erasure.Lead, erasure.AtMs).ConfigureAwait(false);
            await database.RunAsync("INSERT INTO audit (at_ms, who, action, target, detail) VALUES ($1, $2, 'lead.erase', $3, NULL)",
                cancel, erasure.AtMs, erasure.Who, erasure.Lead.ToString()).ConfigureAwait(false);
            return true;
        }, cancel).ConfigureAwait(false);
        if (!isErased) return false;
        FaultPoints.AfterErasure.Pass();
        foreach (var hmac in erasure.Suppress) suppressions.Add(hmac);
        // The record of a ping of just now may still be queued at another silo, and is written after it was taken away.
        var age = time.GetUtcNow().ToUnixTimeMilliseconds() - erasure.Lead.UnixMilliseconds;
        if (age is > -ClocksApartMs and < WrittenAfterMs)
        {
            await Task.Delay(Writes, time, cancel).ConfigureAwait(false);
            await changes.RunAsync(async change =>
            {
                await ForgetPingAsync(change.Connection, erasure.Lead, cancel).ConfigureAwait(false);
                return true;
            }, cancel).ConfigureAwait(false);
        }
        return true;
    }

    /// <summary>The blocks of the id's tenth of a second and no others can hold its record.</summary>
    private static async Task ForgetPingAsync(NpgsqlConnection database, LeadId id, CancellationToken cancel)
    {
        var blocks = await database.AllAsync("SELECT slot, seq, body FROM ping_block WHERE slot = $1 ORDER BY seq FOR UPDATE", static row => (row.Long(0), row.Long(1), row.Blob(2)), cancel,
            PingBlock.TenthOf(id.UnixMilliseconds)).ConfigureAwait(false);
        foreach (var (slot, seq, body) in blocks)
        {
            if (PingBlock.Without(body, id) is not { } rest) continue;
            if (rest.Length == 0) await database.RunAsync("DELETE FROM ping_block WHERE slot = $1 AND seq = $2", cancel, slot, seq).ConfigureAwait(false);
            else await database.RunAsync("UPDATE ping_block SET body = $1 WHERE slot = $2 AND seq = $3", cancel, rest, slot, seq).ConfigureAwait(false);
        }
    }
}
