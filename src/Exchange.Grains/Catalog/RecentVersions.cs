using System.Collections.Concurrent;

namespace Exchange.Grains.Catalog;

/// <summary>
/// What was made of catalog versions, kept by when it was last asked for. A post names the version of its ping; while admins tune, that is many changes
/// old, and the oldest of all may be the one that is asked for most.
/// </summary>
/// <param name="most">So many are kept.</param>
public sealed class RecentVersions<TModel>(int most)
{
    private readonly ConcurrentDictionary<long, Entry> entries = new();
    private long clock;

    private sealed class Entry(TModel model)
    {
        public TModel Model => model;
        public long UsedAt;
    }

    /// <summary>Null: not kept.</summary>
    public TModel? Find(long version)
    {
        if (!entries.TryGetValue(version, out var entry)) return default;
        // A look at the newest writes nothing that other processors would have to read again.
        var now = Interlocked.Read(ref clock);
        if (Interlocked.Read(ref entry.UsedAt) != now) Interlocked.Exchange(ref entry.UsedAt, Interlocked.Increment(ref clock));
        return entry.Model;
    }

    public void Keep(long version, TModel model)
    {
        entries[version] = new(model) { UsedAt = Interlocked.Increment(ref clock) };
        while (entries.Count > most) entries.TryRemove(entries.MinBy(static entry => Interlocked.Read(ref entry.Value.UsedAt)).Key, out _);
    }
}
