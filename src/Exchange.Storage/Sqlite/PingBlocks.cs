using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Ping records gathered into rows: those of one tenth of a second, by their ids, in blocks of a bounded size. One row for each record would cost
/// the writing thread several times what the record does. A record is found by its id alone, whenever it was written. Writer's thread only.
/// </summary>
internal sealed class PingBlocks(Database database)
{
    /// <summary>A block is read whole to find one record: it is kept small enough for that.</summary>
    private const int FullBytes = 64 * 1024;
    private const int MillisecondsPerSlot = 100;
    private const int SlotBits = 16;

    private readonly Dictionary<long, RecordWriter> open = [];
    private readonly Stack<RecordWriter> free = new();
    private readonly Dictionary<long, long> lastRows = [];

    /// <summary>The first row that may hold records of this moment.</summary>
    public static long RowOf(long unixMilliseconds) => unixMilliseconds / MillisecondsPerSlot << SlotBits;

    /// <summary>Adds one record as it was encoded.</summary>
    public void Add(LeadId id, RecordWriter record)
    {
        var slot = RowOf(id.UnixMilliseconds);
        if (!open.TryGetValue(slot, out var block)) open.Add(slot, block = free.TryPop(out var used) ? used : new());
        block.Id(id);
        block.Bytes(record.Written);
        if (block.Length >= FullBytes) Write(slot, block);
    }

    /// <summary>Writes what is left of this batch.</summary>
    public void Finish()
    {
        foreach (var (slot, block) in open)
        {
            if (block.Length > 0) Write(slot, block);
            free.Push(block);
        }
        open.Clear();
        // A late record's slot is looked up again; there is no need to remember more than the moment.
        lastRows.Clear();
    }

    /// <summary>The batch was undone.</summary>
    public void Forget()
    {
        foreach (var block in open.Values)
        {
            block.Clear();
            free.Push(block);
        }
        open.Clear();
        lastRows.Clear();
    }

    private void Write(long slot, RecordWriter block)
    {
        if (!lastRows.TryGetValue(slot, out var last))
            last = database.Prepare("SELECT max(slot) FROM ping_block WHERE slot >= ? AND slot < ?").Bind(slot).Bind(slot + (1 << SlotBits)).Scalar() ?? slot - 1;
        if (last - slot >= (1 << SlotBits) - 1) throw new InvalidOperationException("more blocks of one moment than there can be");
        database.Prepare("INSERT INTO ping_block (slot, body) VALUES (?, ?)").Bind(last + 1).Bind(block.Written).Run();
        lastRows[slot] = last + 1;
        block.Clear();
    }

    /// <summary>The newest record of this id, or null.</summary>
    public static byte[]? Find(Database database, LeadId id)
    {
        var slot = RowOf(id.UnixMilliseconds);
        return database.Prepare("SELECT body FROM ping_block WHERE slot >= ? AND slot < ? ORDER BY slot DESC").Bind(slot).Bind(slot + (1 << SlotBits))
            .FirstNotNull(row => Find(row.Span(0), id));
    }

    private static byte[]? Find(ReadOnlySpan<byte> block, LeadId id)
    {
        var from = new RecordReader(block);
        ReadOnlySpan<byte> found = default;
        while (!from.IsAtEnd)
        {
            var isIt = from.Id() == id;
            var bytes = from.Bytes();
            if (isIt) found = bytes;
        }
        return found.IsEmpty ? null : found.ToArray();
    }
}
