using System.Diagnostics.CodeAnalysis;
using Exchange.Engine.Fields;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Ping records in their own file. In the facts' file they would stall sales; with a flush to disk for each batch they would slow pings for a
/// promise nobody needs.
/// </summary>
internal sealed class SqlitePingRecords : IPingRecords, IAsyncDisposable
{
    /// <summary>Blocks of tens of kilobytes: so many at once hold up no record.</summary>
    private const int DeletesPerBatch = 100;

    private readonly Database database;
    private readonly PingBlockRows rows;
    private readonly PingBlocks blocks;
    private readonly Checkpointer checkpointer;
    private readonly ReadPool reads;
    private readonly Vault vault;
    private readonly TimeProvider time;
    private readonly TimeSpan keep;
    private readonly ILogger logger;
    private readonly PingQueue queue;
    private long purgedAtMs;

    private SqlitePingRecords(string file, Vault vault, SqliteStoreOptions options)
    {
        database = Database.OpenWriter(file, "NORMAL", 4_096);
        rows = new PingBlockRows(database);
        blocks = new PingBlocks(rows.Write);
        checkpointer = new Checkpointer(Database.OpenCheckpointer(file, "NORMAL"), "exchange pings log", options.Logger);
        reads = new ReadPool(file);
        this.vault = vault;
        time = options.TimeProvider;
        keep = TimeSpan.FromDays(options.PingRetentionDays);
        logger = options.Logger;
        queue = new PingQueue(Write, () => checkpointer.AfterCommit(database), time);
    }

    public static SqlitePingRecords Open(string file, Vault vault, SqliteStoreOptions options)
    {
        Database.OpenWriter(file, "NORMAL", 1024).Dispose();
        Migrations.Run(file, "Pings", options.Logger);
        return new SqlitePingRecords(file, vault, options);
    }

    public bool TryAppend(PingRecord record, FieldSet fields, out byte[] bytes)
    {
        bytes = PingCodec.Encode(record, fields, vault);
        return queue.TryAppend(record.Id, bytes);
    }

    public Task FlushAsync(CancellationToken cancel) => queue.FlushAsync(cancel);

    public async Task<PingRecord?> FindAsync(LeadId id, CatalogModels models, CancellationToken cancel)
    {
        var body = queue.Find(id) ?? await reads.ReadAsync(database => PingBlockRows.Find(database, id)
            ?? database.Prepare("SELECT body FROM ping WHERE id = ?").Bind(id).First(static row => row.Blob(0)), cancel).ConfigureAwait(false);
        return body is null ? null : await PingCodec.DecodeAsync(id, body, vault, models, cancel).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<PingRecord>> ReadAsync(LeadId from, LeadId to, int limit, CatalogModels models, CancellationToken cancel)
    {
        // The queue first: what is written meanwhile is then found in both, and not in neither.
        var found = queue.Between(from, to);
        var stored = await reads.ReadAsync(database =>
        {
            var written = PingBlockRows.Between(database, from, to, limit);
            foreach (var (id, body) in database.Prepare("SELECT id, body FROM ping WHERE id >= ? AND id < ? ORDER BY id LIMIT ?")
                .Bind(from).Bind(to).Bind(limit).All(static row => (LeadId.FromBytes(row.Blob(0)), row.Blob(1)))) written.TryAdd(id, body);
            return written;
        }, cancel).ConfigureAwait(false);
        foreach (var (id, body) in stored.Take(limit)) found.TryAdd(id, body);
        return await PingCodec.DecodeAsync(found.Take(limit), vault, models, cancel).ConfigureAwait(false);
    }

    [SuppressMessage("Design", "CA1031", Justification = "A thread that ends would lose every record after; the failure is logged and the batch kept.")]
    private bool Write(IReadOnlyDictionary<LeadId, byte[]> batch)
    {
        try
        {
            var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            var purge = nowMs - purgedAtMs >= PingQueue.Idle.TotalMilliseconds;
            if (batch.Count == 0 && !purge) return true;
            database.Execute("BEGIN IMMEDIATE");
            blocks.Write(batch);
            rows.Forget();
            // A full batch: there is more, and the next write goes on with it.
            if (purge && Purge(Math.Max(0, nowMs - (long)keep.TotalMilliseconds)) < DeletesPerBatch) purgedAtMs = nowMs;
            database.Execute("COMMIT");
            return true;
        }
        catch (Exception exception)
        {
            logger.LogError(exception, "{Count} ping records were not written; they are tried again", batch.Count);
            blocks.Forget();
            rows.Forget();
            try { if (database.InTransaction) database.Execute("ROLLBACK"); }
            catch (Microsoft.Data.Sqlite.SqliteException rollback) { logger.LogError(rollback, "The ping records' transaction could not be rolled back"); }
            return false;
        }
    }

    /// <summary>Deletes the oldest, not many at a time; returns how many rows.</summary>
    private int Purge(long oldestMs)
    {
        var blocksGone = database.Prepare("DELETE FROM ping_block WHERE slot IN (SELECT slot FROM ping_block WHERE slot < ? ORDER BY slot LIMIT ?)")
            .Bind(PingBlockRows.RowOf(oldestMs)).Bind(DeletesPerBatch).Run();
        return Math.Max(blocksGone, database.Prepare("DELETE FROM ping WHERE id IN (SELECT id FROM ping WHERE id < ? ORDER BY id LIMIT ?)")
            .Bind(LeadId.Create(oldestMs, 0, false, 0)).Bind(DeletesPerBatch).Run());
    }

    public async ValueTask DisposeAsync()
    {
        await queue.CloseAsync().ConfigureAwait(false);
        checkpointer.Dispose();
        await checkpointer.Stopped.ConfigureAwait(false);
        reads.Dispose();
        database.Dispose();
    }
}
