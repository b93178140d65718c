using Exchange.Grains.Cluster;
using Exchange.Grains.Memory;
using Exchange.Storage;
using Exchange.Storage.Audit;
using Exchange.Storage.Sqlite;
using Orleans.Hosting;

namespace Exchange.Server.Hosting;

/// <summary>The embedded database: three files and a lock in one folder, for one process.</summary>
public static class SqliteComposition
{
    public static async Task<OpenedStore> OpenAsync(ExchangeOptions options, ILoggerFactory log, CancellationToken cancel)
    {
        var store = await SqliteStore.OpenAsync(new SqliteStoreOptions
        {
            Folder = options.Data,
            MasterKey = options.MasterKey,
            PingRetentionDays = options.PingRetentionDays,
            Logger = log.CreateLogger<SqliteStore>(),
        });
        GrainMemory.Migrate(options.Data, log.CreateLogger("Exchange.Storage.GrainMemory"));
        cancel.ThrowIfCancellationRequested();
        // It serves one process: its number is the same for ever.
        return new(store, new SiloIdentity(0, options.Cluster.Name), TimeProvider.System, options.Data)
        {
            UseGrainMemory = silo => silo.AddAdoNetGrainStorage(GrainMemoryNames.Store, storage =>
            {
                storage.Invariant = GrainMemory.Invariant;
                storage.ConnectionString = GrainMemory.ConnectionString(options.Data);
            }),
            AddServices = services => services.AddSingleton<IAudits>(store.Audits),
        };
    }
}
