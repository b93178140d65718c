using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Removes what nothing reads any more. What may go is looked for on a reading connection, so that sales wait only for the few deletions.
/// </summary>
internal sealed class SqliteUpkeep(Writer writer, ReadPool reads) : IUpkeep
{
    public async Task<UpkeepDone> RunAsync(UpkeepRun run, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(run);
        return new(await CountersAsync(run, cancel).ConfigureAwait(false), await PersonsAsync(run, cancel).ConfigureAwait(false), await OffersAsync(run, cancel).ConfigureAwait(false));
    }

    /// <summary>What is held must still find its counter, however late it ends; what comes back gives to the one it took from or, gone, to none.</summary>
    private async Task<int> CountersAsync(UpkeepRun run, CancellationToken cancel)
    {
        var old = await reads.ReadAsync(database => database.Prepare("""
            SELECT c.id FROM cap k CROSS JOIN counter c ON c.limit_id = k.id
            WHERE k.kind = 1 AND k.keep_s > 0 AND c.window_start < ? - k.keep_s AND c.held = 0 LIMIT ?
            """).Bind(run.NowMs / 1000).Bind(run.Rows).All(static row => row.Long(0)), cancel).ConfigureAwait(false);
        if (old.Count == 0) return 0;
        return await writer.RunAsync(session => old.Sum(id => session.Database.Prepare("DELETE FROM counter WHERE id = ? AND held = 0").Bind(id).Run()), cancel)
            .ConfigureAwait(false);
    }

    private async Task<int> PersonsAsync(UpkeepRun run, CancellationToken cancel)
    {
        // A lead is never younger than its ping, so its id bounds the search.
        var before = LeadId.Create(Math.Max(0, run.PersonsBeforeMs), 0, false, 0);
        var old = await reads.ReadAsync(database => database.Prepare("SELECT scope, hmac FROM person WHERE lead_id < ? AND at_ms < ? ORDER BY lead_id LIMIT ?")
            .Bind(before).Bind(run.PersonsBeforeMs).Bind(run.Rows).All(static row => (Scope: row.Text(0), Hmac: row.Blob(1))), cancel).ConfigureAwait(false);
        if (old.Count == 0) return 0;
        return await writer.RunAsync(session => old.Sum(person => session.Database
            .Prepare("DELETE FROM person WHERE scope = ? AND hmac = ? AND at_ms < ?").Bind(person.Scope).Bind(person.Hmac).Bind(run.PersonsBeforeMs).Run()), cancel)
            .ConfigureAwait(false);
    }

    /// <summary>Leads that were held at their ping, expired and were never posted: no lead, no money, nothing to remember.</summary>
    private async Task<int> OffersAsync(UpkeepRun run, CancellationToken cancel)
    {
        var old = await reads.ReadAsync(database => database.Prepare("SELECT lead_id FROM lead WHERE offer_ms > 0 AND offer_ms < ? AND state = 5 LIMIT ?")
            .Bind(run.OffersBeforeMs).Bind(run.Rows).All(static row => row.Lead(0)), cancel).ConfigureAwait(false);
        if (old.Count == 0) return 0;
        return await writer.RunAsync(session =>
        {
            var gone = 0;
            foreach (var lead in old)
            {
                if (session.Database.Prepare("DELETE FROM lead WHERE lead_id = ? AND offer_ms > 0 AND state = 5").Bind(lead).Run() == 0) continue;
                session.Database.Prepare("DELETE FROM copy WHERE lead_id = ?").Bind(lead).Run();
                session.Database.Prepare("DELETE FROM delivery WHERE lead_id = ?").Bind(lead).Run();
                gone++;
            }
            return gone;
        }, cancel).ConfigureAwait(false);
    }
}
