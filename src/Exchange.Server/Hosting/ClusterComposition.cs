using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Exchange.Delivery.Bidders;
using Exchange.Engine.Caps;
using Exchange.Grains.Bidding;
using Exchange.Grains.Cluster;
using Exchange.Grains.Feed;
using Exchange.Grains.Intake;
using Exchange.Grains.Limits;
using Exchange.Grains.Persons;
using Exchange.Grains.Pings;
using Exchange.Storage;
using Exchange.Storage.Redis;
using Orleans.Configuration;
using Orleans.Hosting;

namespace Exchange.Server.Hosting;

/// <summary>The silo of this process, and what it needs of the others.</summary>
public static class ClusterComposition
{
    /// <summary>What silos tell and ask each other.</summary>
    public static IServiceCollection AddCluster(this IServiceCollection services, ClusteringOptions options, SiloIdentity self)
    {
        services.AddSingleton(options).AddSingleton(self).AddSingleton<Silos>().AddSingleton<ISilos>(provider => provider.GetRequiredService<Silos>())
            .AddSingleton<OfferHomes>().AddSingleton<PingKeys>().AddSingleton<NewsDesk>().AddSingleton<KeyNews>();
        services.AddSingleton<OtherLines>().AddSingleton<IOtherLines>(provider => provider.GetRequiredService<OtherLines>()).AddSingleton<LineDesk>();
        services.AddSingleton(provider => new NewsRelay(
            provider.GetRequiredService<NewsDesk>(), provider.GetRequiredService<LineDesk>(), provider.GetRequiredService<LiveFeed>(), provider.GetService<RedisFeed>(), provider.GetRequiredService<Silos>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<NewsRelay>>()));
        services.AddSingleton(provider => new PersonMarks(
            provider.GetRequiredService<ILiveView>(), provider.GetService<RedisPersons>(), provider.GetRequiredService<ILogger<PersonMarks>>()));
        services.AddSingleton(provider => new RateLimits(
            provider.GetService<RateLimitOptions>() ?? new(0, 0), provider.GetService<RedisTokens>(), () => provider.GetRequiredService<Silos>().Count, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new StoreWatch(
            provider.GetRequiredService<IExchangeStore>(), provider.GetRequiredService<Silos>(), provider.GetRequiredService<TimeProvider>(), Process.GetCurrentProcess().Kill, provider.GetRequiredService<ILogger<StoreWatch>>()));
        return services.AddSingleton(provider => new LeadIds(self.Number, provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>What Redis does for the silos where there is one.</summary>
    public static IServiceCollection AddRedis(this IServiceCollection services, RedisLink link) =>
        services.AddSingleton(link).AddSingleton<RedisTokens>().AddSingleton<RedisFeed>().AddSingleton<RedisPersons>();

    /// <summary>Services of the silo that run: after Orleans, before the web server, and stopped the other way round.</summary>
    public static IServiceCollection AddClusterServices(this IServiceCollection services) => services
        .AddSingleton<Drain>().AddHostedService(provider => provider.GetRequiredService<Drain>())
        .AddHostedService(provider => provider.GetRequiredService<NewsRelay>())
        .AddHostedService(provider => provider.GetRequiredService<PersonMarks>())
        .AddHostedService(provider => provider.GetRequiredService<StoreWatch>())
        .AddSingleton<Freshness>().AddHostedService(provider => provider.GetRequiredService<Freshness>());

    /// <summary>Ties the journal's news and the shares of this silo to the cluster.</summary>
    public static void UseCluster(this IServiceProvider services)
    {
        var (silos, news) = (services.GetRequiredService<Silos>(), services.GetRequiredService<NewsDesk>());
        var journal = services.GetRequiredService<IExchangeStore>().Journal;
        journal.Committed = news.Committed;
        var marks = services.GetRequiredService<PersonMarks>();
        journal.Sold = sold =>
        {
            news.Sold(sold);
            marks.Told(sold.Persons);
        };
        services.GetRequiredService<LiveView>().Silos = () => silos.Count;
        services.GetRequiredService<CapAlerts>().Tells = silos.Owns;
    }

    /// <summary>Ports, probes and time-outs of the silo. Whoever kills one costs its keys a few seconds.</summary>
    /// <param name="redis">Where membership is kept if it is kept in Redis.</param>
    public static ISiloBuilder UseExchangeSilo(this ISiloBuilder silo, ClusteringOptions options, SiloIdentity self, string? redis = null)
    {
        silo.AddGrainService<SiloService>();
        silo.Configure<SiloOptions>(named => named.SiloName = self.MemberName);
        var port = options.SiloPort == 0 ? FreePort() : options.SiloPort;
        // One process: no gateway, no other silo; a free port so that two exchanges can run side by side.
        if (options.IsAlone) silo.UseLocalhostClustering(siloPort: port, gatewayPort: 0, serviceId: "exchange", clusterId: "embedded");
        else
        {
            silo.Configure<Orleans.Configuration.ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = ("exchange", options.ClusterId));
            // No gateway: callers come over HTTP and gRPC, and silos call each other directly.
            if (options.Address is { } address) silo.ConfigureEndpoints(address, port, gatewayPort: 0, listenOnAnyHostAddress: !IPAddress.IsLoopback(address));
            else silo.ConfigureEndpoints(port, gatewayPort: 0, listenOnAnyHostAddress: true);
            // Told to the others, while it listens where it did.
            if (options.AdvertisedPort is > 0 and var told && told != port)
                silo.Configure<EndpointOptions>(at => (at.SiloListeningEndpoint, at.SiloPort) = (at.SiloListeningEndpoint ?? new(at.AdvertisedIPAddress, port), told));
            if (options.Membership == Membership.Redis) silo.UseRedisClustering(redis!);
        }
        // Most grains are leads, which are called once or twice: where a million of them were is not worth remembering, and where all are here nothing is.
        silo.Configure<GrainDirectoryOptions>(directory =>
        {
            directory.CacheSize = 10_000;
            if (options.IsAlone) directory.CachingStrategy = GrainDirectoryOptions.CachingStrategyType.None;
        });
        silo.Configure<SiloMessagingOptions>(messaging =>
        {
            messaging.ResponseTimeout = TimeSpan.FromSeconds(10);
            messaging.MaxEnqueuedRequestsHardLimit = 5_000;
        });
        return silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = TimeSpan.FromSeconds(1);
            membership.NumMissedProbesLimit = 3;
            // Whoever starts asks only those who said lately that they are alive: after a kill of all nobody waits for the dead.
            membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(2);
        });
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
