using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using Exchange.Engine.Values;
using Orleans;

namespace Exchange.Grains.Feed;

/// <summary>Something that has just happened, for whoever watches. Kinds: <c>ping</c>, <c>lead</c>, <c>catalog</c>. No PII.</summary>
/// <param name="Json">One object, UTF-8.</param>
[GenerateSerializer, Immutable, Alias("exchange.feed-event.v1")]
public sealed record FeedEvent([property: Id(0)] string Kind, [property: Id(1)] byte[] Json);

/// <summary>
/// What happens on all silos, as it happens, for admins who watch. Nothing is made where nobody watches; who watches too slowly misses the oldest, and
/// what is beyond a second's bound is left out. Of no account to anything.
/// </summary>
public sealed class LiveFeed(TimeProvider time)
{
    public const int MostWatchers = 100;
    private const int EventsPerWatcher = 500;
    private const int EventsPerSecond = 1_000;
    /// <summary>How long a silo that said that somebody watches there is believed.</summary>
    private const long InterestMs = 3_000;

    private readonly ConcurrentDictionary<Channel<FeedEvent>, bool> watchers = new();
    private readonly ConcurrentQueue<FeedEvent> outgoing = new();
    private long wantedElsewhereUntilMs;
    private long second;
    private int inSecond;

    /// <summary>Somebody watches at this silo.</summary>
    public bool IsWatched => !watchers.IsEmpty;

    /// <summary>Somebody watches anywhere: only then an event is worth making.</summary>
    public bool IsWanted => IsWatched || IsWantedElsewhere;

    private bool IsWantedElsewhere => Volatile.Read(ref wantedElsewhereUntilMs) > NowMs();

    /// <summary>Null: too many watch already. Ends with <see cref="Leave"/>.</summary>
    public ChannelReader<FeedEvent>? Watch(out object ticket)
    {
        var channel = Channel.CreateBounded<FeedEvent>(new BoundedChannelOptions(EventsPerWatcher) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        ticket = channel;
        if (watchers.Count >= MostWatchers) return null;
        watchers[channel] = true;
        return channel.Reader;
    }

    public void Leave(object ticket) => watchers.TryRemove((Channel<FeedEvent>)ticket, out _);

    /// <summary>Something happened here. <paramref name="members"/> is called only if it is told to anybody.</summary>
    public void Tell<T>(string kind, T of, Action<Utf8JsonWriter, T> members)
    {
        if (!IsWanted || !HasRoom()) return;
        var told = new FeedEvent(kind, JsonBytes.Escaped((At: time.GetUtcNow(), Of: of, Members: members), static (json, happened) =>
        {
            json.WriteStartObject();
            json.WriteString("at", happened.At.UtcDateTime);
            happened.Members(json, happened.Of);
            json.WriteEndObject();
        }));
        Deliver(told);
        if (IsWantedElsewhere && outgoing.Count < EventsPerSecond) outgoing.Enqueue(told);
    }

    /// <summary>To those who watch here: what happened here or, told by its silo, elsewhere.</summary>
    public void Deliver(FeedEvent told)
    {
        foreach (var (watcher, _) in watchers) watcher.Writer.TryWrite(told);
    }

    /// <summary>Another silo says that somebody watches there.</summary>
    public void WantedElsewhere() => Volatile.Write(ref wantedElsewhereUntilMs, NowMs() + InterestMs);

    /// <summary>What has to be told to other silos since the last time.</summary>
    public FeedEvent[] TakeOutgoing()
    {
        if (outgoing.IsEmpty) return [];
        var taken = new List<FeedEvent>();
        while (outgoing.TryDequeue(out var told)) taken.Add(told);
        return [.. taken];
    }

    private bool HasRoom()
    {
        var now = NowMs() / 1000;
        if (Interlocked.Exchange(ref second, now) != now) Volatile.Write(ref inSecond, 0);
        return Interlocked.Increment(ref inSecond) <= EventsPerSecond;
    }

    private long NowMs() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
