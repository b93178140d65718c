using System.Collections.Concurrent;
using Exchange.Engine.Values;
using Exchange.Grains.Memory;
using Exchange.Storage;

namespace Exchange.Grains.Pings;

/// <summary>
/// The offers of this silo that can still be posted, in memory: a bounded cache of the ping records. Nothing is lost with it but a read. It keeps a record as
/// its bytes, on <see cref="OfferShelf"/>s: a fifth of the memory, and no old catalog is kept alive by it.
/// </summary>
public sealed class OfferBook
{
    /// <summary>Direct posts and repeats of a post may come a little after the offer's end.</summary>
    private const long KeptAfterEndMs = 60_000;

    private readonly OfferShelf[] shelves = [.. Enumerable.Range(0, Stripes.Count).Select(static _ => new OfferShelf())];
    private readonly ConcurrentDictionary<LeadId, string> testResults = new();
    private int count;

    public int Count => Volatile.Read(ref count);

    /// <summary>A test ping asked for a certain result; remembered as long as the offer.</summary>
    public void ForceTest(LeadId id, string result) => testResults[id] = result;

    public string? TestResultOf(LeadId id) => id.IsTest ? testResults.GetValueOrDefault(id) : null;

    /// <summary>Where the book is full another one makes room, one of the oldest.</summary>
    /// <param name="record">As <see cref="PingCodec"/> wrote it; copied.</param>
    public void Add(LeadId id, ReadOnlySpan<byte> record, long expiresAtMs)
    {
        var shelf = ShelfOf(id);
        if (!shelf.TryAdd(id, record, expiresAtMs)) return;
        if (Interlocked.Increment(ref count) > Engine.Limits.OffersInBook && shelf.TakeOldest() is { } oldest) Removed(oldest);
    }

    /// <summary>A copy of the record's bytes; null: not in the book.</summary>
    public byte[]? Find(LeadId id) => ShelfOf(id).Find(id);

    /// <summary>Forgets what ran out; called about once a second. Posted leads stay until then so that a repeat finds its ping.</summary>
    public void Sweep(long nowMs)
    {
        foreach (var shelf in shelves)
            foreach (var id in shelf.TakeEnded(nowMs - KeptAfterEndMs)) Removed(id);
    }

    /// <summary>What is in it of this ping is not kept any longer.</summary>
    public void Forget(LeadId id)
    {
        if (ShelfOf(id).TryRemove(id)) Removed(id);
    }

    private void Removed(LeadId id)
    {
        Interlocked.Decrement(ref count);
        if (id.IsTest) testResults.TryRemove(id, out _);
    }

    private OfferShelf ShelfOf(LeadId id) => shelves[Stripes.Of(id)];
}
