using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Exchange.Storage.Sqlite;

/// <summary>All of them in memory: this process is the only one that writes them, and they are few. Of a hash half is kept.</summary>
internal sealed class SqliteSuppressions : ISuppressions
{
    private readonly ConcurrentDictionary<UInt128, byte> known = new();

    /// <param name="database">Any connection; read once.</param>
    public SqliteSuppressions(Database database)
    {
        foreach (var hmac in database.Prepare("SELECT hmac FROM suppressed").All(static row => row.Blob(0))) Add(hmac);
    }

    /// <summary>After it is durable.</summary>
    public void Add(ReadOnlySpan<byte> hmac) => known[Half(hmac)] = 0;

    public bool Knows(ReadOnlySpan<byte> hmac) => known.ContainsKey(Half(hmac));

    public ValueTask<bool> AnyAsync(IReadOnlyList<byte[]> hmacs, CancellationToken cancel)
    {
        foreach (var hmac in hmacs) if (Knows(hmac)) return new(true);
        return new(false);
    }

    private static UInt128 Half(ReadOnlySpan<byte> hmac) => BinaryPrimitives.ReadUInt128BigEndian(hmac);
}
