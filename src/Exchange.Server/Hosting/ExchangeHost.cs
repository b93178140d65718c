using System.Net.Sockets;
using Exchange.Engine;
using Exchange.Delivery;
using Exchange.Grains.Bidding;
using Exchange.Grains.Catalog;
using Exchange.Grains.Cluster;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Grains.Limits;
using Exchange.Grains.Pings;
using Exchange.Grains.Postbacks;
using Exchange.Server.Access;
using Exchange.Server.Admin;
using Exchange.Server.Buyers;
using Exchange.Server.Cli;
using Exchange.Server.Grpc;
using Exchange.Server.Intake;
using Exchange.Server.Intake.Compatibility;
using Exchange.Server.Intake.Specification;
using Exchange.Server.Observability;
using Exchange.Server.OpenApi;
using Exchange.Server.Problems;
using Exchange.Storage;
using Exchange.Storage.Redis;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Orleans.Hosting;
using Orleans.Runtime;

namespace Exchange.Server.Hosting;

/// <summary>The composition: one process with its store, its silo and its three ports.</summary>
public static class ExchangeHost
{
    public static async Task<int> ServeAsync(string[] args, CancellationToken cancel)
    {
        try
        {
            var builder = WebApplication.CreateBuilder(args);
            var options = ExchangeOptions.Read(builder.Configuration, builder.Environment);
            FaultPlan.Arm(Environment.GetEnvironmentVariable(FaultPlan.Variable), options.Production);
            Logging(builder);
            using var startLog = LoggerFactory.Create(logging => logging.AddSimpleConsole(console => { console.SingleLine = true; console.TimestampFormat = "HH:mm:ss "; }));
            await using var store = await OpenedStore.OpenAsync(options, startLog, cancel);
            FaultPoints.AfterSchema.Pass();
            await using var redis = options.Redis is null ? null : await RedisLink.OpenAsync(options.Redis, TimeProvider.System, startLog.CreateLogger<RedisLink>());
            if (redis is not null) builder.Services.AddRedis(redis);
            await using var app = Build(builder, options, store);
            var catalog = app.Services.GetRequiredService<CatalogHost>();
            var sample = await FirstStart.SeedAsync(catalog, cancel);
            var keys = app.Services.GetRequiredService<ApiKeys>();
            await keys.RefreshAsync(cancel);
            await FirstStart.PrintKeysAsync(catalog, keys, options, sample, Console.Out, cancel);
            var failed = BackgroundFaults.Watch(app);
            await app.StartAsync(cancel);
            Console.WriteLine($"Exchange ready: http://localhost:{options.HttpPort} (API, /docs) · gRPC localhost:{options.GrpcPort} · http://localhost:{options.ManagementPort}/metrics · catalog version {catalog.Current.Version}");
            await app.WaitForShutdownAsync(cancel);
            if (failed() is not { } service) return ExitCodes.Ok;
            await Console.Error.WriteLineAsync($"Exchange ended by itself: its {service} failed (see the log)");
            return ExitCodes.Failed;
        }
        catch (Exception fault) when (fault is OptionsException or StorageOpenException or IOException { InnerException: SocketException or Microsoft.AspNetCore.Connections.AddressInUseException } or ArgumentException)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return ExitCodes.Refused;
        }
    }

    /// <summary>Brings the schema up to date and ends.</summary>
    public static async Task<int> MigrateAsync(string[] args, CancellationToken cancel)
    {
        try
        {
            var builder = WebApplication.CreateBuilder(args);
            var options = ExchangeOptions.Read(builder.Configuration, builder.Environment);
            using var log = LoggerFactory.Create(logging => logging.AddSimpleConsole());
            await using var store = await OpenedStore.OpenAsync(options, log, cancel);
            Console.WriteLine($"Up to date: {store.Place}");
            return ExitCodes.Ok;
        }
        catch (Exception fault) when (fault is OptionsException or StorageOpenException)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return ExitCodes.Refused;
        }
    }

    private static WebApplication Build(WebApplicationBuilder builder, ExchangeOptions options, OpenedStore opened)
    {
        var (store, self) = (opened.Store, opened.Self);
        builder.WebHost.ConfigureKestrel(kestrel => Ports(kestrel, options));
        // What a socket brings is read by the thread that was told of it, instead of passing the queue for a thread four times more on its way in and out (docs/decisions/0056).
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);
        var services = builder.Services;
        services.AddSingleton(options).AddSingleton(options.RateLimits).AddExchange(store, opened.Time, options.AllowLoopback, options.Mail).AddCluster(options.Cluster, self);
        builder.UseOrleans(silo => Silo(silo, options, opened));
        services.AddKeyedSingleton<TimeProvider>(TimeProviderNames.ActivationManagement, new SteadyClock());
        // After Orleans and before the web server: they call grains, and are there before the first request.
        services.AddClusterServices();
        services.AddHostedService<Housekeeping>();
        services.AddHostedService<CountWriter>();
        services.AddHostedService<LossTeller>();
        services.AddHostedService(provider => provider.GetRequiredService<DeliveryPump>());
        services.AddHostedService(provider => provider.GetRequiredService<PostbackPump>());
        services.AddHostedService(provider => provider.GetRequiredService<WaitPump>());
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(30) + options.Cluster.Drain);

        services.AddAccess(options.TrustedProxies, provider =>
        {
            var catalog = provider.GetRequiredService<ICatalogHost>();
            return publisher => catalog.Current.Publishers.GetValueOrDefault(publisher)?.Ips;
        });
        services.AddObservability().AddIntake().AddAdmission(options.OverloadAfter).AddCompatibility().AddExchangeGrpc().AddAdmin().AddExchangeOpenApi();
        services.AddReadiness("staying", (provider, _) => Task.FromResult(!provider.GetRequiredService<Drain>().IsLeaving));
        services.AddReadiness("silo", (provider, _) => Task.FromResult(provider.GetRequiredService<Silos>().IsActive));
        services.AddReadiness("catalog", (provider, _) => Task.FromResult(provider.GetRequiredService<CatalogHost>().IsLoaded));
        services.AddReadiness("storage", async (provider, cancel) => { await provider.GetRequiredService<IExchangeStore>().CheckAsync(cancel); return true; });
        opened.AddServices(services);

        var app = builder.Build();
        app.Services.UseCluster();
        // Before the silo starts: from then on others tell it of keys.
        var keys = app.Services.GetRequiredService<ApiKeys>();
        app.Services.GetRequiredService<KeyNews>().Read = () => keys.RefreshAsync(CancellationToken.None);
        var metrics = app.Services.GetRequiredService<ExchangeMetrics>();
        var alerts = app.Services.GetRequiredService<CapAlerts>();
        var promises = app.Services.GetRequiredService<Grains.Leads.PromiseCounts>();
        metrics.Promises = () => (promises.InTime, promises.Kept);
        metrics.CapAlerts = () => alerts.Sums.Select(sum => (new[] { AlertRoutes.WordOf(sum.Key.Scope), AlertRoutes.WordOf(sum.Key.Level) }, sum.Value));
        var book = app.Services.GetRequiredService<OfferBook>();
        metrics.Observe("journal_waiting", "Items that wait for the journal", () => store.Journal.Waiting);
        metrics.ObserveSum("journal_commits", "Commits of the journal", () => store.Journal.Done.Commits);
        metrics.ObserveSum("journal_items", "Items made durable", () => store.Journal.Done.Items);
        var admission = app.Services.GetRequiredService<Admission>();
        metrics.ObserveSum("calls_turned_away", "Publishers' calls refused because more came than could be served", () => admission.Refused);
        metrics.Observe("calls_waiting", "Publishers' calls that wait to come in because others are served first", () => admission.Waiting);
        var homes = app.Services.GetRequiredService<OfferHomes>();
        metrics.ObserveSum("offers_lost", "Posts of pings that a killed silo took with it: those of its last moments", () => homes.Lost);
        var news = app.Services.GetRequiredService<NewsDesk>();
        metrics.ObserveSum("news_dropped", "Changes that did not fit into a message to the other silos, which read them from the database later", () => news.Dropped);
        if (app.Services.GetService<RedisLink>() is { } asked) metrics.ObserveSum("redis_failures", "Questions to Redis that had no answer in time", () => asked.Failures);
        var breakers = app.Services.GetRequiredService<EndpointBreakers>();
        metrics.Observe("endpoints_rested", "Bidders' endpoints that this server rests because they fail", () => breakers.NotClosed);
        metrics.Observe("offers_in_book", "Offers held in memory that can still be posted", () => book.Count);

        var postbacks = app.Services.GetRequiredService<PostbackPump>();
        metrics.ObserveSum("postbacks_delivered", "Publishers' postbacks that arrived", () => postbacks.Sums.Delivered);
        metrics.ObserveSum("postbacks_retried", "Attempts at postbacks after which they are tried again", () => postbacks.Sums.Retried);
        metrics.ObserveSum("postbacks_dead", "Postbacks given up", () => postbacks.Sums.Dead);

        app.UseProblems();
        app.UseRouting();
        app.UseManagementPort(options.ManagementPort);
        app.UseAdmission();
        app.MapObservability();
        app.MapIntake();
        app.MapCompatibility();
        app.MapSpecifications();
        app.MapAdmin();
        app.MapBuyers();
        app.MapIntakeGrpc(reflection: !options.Production);
        app.MapBidderGrpc();
        app.MapExchangeOpenApi();
        return app;
    }

    private static void Silo(ISiloBuilder silo, ExchangeOptions options, OpenedStore opened)
    {
        silo.UseExchangeSilo(options.Cluster, opened.Self, options.Redis);
        if (options.Cluster.Membership == Membership.Postgres) opened.UseMembership(silo);
        opened.UseGrainMemory(silo);
        silo.UseSystemTextJsonGrainStorageSerializer();
    }

    /// <summary>After so long a gRPC client is asked whether it is there, and after as long again without an answer it is not.</summary>
    private static readonly TimeSpan SilentFor = TimeSpan.FromSeconds(10);

    private static void Ports(KestrelServerOptions kestrel, ExchangeOptions options)
    {
        kestrel.AddServerHeader = false;
        // Of each port: a flood at one leaves the others their own.
        kestrel.Limits.MaxConcurrentConnections = options.MaxConnections;
        kestrel.Limits.MaxRequestBodySize = Engine.Limits.CatalogBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1_000;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 4 * 1024 * 1024;
        // A buyer whose machine is gone says nothing: its stream would be written to, and its standing bids would stand, until TCP gives up.
        (kestrel.Limits.Http2.KeepAlivePingDelay, kestrel.Limits.Http2.KeepAlivePingTimeout) = (SilentFor, SilentFor);
        Listen(options.HttpPort, HttpProtocols.Http1);
        Listen(options.GrpcPort, HttpProtocols.Http2);
        Listen(options.ManagementPort, HttpProtocols.Http1);

        void Listen(int port, HttpProtocols protocols)
        {
            if (options.ListenOnAny) kestrel.ListenAnyIP(port, listen => listen.Protocols = protocols);
            else kestrel.ListenLocalhost(port, listen => listen.Protocols = protocols);
        }
    }

    private static void Logging(WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console => { console.SingleLine = true; console.TimestampFormat = "HH:mm:ss "; });
        builder.Logging.AddFilter("Orleans", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        // With a log it makes an activity of every request, which nobody reads and every await of the request carries.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        builder.Logging.AddFilter("Grpc", LogLevel.Warning);
        builder.Logging.AddFilter("Polly", LogLevel.Warning);
        // A line for each connection that is one too many; how many there were is a metric.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.Connections", LogLevel.Error);
        // The runtime tells of the rings of its grain services under our names.
        builder.Logging.AddFilter(typeof(SiloService).FullName, LogLevel.Warning);
        // It compares its first tick with the process start and cries wolf on a busy machine.
        builder.Logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
        builder.Logging.AddFilter("System.Net.Http", LogLevel.Warning);
    }
}
