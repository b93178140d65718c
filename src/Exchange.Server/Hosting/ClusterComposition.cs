using System.Net;
using System.Net.Sockets;
using Exchange.Grains.Cluster;
using Exchange.Grains.Limits;
using Exchange.Grains.Pings;
using Exchange.Storage;
using Orleans.Configuration;
using Orleans.Hosting;

namespace Exchange.Server.Hosting;

/// <summary>The silo of this process, and what it needs of the others.</summary>
public static class ClusterComposition
{
    /// <summary>What silos tell and ask each other.</summary>
    public static IServiceCollection AddCluster(this IServiceCollection services, ClusteringOptions options, SiloIdentity self)
    {
        services.AddSingleton(options).AddSingleton(self).AddSingleton<Silos>().AddSingleton<OfferHomes>().AddSingleton<PingKeys>().AddSingleton<NewsDesk>();
        return services.AddSingleton(provider => new LeadIds(self.Number, provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Services of the silo that run: after Orleans, before the web server, and stopped the other way round.</summary>
    public static IServiceCollection AddClusterServices(this IServiceCollection services) => services
        .AddSingleton<Drain>().AddHostedService(provider => provider.GetRequiredService<Drain>())
        .AddHostedService<NewsRelay>()
        .AddSingleton<Freshness>().AddHostedService(provider => provider.GetRequiredService<Freshness>());

    /// <summary>Ties the journal's news and the shares of this silo to the cluster.</summary>
    public static void UseCluster(this IServiceProvider services)
    {
        var (silos, news) = (services.GetRequiredService<Silos>(), services.GetRequiredService<NewsDesk>());
        var journal = services.GetRequiredService<IExchangeStore>().Journal;
        journal.Committed = news.Committed;
        journal.Sold = news.Sold;
        services.GetRequiredService<LiveView>().Silos = () => silos.Count;
        services.GetRequiredService<CapAlerts>().Tells = silos.Owns;
    }

    /// <summary>Ports, probes and time-outs of the silo. Whoever kills one costs its keys a few seconds.</summary>
    public static ISiloBuilder UseExchangeSilo(this ISiloBuilder silo, ClusteringOptions options, SiloIdentity self)
    {
        silo.AddGrainService<SiloService>();
        silo.Configure<SiloOptions>(named => named.SiloName = self.MemberName);
        var port = options.SiloPort == 0 ? FreePort() : options.SiloPort;
        // One process: no gateway, no other silo; a free port so that two exchanges can run side by side.
        if (options.IsAlone) silo.UseLocalhostClustering(siloPort: port, gatewayPort: 0, serviceId: "exchange", clusterId: "embedded");
        else
        {
            silo.Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = ("exchange", options.ClusterId));
            // Callers come over HTTP and gRPC: no gateway for clients of grains.
            if (options.Address is { } address) silo.ConfigureEndpoints(address, port, gatewayPort: 0);
            else silo.ConfigureEndpoints(port, gatewayPort: 0, listenOnAnyHostAddress: true);
        }
        silo.Configure<SiloMessagingOptions>(messaging =>
        {
            messaging.ResponseTimeout = TimeSpan.FromSeconds(10);
            messaging.MaxEnqueuedRequestsHardLimit = 5_000;
        });
        return silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = TimeSpan.FromSeconds(1);
            membership.NumMissedProbesLimit = 3;
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
