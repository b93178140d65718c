using System.Buffers.Binary;
using System.Collections.Concurrent;
using Exchange.Grains.Memory;
using Exchange.Storage;

namespace Exchange.Grains.Limits;

/// <summary>
/// The persons claimed lately, so that a ping that brings a hash is answered early. The newest so many; the rows are the fence. Of a hash half is kept:
/// 128 bits of an HMAC are as good as all.
/// </summary>
public sealed class KnownPersons(int most)
{
    private readonly StripedTable<Key, long> known = new();
    private readonly ConcurrentQueue<Key> order = new();
    // As numbers: a key without a reference is nothing to the collector. As many as the catalog has.
    private readonly ConcurrentDictionary<string, int> scopes = new(StringComparer.Ordinal);
    private int lastScope;
    // With those that were freed since: it is what has to be bounded.
    private int queued;
    // While the rows are read at start: whoever is freed meanwhile may still be among them.
    private volatile ConcurrentDictionary<Key, bool>? freedMeanwhile;

    private readonly record struct Key(int Scope, ulong High, ulong Low);

    public int Count => known.Count;
    public int Queued => Volatile.Read(ref queued);

    public bool Has(string scope, ReadOnlySpan<byte> hmac, long sinceMs) => known.TryGetValue(KeyOf(scope, hmac), out var at) && at >= sinceMs;

    public void Hear(KnownPerson person)
    {
        var key = KeyOf(person.Scope, person.Hmac);
        if (person.AtMs > 0) Add(key, person.AtMs);
        else
        {
            freedMeanwhile?.TryAdd(key, true);
            known.TryRemove(key);
        }
    }

    public async Task LoadAsync(ILimitCounts store, CancellationToken cancel)
    {
        var freed = freedMeanwhile = new();
        try
        {
            var rows = await store.RecentPersonsAsync(most, cancel);
            // The oldest first: they are the first to be forgotten. What was told meanwhile is newer than its row.
            for (var i = rows.Count - 1; i >= 0; i--)
            {
                var key = KeyOf(rows[i].Scope, rows[i].Hmac);
                if (!freed.ContainsKey(key) && !known.ContainsKey(key)) Add(key, rows[i].AtMs);
            }
        }
        finally
        {
            freedMeanwhile = null;
        }
    }

    private void Add(Key key, long atMs)
    {
        if (known.TryAdd(key, atMs))
        {
            order.Enqueue(key);
            Interlocked.Increment(ref queued);
        }
        else known.TryUpdate(key, atMs);
        while ((Count > most || Volatile.Read(ref queued) > 2L * most) && order.TryDequeue(out var oldest))
        {
            Interlocked.Decrement(ref queued);
            known.TryRemove(oldest);
        }
    }

    private Key KeyOf(string scope, ReadOnlySpan<byte> hmac) =>
        new(scopes.TryGetValue(scope, out var number) ? number : scopes.GetOrAdd(scope, _ => Interlocked.Increment(ref lastScope)),
            BinaryPrimitives.ReadUInt64BigEndian(hmac), BinaryPrimitives.ReadUInt64BigEndian(hmac[8..]));
}
