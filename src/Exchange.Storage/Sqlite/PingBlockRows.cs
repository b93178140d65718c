using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// The rows of blocks: by the tenth of a second of their records' ids, numbered within it. A record is found by its id alone, whenever it was written.
/// </summary>
internal sealed class PingBlockRows(Database database)
{
    private const int SlotBits = 16;

    private readonly Dictionary<long, long> lastRows = [];

    /// <summary>The first row that may hold records of this moment.</summary>
    public static long RowOf(long unixMilliseconds) => PingBlock.TenthOf(unixMilliseconds) << SlotBits;

    /// <summary>Writer's thread only.</summary>
    public void Write(long tenth, ReadOnlySpan<byte> block)
    {
        var slot = tenth << SlotBits;
        if (!lastRows.TryGetValue(slot, out var last))
            last = database.Prepare("SELECT max(slot) FROM ping_block WHERE slot >= ? AND slot < ?").Bind(slot).Bind(slot + (1 << SlotBits)).Scalar() ?? slot - 1;
        if (last - slot >= (1 << SlotBits) - 1) throw new InvalidOperationException("more blocks of one moment than there can be");
        database.Prepare("INSERT INTO ping_block (slot, body) VALUES (?, ?)").Bind(last + 1).Bind(block).Run();
        lastRows[slot] = last + 1;
    }

    /// <summary>The batch is written or undone. A late record's slot is looked up again; there is no need to remember more than the moment.</summary>
    public void Forget() => lastRows.Clear();

    /// <summary>The newest record of this id, or null.</summary>
    public static byte[]? Find(Database database, LeadId id)
    {
        var slot = RowOf(id.UnixMilliseconds);
        return database.Prepare("SELECT body FROM ping_block WHERE slot >= ? AND slot < ? ORDER BY slot DESC").Bind(slot).Bind(slot + (1 << SlotBits))
            .FirstNotNull(row => PingBlock.Find(row.Span(0), id));
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
                PingBlock.Collect(body, from, to, found);
            if (found.Count >= atLeast) break;
        }
        return found;
    }
}
