using System.Net;
using System.Net.Sockets;
using Exchange.Delivery;
using Exchange.Delivery.Connectors;
using Exchange.Engine.PingTrees;
using Exchange.Grains.Catalog;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Firm;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Grains.Limits;
using Exchange.Grains.Memory;
using Exchange.Grains.Pings;
using Exchange.Grains.SoftHolds;
using Exchange.Server.Access;
using Exchange.Server.Admin;
using Exchange.Server.Buyers;
using Exchange.Server.Cli;
using Exchange.Server.Grpc;
using Exchange.Server.Intake;
using Exchange.Server.Observability;
using Exchange.Server.OpenApi;
using Exchange.Server.Problems;
using Exchange.Storage;
using Exchange.Storage.Sqlite;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Orleans.Configuration;
using Orleans.Hosting;

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
            Logging(builder);
            using var startLog = LoggerFactory.Create(logging => logging.AddSimpleConsole(console => { console.SingleLine = true; console.TimestampFormat = "HH:mm:ss "; }));
            await using var store = await OpenAsync(options, startLog, cancel);
            await using var app = Build(builder, options, store);
            var catalog = app.Services.GetRequiredService<CatalogHost>();
            var sample = await FirstStart.SeedAsync(catalog, cancel);
            var keys = app.Services.GetRequiredService<ApiKeys>();
            await keys.RefreshAsync(cancel);
            await FirstStart.PrintKeysAsync(catalog, keys, options, sample, Console.Out, cancel);
            await app.StartAsync(cancel);
            Console.WriteLine($"Exchange ready: http://localhost:{options.HttpPort} (API, /docs) · gRPC localhost:{options.GrpcPort} · http://localhost:{options.ManagementPort}/metrics · catalog version {catalog.Current.Version}");
            await app.WaitForShutdownAsync(cancel);
            return ExitCodes.Ok;
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
            await using var store = await OpenAsync(options, log, cancel);
            Console.WriteLine($"The database in {options.Data} is up to date.");
            return ExitCodes.Ok;
        }
        catch (Exception fault) when (fault is OptionsException or StorageOpenException)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return ExitCodes.Refused;
        }
    }

    private static WebApplication Build(WebApplicationBuilder builder, ExchangeOptions options, SqliteStore store)
    {
        builder.WebHost.ConfigureKestrel(kestrel => Ports(kestrel, options));
        var services = builder.Services;
        services.AddSingleton(options).AddSingleton(TimeProvider.System).AddSingleton(Parsers.All);
        services.AddSingleton<IExchangeStore>(store).AddSingleton(store.Access).AddSingleton(store.Vault);
        services.AddSingleton<Storage.Audit.IAudits>(store.Audits).AddSingleton(store.Doubts).AddSingleton(store.Erasures).AddSingleton(store.Suppressions);
        services.AddSingleton<CapAlerts>().AddSingleton<PingCounts>();
        services.AddSingleton<LiveView>().AddSingleton<Engine.Caps.ILiveView>(provider => provider.GetRequiredService<LiveView>());
        services.AddSingleton(new CatalogRules(Parsers.All, url => UrlRules.Check(url, options.AllowLoopback)));
        services.AddSingleton<CatalogHost>().AddSingleton<ICatalogHost>(provider => provider.GetRequiredService<CatalogHost>());
        services.AddSingleton<TierRotations>().AddSingleton<IRotations>(provider => provider.GetRequiredService<TierRotations>());
        services.AddSingleton(provider => new LeadIds(0, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<OfferBook>().AddSingleton<PostRates>().AddSingleton<SoftHoldDesk>().AddSingleton<FirmOffers>().AddSingleton<PingDesk>();
        services.AddSingleton<Grains.Leads.LeadAnswers>().AddSingleton<Grains.Leads.PromiseCounts>().AddSingleton<LeadServices>().AddSingleton<ILeadIntake, LeadIntake>();
        services.AddSingleton(_ => new OutboundHttp(new OutboundOptions { AllowLoopback = options.AllowLoopback }));
        services.AddSingleton(provider => ConnectorList.Create(provider.GetRequiredService<OutboundHttp>()));
        services.AddSingleton<BuyerCalls>().AddSingleton<DeliveryPump>();

        builder.UseOrleans(silo => Silo(silo, options));
        // After Orleans and before the web server: they call grains, and are there before the first request.
        services.AddHostedService<Housekeeping>();
        services.AddHostedService<CountWriter>();
        services.AddHostedService(provider => provider.GetRequiredService<DeliveryPump>());
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(30));

        services.AddAccess().AddObservability().AddIntake().AddExchangeGrpc().AddAdmin().AddExchangeOpenApi();
        services.AddReadiness("catalog", (provider, _) => Task.FromResult(provider.GetRequiredService<CatalogHost>().IsLoaded));
        services.AddReadiness("storage", async (provider, cancel) => { await provider.GetRequiredService<IExchangeStore>().CheckAsync(cancel); return true; });

        var app = builder.Build();
        var live = app.Services.GetRequiredService<LiveView>();
        var metrics = app.Services.GetRequiredService<ExchangeMetrics>();
        store.Journal.Committed = live.Apply;
        store.Journal.Sold = live.Apply;
        var alerts = app.Services.GetRequiredService<CapAlerts>();
        var promises = app.Services.GetRequiredService<Grains.Leads.PromiseCounts>();
        metrics.Promises = () => (promises.InTime, promises.Kept);
        metrics.CapAlerts = () => alerts.Sums.Select(sum => (new[] { AlertRoutes.WordOf(sum.Key.Scope), AlertRoutes.WordOf(sum.Key.Level) }, sum.Value));
        var book = app.Services.GetRequiredService<OfferBook>();
        metrics.Observe("journal_waiting", "Items that wait for the journal", () => store.Journal.Waiting);
        metrics.Observe("journal_commits", "Commits of the journal since start", () => store.Journal.Done.Commits);
        metrics.Observe("journal_items", "Items made durable since start", () => store.Journal.Done.Items);
        metrics.Observe("offers_in_book", "Offers held in memory that can still be posted", () => book.Count);

        app.UseProblems();
        app.UseRouting();
        app.UseManagementPort(options.ManagementPort);
        app.MapObservability();
        app.MapIntake();
        app.MapAdmin();
        app.MapBuyers();
        app.MapIntakeGrpc(reflection: !options.Production);
        app.MapExchangeOpenApi();
        return app;
    }

    private static void Silo(ISiloBuilder silo, ExchangeOptions options)
    {
        // One process: no gateway, no other silo; a free port so that two exchanges can run side by side.
        silo.UseLocalhostClustering(siloPort: FreePort(), gatewayPort: 0, serviceId: "exchange", clusterId: "embedded");
        silo.AddAdoNetGrainStorage(GrainMemoryNames.Store, storage =>
        {
            storage.Invariant = GrainMemory.Invariant;
            storage.ConnectionString = GrainMemory.ConnectionString(options.Data);
        });
        silo.UseSystemTextJsonGrainStorageSerializer();
        silo.Configure<SiloMessagingOptions>(messaging =>
        {
            messaging.ResponseTimeout = TimeSpan.FromSeconds(10);
            messaging.MaxEnqueuedRequestsHardLimit = 5_000;
        });
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = TimeSpan.FromSeconds(1);
            membership.NumMissedProbesLimit = 3;
        });
    }

    private static async Task<SqliteStore> OpenAsync(ExchangeOptions options, ILoggerFactory log, CancellationToken cancel)
    {
        var store = await SqliteStore.OpenAsync(new SqliteStoreOptions
        {
            Folder = options.Data,
            MasterKey = options.MasterKey,
            Logger = log.CreateLogger<SqliteStore>(),
        });
        GrainMemory.Migrate(options.Data, log.CreateLogger("Exchange.Storage.GrainMemory"));
        cancel.ThrowIfCancellationRequested();
        return store;
    }

    private static void Ports(KestrelServerOptions kestrel, ExchangeOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = Engine.Limits.CatalogBytes;
        kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1_000;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 4 * 1024 * 1024;
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
        builder.Logging.AddFilter("Grpc", LogLevel.Warning);
        builder.Logging.AddFilter("Polly", LogLevel.Warning);
        // It compares its first tick with the process start and cries wolf on a busy machine.
        builder.Logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
        builder.Logging.AddFilter("System.Net.Http", LogLevel.Warning);
    }

    /// <summary>
    /// Below the range from which systems take ports for outgoing calls, so that it stays free until the silo listens on it a moment later.
    /// </summary>
    private static int FreePort()
    {
        const int first = 11_000, count = 9_000;
        var at = Random.Shared.Next(count);
        for (var tries = 0; tries < count; tries++)
        {
            try
            {
                var port = first + (at + tries) % count;
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return port;
            }
            catch (SocketException) { }
        }
        throw new OptionsException($"No port between {first} and {first + count} is free for the silo");
    }
}
