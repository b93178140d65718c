using System.Collections.Concurrent;
using Exchange.Engine;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Grains.Pings;

/// <summary>
/// The offers of this silo that can still be posted, in memory: a bounded cache of the ping records. Nothing is lost with it but a read.
/// </summary>
public sealed class OfferBook
{
    private readonly ConcurrentDictionary<LeadId, PingRecord> records = new();
    private readonly ConcurrentQueue<LeadId> order = new();

    private readonly ConcurrentDictionary<LeadId, string> testResults = new();

    // Counted here: a concurrent dictionary takes every one of its locks to count itself.
    private int count;

    public int Count => Volatile.Read(ref count);

    /// <summary>A test ping asked for a certain result; remembered as long as the offer.</summary>
    public void ForceTest(LeadId id, string result) => testResults[id] = result;

    public string? TestResultOf(LeadId id) => id.IsTest ? testResults.GetValueOrDefault(id) : null;

    public void Add(PingRecord record)
    {
        if (!records.TryAdd(record.Id, record)) return;
        Interlocked.Increment(ref count);
        order.Enqueue(record.Id);
        while (Count > Engine.Limits.OffersInBook && order.TryDequeue(out var oldest)) Remove(oldest);
    }

    public bool TryFind(LeadId id, out PingRecord? record) => records.TryGetValue(id, out record);

    /// <summary>Forgets what ran out; called about once a second. Posted leads stay until then so that a repeat finds its ping.</summary>
    public void Sweep(long nowMs)
    {
        while (order.TryPeek(out var id))
        {
            if (records.TryGetValue(id, out var record))
            {
                // Direct posts and repeats of a post may come a little after the offer's end.
                if (record.ExpiresAtMs + 60_000 > nowMs) break;
                Remove(id);
            }
            order.TryDequeue(out _);
        }
    }

    /// <summary>What is in it of this ping is not kept any longer.</summary>
    public void Forget(LeadId id) => Remove(id);

    private void Remove(LeadId id)
    {
        if (records.TryRemove(id, out _)) Interlocked.Decrement(ref count);
        if (id.IsTest) testResults.TryRemove(id, out _);
    }
}
