using System.Diagnostics.CodeAnalysis;
using Exchange.Engine.Fields;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Ping records in day partitions, written by a thread and a connection of their own whose commits do not wait for the disk: a crash of the database may
/// lose the last fraction of a second, and sales never queue behind pings. Every silo reads what any silo wrote.
/// </summary>
internal sealed class PostgresPingRecords : IPingRecords, IAsyncDisposable
{
    /// <summary>As the journal's: what takes longer has most likely lost its connection without a word, and is written on another.</summary>
    private const int TimeoutSeconds = 10;

    private readonly NpgsqlDataSource writes;
    private readonly NpgsqlDataSource reads;
    private readonly PingBlocks blocks;
    private readonly Vault vault;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly PingQueue queue;
    private readonly HashSet<long> days = [];
    private readonly List<long> slots = [];
    private readonly List<byte[]> bodies = [];
    private NpgsqlConnection? connection;
    private bool hasBegun;

    /// <param name="connectionString">Of the database; the writer takes one connection of it.</param>
    /// <param name="reads">Where records are read.</param>
    public PostgresPingRecords(string connectionString, NpgsqlDataSource reads, Vault vault, TimeProvider time, ILogger logger)
    {
        var own = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, ApplicationName = "exchange pings", CommandTimeout = TimeoutSeconds };
        own.Options = (own.Options + " -c synchronous_commit=off -c lock_timeout=3s").Trim();
        PostgresDatabase.NoticeALostMachine(own);
        writes = PostgresDatabase.Source(own);
        this.reads = reads;
        this.vault = vault;
        this.time = time;
        this.logger = logger;
        blocks = new PingBlocks((tenth, block) =>
        {
            slots.Add(tenth);
            bodies.Add(block.ToArray());
        });
        queue = new PingQueue(Write, static () => { }, time);
    }

    public bool TryAppend(PingRecord record, FieldSet fields, out byte[] bytes)
    {
        bytes = PingCodec.Encode(record, fields, vault);
        return queue.TryAppend(record.Id, bytes);
    }

    public Task FlushAsync(CancellationToken cancel) => queue.FlushAsync(cancel);

    public async Task<PingRecord?> FindAsync(LeadId id, CatalogModels models, CancellationToken cancel)
    {
        var found = queue.Find(id);
        if (found is null)
            foreach (var (_, block) in await BlocksAsync("WHERE slot = $1 ORDER BY seq", cancel, PingBlock.TenthOf(id.UnixMilliseconds)).ConfigureAwait(false))
                found = PingBlock.Find(block, id) ?? found;
        return found is null ? null : await PingCodec.DecodeAsync(id, found, vault, models, cancel).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<PingRecord>> ReadAsync(LeadId from, LeadId to, int limit, CatalogModels models, CancellationToken cancel)
    {
        // The queue first: what is written meanwhile is then found in both, and not in neither.
        var found = queue.Between(from, to);
        var stored = new SortedDictionary<LeadId, byte[]>();
        var (slot, end) = (PingBlock.TenthOf(from.UnixMilliseconds), PingBlock.TenthOf(to.UnixMilliseconds));
        while (slot <= end && stored.Count < limit)
        {
            // Blocks of one moment stand in no order of their ids: all of them are read before it is enough.
            var some = await BlocksAsync(
                "WHERE slot = (SELECT min(slot) FROM ping_block WHERE slot BETWEEN $1 AND $2) ORDER BY seq", cancel, slot, end).ConfigureAwait(false);
            if (some.Count == 0) break;
            foreach (var (_, block) in some) PingBlock.Collect(block, from, to, stored);
            slot = some[0].Slot + 1;
        }
        foreach (var (id, body) in stored.Take(limit)) found.TryAdd(id, body);
        return await PingCodec.DecodeAsync(found.Take(limit), vault, models, cancel).ConfigureAwait(false);
    }

    private Task<List<(long Slot, byte[] Block)>> BlocksAsync(string where, CancellationToken cancel, params object[] values) =>
        reads.AllAsync("SELECT slot, body FROM ping_block " + where, static row => (row.Long(0), row.Blob(1)), cancel, values);

    [SuppressMessage("Design", "CA1031", Justification = "A thread that ends would lose every record after; the failure is logged and the batch kept.")]
    private bool Write(IReadOnlyDictionary<LeadId, byte[]> batch)
    {
        // The first is of nothing, and goes the whole way: connection, partition and statement are there when the first record comes.
        if (batch.Count == 0 && hasBegun) return true;
        hasBegun = true;
        try
        {
            blocks.Write(batch);
            connection ??= writes.OpenConnection();
            IEnumerable<long> needed = batch.Count == 0 ? [PingPartitions.DayOf(time.GetUtcNow().ToUnixTimeMilliseconds())] : slots.Select(static slot => PingPartitions.DayOfTenth(slot)).Distinct();
            foreach (var day in needed.Where(day => !days.Contains(day)).ToList())
            {
                PingPartitions.Make(connection, day);
                days.Add(day);
            }
            using var insert = new NpgsqlCommand("INSERT INTO ping_block (slot, body) SELECT t.slot, t.body FROM unnest($1, $2) WITH ORDINALITY AS t (slot, body, no) ORDER BY t.no", connection);
            insert.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint, Value = slots });
            insert.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea, Value = bodies });
            insert.ExecuteNonQuery();
            return true;
        }
        catch (Exception exception)
        {
            if (batch.Count > 0) logger.LogError(exception, "{Count} ping records were not written; they are tried again", batch.Count);
            blocks.Forget();
            // A partition may have been dropped meanwhile, and the connection may be the reason. Written twice is read once.
            days.Clear();
            connection?.Dispose();
            connection = null;
            return false;
        }
        finally
        {
            slots.Clear();
            bodies.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await queue.CloseAsync().ConfigureAwait(false);
        if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
        await writes.DisposeAsync().ConfigureAwait(false);
    }
}
