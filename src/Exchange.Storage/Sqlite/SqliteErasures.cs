using Exchange.Engine;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Overwrites what tells who somebody is. The connection that writes zeroes what it frees (secure_delete), so what is left of it is in pages that
/// wait in the log and in the file's older pages; a checkpoint moves the first over the second and cuts the log.
/// </summary>
internal sealed class SqliteErasures(Writer writer, SqliteSuppressions suppressions, IPingRecords pings, string factsFile, string pingsFile, ILogger logger) : IErasures
{
    private const int Cuts = 20;
    private const string PatienceWithReaders = "PRAGMA busy_timeout = 25";
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(100);

    public async Task<bool> EraseAsync(LeadErasure erasure, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(erasure);
        if (!await writer.RunAsync(session => Erase(session.Database, erasure), cancel).ConfigureAwait(false)) return false;
        FaultPoints.AfterErasure.Pass();
        foreach (var hmac in erasure.Suppress) suppressions.Add(hmac);
        // From here on the lead is erased; who asks again finds the rest done or does it.
        await pings.FlushAsync(cancel).ConfigureAwait(false);
        await Task.Run(() => PingErasure.Remove(pingsFile, erasure.Lead), cancel).ConfigureAwait(false);
        await CutAsync(factsFile, "FULL", cancel).ConfigureAwait(false);
        await CutAsync(pingsFile, "NORMAL", cancel).ConfigureAwait(false);
        return true;
    }

    private static bool Erase(Database database, LeadErasure erasure)
    {
        var lead = database.Prepare("SELECT sealed, answer FROM lead WHERE lead_id = ?").Bind(erasure.Lead).First(static row => (Sealed: row.Blob(0), Answer: row.BlobOrNull(1)));
        if (erasure.Read?.Is(lead.Sealed ?? [], lead.Answer) == false) return false;
        database.Prepare("UPDATE lead SET sealed = zeroblob(0), answer = ? WHERE lead_id = ?").Bind(erasure.Answer).Bind(erasure.Lead).Run();
        database.Prepare("UPDATE copy SET redirect_url = NULL, buyer_ref = NULL WHERE lead_id = ? AND (redirect_url IS NOT NULL OR buyer_ref IS NOT NULL)").Bind(erasure.Lead).Run();
        database.Prepare("UPDATE copy_return SET sealed = zeroblob(0) WHERE lead_id = ?").Bind(erasure.Lead).Run();
        database.Prepare("UPDATE copy_disposition SET sealed = NULL WHERE lead_id = ?").Bind(erasure.Lead).Run();
        // What is on its way to a buyer that has the copy already stops; a copy that is held or in doubt ends by its answer or its operator.
        database.Prepare("""
            UPDATE delivery SET status = 5, error = 'cancelled', changed_ms = ? WHERE lead_id = ? AND status = 1
              AND (SELECT c.state FROM copy c WHERE c.lead_id = delivery.lead_id AND c.no = delivery.no) = 3
            """).Bind(erasure.AtMs).Bind(erasure.Lead).Run();
        database.Prepare("UPDATE postback SET status = 5, error = 'cancelled', changed_ms = ? WHERE lead_id = ? AND status = 1").Bind(erasure.AtMs).Bind(erasure.Lead).Run();
        // It would wait for nothing.
        database.Prepare("UPDATE delivery SET due_at = ?, fence = fence + 1 WHERE lead_id = ? AND status = 1 AND wait IN (1, 2)").Bind(erasure.AtMs).Bind(erasure.Lead).Run();
        database.Prepare("UPDATE lead_wait SET due_at = ?, fence = fence + 1 WHERE lead_id = ? AND due_at IS NOT NULL").Bind(erasure.AtMs).Bind(erasure.Lead).Run();
        foreach (var hmac in erasure.Suppress)
            database.Prepare("INSERT INTO suppressed (hmac, lead_id, at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING").Bind(hmac).Bind(erasure.Lead).Bind(erasure.AtMs).Run();
        database.Prepare("INSERT INTO audit (at_ms, who, action, target, detail) VALUES (?, ?, 'lead.erase', ?, NULL)")
            .Bind(erasure.AtMs).Bind(erasure.Who).Bind(erasure.Lead.ToString()).Run();
        return true;
    }

    /// <summary>A reader that still looks at an older moment keeps its pages; it is soon gone.</summary>
    private async Task CutAsync(string file, string synchronous, CancellationToken cancel)
    {
        for (var i = 0; i < Cuts; i++)
        {
            if (await Task.Run(() => TryCut(file, synchronous), cancel).ConfigureAwait(false)) return;
            await Task.Delay(AgainAfter, cancel).ConfigureAwait(false);
        }
        logger.LogWarning("The log of {File} could not be cut after an erasure: it is cut with a later one, or at the next start", Path.GetFileName(file));
    }

    /// <summary>A checkpoint that waits for a reader (a backup reads for minutes) keeps the writer's lock meanwhile: so it hardly waits, and comes again.</summary>
    private static bool TryCut(string file, string synchronous)
    {
        using var database = Database.OpenCheckpointer(file, synchronous);
        database.Execute(PatienceWithReaders);
        return database.Prepare("PRAGMA wal_checkpoint(TRUNCATE)").First(static row => row.Long(0)) == 0;
    }
}
