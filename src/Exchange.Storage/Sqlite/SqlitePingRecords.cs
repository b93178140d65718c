using System.Diagnostics.CodeAnalysis;
using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Ping records in their own file, written by their own thread every 100 ms or 2,000 records, whichever comes first. In the facts' file they
/// would stall sales; with a flush to disk for each batch they would slow pings for a promise nobody needs.
/// </summary>
internal sealed class SqlitePingRecords : IPingRecords, IAsyncDisposable
{
    private const int RecordsPerBatch = 2_000;
    /// <summary>Blocks of tens of kilobytes: so many at once hold up no record.</summary>
    private const int DeletesPerBatch = 100;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private readonly record struct Entry(PingRecord Record, FieldSet Fields);

    private static readonly Dictionary<LeadId, Entry> None = [];

    private readonly object gate = new();
    private readonly Database database;
    private readonly PingBlocks blocks;
    private readonly RecordWriter record = new();
    private readonly Checkpointer checkpointer;
    private readonly ReadPool reads;
    private readonly Vault vault;
    private readonly TimeProvider time;
    private readonly TimeSpan keep;
    private readonly ILogger logger;
    private readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Dictionary<LeadId, Entry> pending = [];
    private Dictionary<LeadId, Entry> writing = None;
    private Dictionary<LeadId, Entry> spare = [];
    private List<TaskCompletionSource> flushes = [];
    private bool idle;
    private bool closed;
    private long purgedAtMs;

    private SqlitePingRecords(string file, Vault vault, SqliteStoreOptions options)
    {
        database = Database.OpenWriter(file, "NORMAL", 16_384);
        blocks = new PingBlocks(database);
        checkpointer = new Checkpointer(Database.OpenCheckpointer(file, "NORMAL"), "exchange pings log", options.Logger);
        reads = new ReadPool(file);
        this.vault = vault;
        time = options.TimeProvider;
        keep = TimeSpan.FromDays(options.PingRetentionDays);
        logger = options.Logger;
        new Thread(Run) { IsBackground = true, Name = "exchange pings" }.Start();
    }

    public static SqlitePingRecords Open(string file, Vault vault, SqliteStoreOptions options)
    {
        Database.OpenWriter(file, "NORMAL", 1024).Dispose();
        Migrations.Run(file, "Pings", options.Logger);
        return new SqlitePingRecords(file, vault, options);
    }

    public bool TryAppend(PingRecord record, FieldSet fields)
    {
        ArgumentNullException.ThrowIfNull(record);
        lock (gate)
        {
            if (closed || pending.Count >= Limits.PingRecordQueueItems) return false;
            pending[record.Id] = new(record, fields);
            if (idle || pending.Count == RecordsPerBatch) Monitor.Pulse(gate);
            return true;
        }
    }

    public async Task<PingRecord?> FindAsync(LeadId id, CatalogModels models, CancellationToken cancel)
    {
        lock (gate)
        {
            if (pending.TryGetValue(id, out var entry) || writing.TryGetValue(id, out entry)) return entry.Record;
        }
        var body = await reads.ReadAsync(database => PingBlocks.Find(database, id)
            ?? database.Prepare("SELECT body FROM ping WHERE id = ?").Bind(id).First(static row => row.Blob(0)), cancel).ConfigureAwait(false);
        if (body is null) return null;
        var model = await models(PingCodec.CatalogVersionOf(body), cancel).ConfigureAwait(false);
        return PingCodec.Decode(id, body, vault, model);
    }

    public async Task<IReadOnlyList<PingRecord>> ReadAsync(LeadId from, LeadId to, int limit, CatalogModels models, CancellationToken cancel)
    {
        var found = new SortedDictionary<LeadId, PingRecord>();
        // The queue first: what is written meanwhile is then found in both, and not in neither.
        lock (gate)
        {
            foreach (var batch in (ReadOnlySpan<Dictionary<LeadId, Entry>>)[pending, writing])
                foreach (var (id, entry) in batch) if (id.CompareTo(from) >= 0 && id.CompareTo(to) < 0) found[id] = entry.Record;
        }
        var rows = await reads.ReadAsync(database =>
        {
            var written = PingBlocks.Between(database, from, to, limit);
            foreach (var (id, body) in database.Prepare("SELECT id, body FROM ping WHERE id >= ? AND id < ? ORDER BY id LIMIT ?")
                .Bind(from).Bind(to).Bind(limit).All(static row => (LeadId.FromBytes(row.Blob(0)), row.Blob(1)))) written.TryAdd(id, body);
            return written;
        }, cancel).ConfigureAwait(false);
        foreach (var (id, body) in rows.Take(limit))
        {
            if (found.ContainsKey(id)) continue;
            var model = await models(PingCodec.CatalogVersionOf(body), cancel).ConfigureAwait(false);
            found[id] = PingCodec.Decode(id, body, vault, model);
        }
        return [.. found.Values.Take(limit)];
    }

