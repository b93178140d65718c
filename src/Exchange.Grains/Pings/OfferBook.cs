using System.Collections.Concurrent;
using Exchange.Engine;
using Exchange.Engine.Values;
using Exchange.Grains.Memory;
using Exchange.Storage;

namespace Exchange.Grains.Pings;

/// <summary>
/// The offers of this silo that can still be posted, in memory: a bounded cache of the ping records. Nothing is lost with it but a read. It keeps a record as
/// its bytes: one object instead of dozens for the collector to follow and to move, a fifth of the memory, and no old catalog is kept alive by it.
/// </summary>
public sealed class OfferBook
{
    /// <summary>Direct posts and repeats of a post may come a little after the offer's end.</summary>
    private const long KeptAfterEndMs = 60_000;

    private readonly StripedTable<LeadId, byte[]> records = new();
    private readonly ConcurrentQueue<(LeadId Id, long ExpiresAtMs)> order = new();

    private readonly ConcurrentDictionary<LeadId, string> testResults = new();

    public int Count => records.Count;

    /// <summary>A test ping asked for a certain result; remembered as long as the offer.</summary>
    public void ForceTest(LeadId id, string result) => testResults[id] = result;

    public string? TestResultOf(LeadId id) => id.IsTest ? testResults.GetValueOrDefault(id) : null;

    /// <param name="record">As <see cref="PingCodec"/> wrote it.</param>
    public void Add(LeadId id, byte[] record, long expiresAtMs)
    {
        if (!records.TryAdd(id, record)) return;
        order.Enqueue((id, expiresAtMs));
        while (Count > Engine.Limits.OffersInBook && order.TryDequeue(out var oldest)) Remove(oldest.Id);
    }

    /// <summary>The record's bytes; null: not in the book.</summary>
    public byte[]? Find(LeadId id) => records.TryGetValue(id, out var record) ? record : null;

    /// <summary>Forgets what ran out; called about once a second. Posted leads stay until then so that a repeat finds its ping.</summary>
    public void Sweep(long nowMs)
    {
        while (order.TryPeek(out var oldest) && (oldest.ExpiresAtMs + KeptAfterEndMs <= nowMs || !records.ContainsKey(oldest.Id)))
        {
            Remove(oldest.Id);
            order.TryDequeue(out _);
        }
    }

    /// <summary>What is in it of this ping is not kept any longer.</summary>
    public void Forget(LeadId id) => Remove(id);

    private void Remove(LeadId id)
    {
        records.TryRemove(id);
        if (id.IsTest) testResults.TryRemove(id, out _);
    }
}
