using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>Persons forgotten and suppressed. Pings see what this silo last read, posts the rows.</summary>
internal sealed class SimErasures(SimStore store) : IErasures, ISuppressions
{
    private const long ReadEveryMs = 5_000;

    private readonly HashSet<string> known = new(StringComparer.Ordinal);
    private long readMs;

    public async Task<bool> EraseAsync(LeadErasure erasure, CancellationToken cancel)
    {
        await store.Pings.FlushAsync(cancel);
        var isErased = await store.WriteAsync(() =>
        {
            var lead = store.Database.Find(erasure.Lead);
            if (!store.World.Seams.IsAsRead(erasure, lead)) return false;
            store.Database.Erase(erasure, store.World.Loop.NowMs);
            store.Silo.Note("erases", erasure.Lead.ToString());
            return true;
        });
        if (!isErased) return false;
        foreach (var hmac in erasure.Suppress) known.Add(Convert.ToHexString(hmac));
        return true;
    }

    public bool Knows(ReadOnlySpan<byte> hmac)
    {
        if (store.World.Loop.NowMs - readMs >= ReadEveryMs)
        {
            readMs = store.World.Loop.NowMs;
            known.UnionWith(store.Database.Suppressed.Keys);
        }
        return known.Contains(Convert.ToHexString(hmac));
    }

    public ValueTask<bool> AnyAsync(IReadOnlyList<byte[]> hmacs, CancellationToken cancel) => hmacs.Count == 0 ? new(false)
        : new(store.ReadAsync(() => hmacs.Any(store.Database.IsSuppressed)));
}

/// <summary>No operator reads a list here: who resolves a doubt looks at the rows.</summary>
internal sealed class SimDoubts : IDoubts
{
    public Task<Page<DoubtRow>> ListAsync(DoubtQuery query, CancellationToken cancel) => throw new NotSupportedException();
}
