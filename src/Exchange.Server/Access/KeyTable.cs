using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using Exchange.Storage;

namespace Exchange.Server.Access;

/// <summary>
/// The live keys at one moment, never changed: a change makes a new table. Keys that were seen are remembered in clear text within it,
/// so that a busy caller costs one dictionary read and no HMAC; what is unknown is never remembered, so strangers cannot fill it.
/// </summary>
internal sealed class KeyTable
{
    private const int SeenKeys = 10_000;

    private readonly FrozenDictionary<KeyHash, Caller> byHash;
    private readonly ConcurrentDictionary<string, Caller> seen = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Caller>.AlternateLookup<ReadOnlySpan<char>> seenBySpan;
    private int seenCount;

    public KeyTable(IEnumerable<KeyRow> rows)
    {
        byHash = rows.Where(row => row.RevokedAtMs is null)
            .ToFrozenDictionary(row => KeyHash.From(row.Hash), row => new Caller(row.Id, row.Role, row.For, row.Test));
        seenBySpan = seen.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public static KeyTable Empty { get; } = new([]);

    public Caller? Find(ReadOnlySpan<char> key, IVault vault)
    {
        if (seenBySpan.TryGetValue(key, out var caller)) return caller;
        if (!ApiKeyFormat.IsWellFormed(key)) return null;
        // Which hash is looked up tells an attacker nothing: it cannot be steered without the vault's secret.
        var text = key.ToString();
        caller = byHash.GetValueOrDefault(KeyHash.From(vault.KeyHash(text)));
        if (caller is not null && Volatile.Read(ref seenCount) < SeenKeys && seen.TryAdd(text, caller)) Interlocked.Increment(ref seenCount);
        return caller;
    }

    private readonly record struct KeyHash(ulong A, ulong B, ulong C, ulong D)
    {
        public static KeyHash From(ReadOnlySpan<byte> bytes) => new(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]));
    }
}
