using Prometheus;

namespace Exchange.Server.Observability;

/// <summary>
/// The <c>/metrics</c> page: a registry of this host alone. Sums are written as true Prometheus counters (the meter adapter would call
/// them gauges); histograms and gauges of our meter, ASP.NET Core's request durations, its connections and a few of the silo's come through the adapter.
/// </summary>
public sealed class PrometheusExport : IDisposable
{
    private static readonly string[] SiloInstruments =
        ["orleans-app-requests-latency", "orleans-app-requests-timedout", "orleans-messaging-rejected", "orleans-catalog-activations", "orleans-scheduler-long-running-turns"];

    /// <summary>Seconds, from 50 µs up: a ping from fixed bids takes well under a millisecond.</summary>
    private static readonly double[] SecondsBuckets =
        [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly IDisposable adapter;

    public PrometheusExport(ExchangeMetrics metrics)
    {
        Registry = Metrics.NewCustomRegistry();
        var factory = Metrics.WithCustomRegistry(Registry);
        var pings = factory.CreateCounter("leadexchange_pings_total", "Pings answered.", "outcome", "reason");
        var posts = factory.CreateCounter("leadexchange_posts_total", "Posts answered.", "status");
        var refusals = factory.CreateCounter("leadexchange_refusals_total", "Publishers' calls refused with a problem.", "wire", "code");
        var alerts = factory.CreateCounter("leadexchange_cap_alerts_total", "Caps that passed their warning, and soft caps that were reached.", "of", "level");
        var inTime = factory.CreateCounter("leadexchange_posts_in_time_total", "Posts that came before their offer's end and are settled; no tests.");
        var kept = factory.CreateCounter("leadexchange_promises_kept_total", "Of these, sold for at least the payout they were offered.");
        Registry.AddBeforeCollectCallback(() =>
        {
            var promises = metrics.Promises();
            inTime.IncTo(promises.InTime);
            kept.IncTo(promises.Kept);
            foreach (var (labels, value) in metrics.CapAlerts()) alerts.WithLabels(labels).IncTo(value);
            // The one that is there, from the second time on.
            foreach (var (name, description, read) in metrics.Sums) factory.CreateCounter($"leadexchange_{name}_total", description).IncTo(read());
            foreach (var (labels, value) in metrics.Pings) pings.WithLabels(labels).IncTo(value);
            foreach (var (labels, value) in metrics.Posts) posts.WithLabels(labels).IncTo(value);
            foreach (var (labels, value) in metrics.Refusals) refusals.WithLabels(labels).IncTo(value);
        });
        DotNetStats.Register(Registry);
        adapter = MeterAdapter.StartListening(new MeterAdapterOptions
        {
            Registry = Registry,
            // Without it the values go to the process-wide registry, whatever is named above.
            MetricFactory = factory,
            // Quiet nights must not reset a histogram.
            MetricsExpireAfter = TimeSpan.FromDays(1),
            InstrumentFilterPredicate = instrument =>
                ReferenceEquals(instrument.Meter, metrics.Meter) ? instrument.Name is not ("pings" or "posts" or "refusals")
                : instrument.Meter.Name == "Microsoft.AspNetCore.Hosting" ? instrument.Name == "http.server.request.duration"
                : instrument.Meter.Name == "Microsoft.AspNetCore.Server.Kestrel" ? instrument.Name is "kestrel.active_connections" or "kestrel.rejected_connections"
                : instrument.Meter.Name == "Microsoft.Orleans" && SiloInstruments.Contains(instrument.Name),
            ResolveHistogramBuckets = static _ => SecondsBuckets,
        });
    }

    public CollectorRegistry Registry { get; }

    public void Dispose() => adapter.Dispose();
}
