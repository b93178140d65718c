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
    public const int MillisecondsPerSlot = 100;
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

    /// <summary>Records by id, the first of them from <paramref name="from"/> on and before <paramref name="to"/>: at least so many if there are, and the newest of each id.</summary>
    public static SortedDictionary<LeadId, byte[]> Between(Database database, LeadId from, LeadId to, int atLeast)
    {
        var found = new SortedDictionary<LeadId, byte[]>();
        var end = RowOf(to.UnixMilliseconds) + (1 << SlotBits);
        for (var slot = RowOf(from.UnixMilliseconds); slot < end;)
        {
            // Blocks of one moment stand in no order of their ids: all of them are read before it is enough.
            var next = database.Prepare("SELECT slot FROM ping_block WHERE slot >= ? AND slot < ? ORDER BY slot LIMIT 1").Bind(slot).Bind(end).Scalar();
            if (next is not { } first) break;
            slot = (first >> SlotBits) + 1 << SlotBits;
            foreach (var body in database.Prepare("SELECT body FROM ping_block WHERE slot >= ? AND slot < ? ORDER BY slot").Bind(first).Bind(slot).All(static row => row.Blob(0)))
                Collect(body, from, to, found);
            if (found.Count >= atLeast) break;
        }
        return found;
    }

    private static void Collect(ReadOnlySpan<byte> block, LeadId from, LeadId to, SortedDictionary<LeadId, byte[]> found)
    {
        var reader = new RecordReader(block);
        while (!reader.IsAtEnd)
        {
            var id = reader.Id();
            var bytes = reader.Bytes();
            if (id.CompareTo(from) >= 0 && id.CompareTo(to) < 0) found[id] = bytes.ToArray();
        }
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