    public Task FlushAsync(CancellationToken cancel)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (closed) throw new StorageBusyException("The store is closing");
            flushes.Add(done);
            Monitor.Pulse(gate);
        }
        return done.Task.WaitAsync(cancel);
    }

    private void Run()
    {
        while (true)
        {
            List<TaskCompletionSource> waiters;
            bool last;
            lock (gate)
            {
                if (pending.Count == 0 && flushes.Count == 0 && !closed)
                {
                    idle = true;
                    Monitor.Wait(gate, Idle);
                    idle = false;
                }
                if (pending.Count is > 0 and < RecordsPerBatch && flushes.Count == 0 && !closed) Monitor.Wait(gate, Gather);
                // Swapped, not copied: every ping waits for this lock. A failed batch went back into the queue, so nothing is left in it.
                (writing, pending) = (pending, spare);
                (waiters, flushes) = (flushes, []);
                last = closed;
            }
            var written = Write();
            Dictionary<LeadId, Entry> batch;
            lock (gate)
            {
                batch = writing;
                writing = None;
                if (!written)
                {
                    // Back into the bounded queue, so that a full disk refuses offers instead of filling memory.
                    foreach (var (id, entry) in batch) pending.TryAdd(id, entry);
                    if (!last && !closed) Monitor.Wait(gate, AfterFailure);
                }
            }
            // Its room is used again; nobody reads it any more.
            batch.Clear();
            spare = batch;
            foreach (var waiter in waiters)
                if (written) waiter.TrySetResult();
                else waiter.TrySetException(new StorageBusyException("Ping records cannot be written now"));
            if (last) break;
            checkpointer.AfterCommit(database);
        }
        stopped.SetResult();
    }

    [SuppressMessage("Design", "CA1031", Justification = "A thread that ends would lose every record after; the failure is logged and the batch kept.")]
    private bool Write()
    {
        try
        {
            var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            var purge = nowMs - purgedAtMs >= Idle.TotalMilliseconds;
            if (writing.Count == 0 && !purge) return true;
            database.Execute("BEGIN IMMEDIATE");
            foreach (var (id, entry) in writing) if (Encode(entry)) blocks.Add(id, record);
            blocks.Finish();
            // A full batch: there is more, and the next write goes on with it.
            if (purge && Purge(Math.Max(0, nowMs - (long)keep.TotalMilliseconds)) < DeletesPerBatch) purgedAtMs = nowMs;
            database.Execute("COMMIT");
            return true;
        }
        catch (Exception exception)
        {
            logger.LogError(exception, "{Count} ping records were not written; they are tried again", writing.Count);
            blocks.Forget();
            try { if (database.InTransaction) database.Execute("ROLLBACK"); }
            catch (Microsoft.Data.Sqlite.SqliteException rollback) { logger.LogError(rollback, "The ping records' transaction could not be rolled back"); }
            return false;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "One record that cannot be written is a bug; it must not hold back all the others.")]
    private bool Encode(Entry entry)
    {
        try
        {
            record.Clear();
            PingCodec.Encode(entry.Record, entry.Fields, vault, record);
            return true;
        }
        catch (Exception exception)
        {
            logger.LogError(exception, "A ping record could not be encoded and is lost");
            return false;
        }
    }

    /// <summary>Deletes the oldest, not many at a time; returns how many rows.</summary>
    private int Purge(long oldestMs)
    {
        var blocksGone = database.Prepare("DELETE FROM ping_block WHERE slot IN (SELECT slot FROM ping_block WHERE slot < ? ORDER BY slot LIMIT ?)")
            .Bind(PingBlocks.RowOf(oldestMs)).Bind(DeletesPerBatch).Run();
        return Math.Max(blocksGone, database.Prepare("DELETE FROM ping WHERE id IN (SELECT id FROM ping WHERE id < ? ORDER BY id LIMIT ?)")
            .Bind(LeadId.Create(oldestMs, 0, false, 0)).Bind(DeletesPerBatch).Run());
    }

    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            closed = true;
            Monitor.PulseAll(gate);
        }
        await stopped.Task.ConfigureAwait(false);
        checkpointer.Dispose();
        await checkpointer.Stopped.ConfigureAwait(false);
        reads.Dispose();
        database.Dispose();
    }
}
