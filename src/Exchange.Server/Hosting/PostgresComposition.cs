using Exchange.Grains.Cluster;
using Exchange.Grains.Memory;
using Exchange.Server.Observability;
using Exchange.Storage.Audit;
using Exchange.Storage.Postgres;
using Orleans.Hosting;

namespace Exchange.Server.Hosting;

/// <summary>PostgreSQL: facts, ping records, grain memory and membership in one database, for as many processes as open it. They all go by its clock.</summary>
public static class PostgresComposition
{
    public static async Task<OpenedStore> OpenAsync(ExchangeOptions options, ILoggerFactory log, CancellationToken cancel)
    {
        var connection = options.Postgres!;
        var opening = new PostgresStoreOptions
        {
            ConnectionString = connection, MasterKey = options.MasterKey!, Node = options.Cluster.Name, Logger = log.CreateLogger<PostgresStore>(), PingRetentionDays = options.PingRetentionDays,
            WhileMigrating = cancel,
        };
        var store = await PostgresStore.OpenAsync(opening);
        var clock = new PostgresClock(store.Source, TimeProvider.System);
        await clock.MeasureAsync(cancel);
        return new(store, new SiloIdentity(store.SiloNumber, options.Cluster.Name), clock, opening.Place)
        {
            UseGrainMemory = silo => silo.AddAdoNetGrainStorage(GrainMemoryNames.Store, storage =>
            {
                storage.Invariant = PostgresGrainMemory.Invariant;
                storage.ConnectionString = PostgresGrainMemory.ConnectionString(connection);
            }),
            UseMembership = silo => silo.UseAdoNetClustering(membership =>
            {
                membership.Invariant = PostgresGrainMemory.Invariant;
                membership.ConnectionString = PostgresGrainMemory.ConnectionString(connection);
            }),
            AddServices = services =>
            {
                services.AddSingleton<IAudits>(store.Audits);
                services.AddSingleton(clock).AddHostedService<ClockKeeper>();
                services.AddSingleton(store.CatalogNews).AddHostedService<CatalogListener>();
                services.AddReadiness("clock", (_, _) => Task.FromResult(clock.IsNear));
            },
        };
    }
}
