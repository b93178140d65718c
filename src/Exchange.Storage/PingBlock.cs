using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>
/// Ping records gathered into one block of bytes: id (16 bytes), length, record, and so on. One row for each record would cost the writer several
/// times what the record does.
/// </summary>
internal static class PingBlock
{
    /// <summary>A block is read whole to find one record: it is kept small enough for that.</summary>
    public const int FullBytes = 64 * 1024;

    public const int MillisecondsPerTenth = 100;

    /// <summary>The tenth of a second that an id is of: records of one tenth, by their ids, stand in blocks of their own.</summary>
    public static long TenthOf(long unixMilliseconds) => unixMilliseconds / MillisecondsPerTenth;

    /// <summary>The newest record of this id in the block, or null.</summary>
    public static byte[]? Find(ReadOnlySpan<byte> block, LeadId id)
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

    /// <summary>Adds the block's records from <paramref name="from"/> on and before <paramref name="to"/>; newer ones take an older one's place.</summary>
    public static void Collect(ReadOnlySpan<byte> block, LeadId from, LeadId to, SortedDictionary<LeadId, byte[]> found)
    {
        var reader = new RecordReader(block);
        while (!reader.IsAtEnd)
        {
            var id = reader.Id();
            var bytes = reader.Bytes();
            if (id.CompareTo(from) >= 0 && id.CompareTo(to) < 0) found[id] = bytes.ToArray();
        }
    }

    /// <summary>The block without the records of this id; null if it has none.</summary>
    public static byte[]? Without(ReadOnlySpan<byte> block, LeadId id)
    {
        var from = new RecordReader(block);
        var rest = new RecordWriter();
        var found = false;
        while (!from.IsAtEnd)
        {
            var of = from.Id();
            var record = from.Bytes();
            if (of == id) found = true;
            else
            {
                rest.Id(of);
                rest.Bytes(record);
            }
        }
        return found ? rest.Written.ToArray() : null;
    }
}
