using Exchange.Grains.Feed;
using Exchange.Grains.Limits;
using Exchange.Storage;

namespace Exchange.Grains.Cluster;

/// <summary>
/// What this silo's commits changed, gathered for the others: of a counter only its newest value. Bounded: what is beyond is left to the full read
/// that heals. What the others tell goes into the live view.
/// </summary>
public sealed class NewsDesk(LiveView live, LiveFeed feed, Silos silos, TimeProvider time)
{
    /// <summary>More than a silo can change in the time between two messages.</summary>
    private const int MostOfEach = 10_000;

    private readonly Lock gate = new();
    private readonly Dictionary<string, CounterNews> counters = new(StringComparer.Ordinal);
    // When each counter was last heard of, from anybody; forgotten when there are too many.
    private readonly Dictionary<string, long> newest = new(StringComparer.Ordinal);
    private readonly List<SoldCount> copies = [];
    private readonly List<KnownPerson> persons = [];
    private bool catalogChanged;
    private long dropped;

    /// <summary>Entries that did not fit into a message.</summary>
    public long Dropped => Interlocked.Read(ref dropped);

    /// <summary>Another silo has stored another catalog: look at once. Raised on the caller's thread; must be quick.</summary>
    public event Action? CatalogChanged;

    /// <summary>Called on the journal's thread after a commit.</summary>
    public void Committed(IReadOnlyList<CounterValue> changed)
    {
        live.Apply(changed);
        if (silos.Count == 1) return;
        var now = time.GetUtcNow().Ticks;
        lock (gate)
            foreach (var row in changed)
            {
                IsNewest(row.Key, now);
                if (counters.Count < MostOfEach || counters.ContainsKey(row.Key)) counters[row.Key] = new(row.Key, row.LimitId, row.Limit, row.Used, row.Held, now);
                else dropped++;
            }
    }

    /// <summary>As <see cref="Committed"/>, of copies and persons.</summary>
    public void Sold(SoldNews news)
    {
        live.Apply(news);
        if (silos.Count == 1) return;
        lock (gate)
        {
            Add(copies, news.Copies);
            Add(persons, news.Persons);
        }
    }

    /// <summary>This silo stored another catalog: the others need not wait until they look themselves.</summary>
    public void Changed()
    {
        lock (gate) catalogChanged = true;
    }

    /// <summary>The message of this moment; null: nothing happened.</summary>
    /// <param name="events">What the feed has for other silos and nothing else carries.</param>
    /// <param name="askForEvents">Say so if somebody watches here: now and then is enough.</param>
    public SiloNews? Take(FeedEvent[] events, bool askForEvents)
    {
        var watched = askForEvents && feed.IsWatched;
        lock (gate)
        {
            if (counters.Count == 0 && copies.Count == 0 && persons.Count == 0 && !catalogChanged && events.Length == 0 && !watched) return null;
            var news = new SiloNews(
                [.. counters.Values],
                [.. copies.Select(copy => new CopyNews(copy.Tier, copy.Campaign, copy.AtMs, copy.Count))],
                [.. persons.Select(person => new PersonNews(person.Scope, person.Hmac, person.AtMs))], catalogChanged, events, watched);
            counters.Clear();
            copies.Clear();
            persons.Clear();
            catalogChanged = false;
            return news;
        }
    }

    /// <summary>Another silo tells.</summary>
    public void Hear(SiloNews news)
    {
        CounterNews[] newer;
        lock (gate) newer = Array.FindAll(news.Counters, row => IsNewest(row.Key, row.AtTicks));
        // Not this silo's own sales: whoever paces here learns from its own.
        live.Heal(Array.ConvertAll(newer, row => new CounterValue(row.Key, row.LimitId, row.Limit, row.Used, row.Held)));
        live.Apply(new SoldNews(
            Array.ConvertAll(news.Copies, copy => new SoldCount(copy.Tier, copy.Campaign, copy.AtMs, copy.Count)),
            Array.ConvertAll(news.Persons, person => new KnownPerson(person.Scope, person.Hmac, person.AtMs))));
        foreach (var told in news.Events) feed.Deliver(told);
        if (news.Watched) feed.WantedElsewhere();
        if (news.CatalogChanged) CatalogChanged?.Invoke();
    }

    /// <summary>False: something newer was heard of this counter. The gate is held.</summary>
    private bool IsNewest(string key, long atTicks)
    {
        if (newest.TryGetValue(key, out var known) && known > atTicks) return false;
        if (newest.Count >= MostOfEach) newest.Clear();
        newest[key] = atTicks;
        return true;
    }

    private void Add<T>(List<T> waiting, IReadOnlyList<T> more)
    {
        var room = Math.Min(more.Count, MostOfEach - waiting.Count);
        for (var i = 0; i < room; i++) waiting.Add(more[i]);
        dropped += more.Count - room;
    }
}
