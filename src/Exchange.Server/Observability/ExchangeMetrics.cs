using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Exchange.Engine;

namespace Exchange.Server.Observability;

/// <summary>
/// What the exchange counts, on the meter <c>LeadExchange</c>. Counting is one addition in memory; who listens reads the sums. Tags are
/// few fixed words, never an id, a name or anything a person typed.
/// </summary>
public sealed class ExchangeMetrics : IDisposable
{
    public const string MeterName = "LeadExchange";

    /// <summary>Wires over which calls come.</summary>
    public const string Http = "http", Grpc = "grpc";

    private readonly ConcurrentDictionary<(string Outcome, string Reason), Sum> pings = new();
    private readonly ConcurrentDictionary<string, Sum> posts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Wire, string Code), Sum> refusals = new();
    private readonly Histogram<double> pingSeconds;
    private readonly Histogram<double> postSeconds;
    private readonly ConcurrentQueue<(string Name, string Description, Func<long> Read)> sums = new();

    public ExchangeMetrics(IMeterFactory meters)
    {
        Meter = meters.Create(MeterName);
        Meter.CreateObservableCounter("pings", () => pings.Select(pair =>
            new Measurement<long>(pair.Value.Read(), new("outcome", pair.Key.Outcome), new("reason", pair.Key.Reason))), description: "Pings answered.");
        Meter.CreateObservableCounter("posts", () => posts.Select(pair => new Measurement<long>(pair.Value.Read(), new KeyValuePair<string, object?>("status", pair.Key))), description: "Posts answered.");
        Meter.CreateObservableCounter("refusals", () => refusals.Select(pair =>
            new Measurement<long>(pair.Value.Read(), new("wire", pair.Key.Wire), new("code", pair.Key.Code))), description: "Publishers' calls refused with a problem.");
        pingSeconds = Meter.CreateHistogram<double>("ping_seconds", "s", "From a ping's arrival to its decision.");
        postSeconds = Meter.CreateHistogram<double>("post_seconds", "s", "From a post's arrival to its answer.");
    }

    public Meter Meter { get; }

    public void PingAnswered(Reason reason, TimeSpan took)
    {
        Count(pings, (reason == Reason.None ? "offered" : "no_offer", reason == Reason.None ? "" : reason.Wire()));
        pingSeconds.Record(took.TotalSeconds);
    }

    /// <param name="status">A lead's status word.</param>
    public void PostAnswered(string status, TimeSpan took)
    {
        Count(posts, status);
        postSeconds.Record(took.TotalSeconds);
    }

    /// <param name="code">A problem's code: one of ours, never a caller's text.</param>
    public void Refused(string wire, string code) => Count(refusals, (wire, code));

    /// <summary>Alerts of caps since the start by their owner's kind and level; read at each scrape.</summary>
    public Func<IEnumerable<(string[] Labels, long Value)>> CapAlerts { get; set; } = static () => [];

    /// <summary>Posts in time that are settled, and how many of them were sold for at least what they were offered; read at each scrape.</summary>
    public Func<(long InTime, long Kept)> Promises { get; set; } = static () => default;

    /// <summary>A gauge that is read at each scrape: a queue's depth, offers in the book. <paramref name="name"/> in snake_case.</summary>
    public void Observe(string name, string description, Func<long> read) => Meter.CreateObservableGauge(name, read, description: description);

    /// <summary>A sum since the start that only rises, read at each scrape; it is written with <c>_total</c>.</summary>
    public void ObserveSum(string name, string description, Func<long> read) => sums.Enqueue((name, description, read));

    public void Dispose() => Meter.Dispose();

    internal IEnumerable<(string Name, string Description, Func<long> Read)> Sums => sums;

    internal IEnumerable<(string[] Labels, long Value)> Pings => pings.Select(pair => (new[] { pair.Key.Outcome, pair.Key.Reason }, pair.Value.Read()));
    internal IEnumerable<(string[] Labels, long Value)> Posts => posts.Select(pair => (new[] { pair.Key }, pair.Value.Read()));
    internal IEnumerable<(string[] Labels, long Value)> Refusals => refusals.Select(pair => (new[] { pair.Key.Wire, pair.Key.Code }, pair.Value.Read()));

    private static void Count<TKey>(ConcurrentDictionary<TKey, Sum> sums, TKey key) where TKey : notnull =>
        sums.GetOrAdd(key, static _ => new Sum()).Add();

    private sealed class Sum
    {
        private long value;

        public void Add() => Interlocked.Increment(ref value);

        public long Read() => Interlocked.Read(ref value);
    }
}
