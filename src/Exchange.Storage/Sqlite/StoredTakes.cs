
namespace Exchange.Storage.Sqlite;

/// <summary>The takes a copy keeps: pairs of counter id and amount as varints. Takes of nothing (gates) are not kept.</summary>
internal static class StoredTakes
{
    public static byte[] Write(List<(long Counter, long Amount)> takes)
    {
        if (takes.Count == 0) return [];
        var buffer = new byte[takes.Count * 20];
        var length = 0;
        foreach (var (counter, amount) in takes)
        {
            length += Varint.Write(buffer.AsSpan(length), (ulong)counter);
            length += Varint.Write(buffer.AsSpan(length), (ulong)amount);
        }
        return buffer[..length];
    }

    public static List<(long Counter, long Amount)> Read(ReadOnlySpan<byte> bytes)
    {
        List<(long, long)> takes = [];
        while (!bytes.IsEmpty)
        {
            var counter = Varint.Read(ref bytes);
            var amount = Varint.Read(ref bytes);
            takes.Add(((long)counter, (long)amount));
        }
        return takes;
    }
}
