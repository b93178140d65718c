using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;

namespace Exchange.System.Tests.Cluster;

/// <summary>Servers over one PostgreSQL for all tests of a class or a collection, which run one after the other. Each applies a catalog of its own; who kills one starts it again.</summary>
public abstract class RunningServers(int count) : IAsyncLifetime
{
    private readonly PostgresCluster postgres = new();
    private readonly MadeKeys keys = new();

    internal ClusterProcesses Cluster { get; private set; } = null!;

    internal Task<string> KeyAsync(string publisher) => KeyAsync("publisher", publisher);

    internal Task<string> KeyAsync(string role, string id) => keys.OfAsync(Cluster[0], role, id);

    public async Task InitializeAsync()
    {
        await postgres.InitializeAsync();
        Cluster = await ClusterProcesses.StartAsync(count);
    }

    public async Task DisposeAsync()
    {
        await Cluster.DisposeAsync();
        await postgres.DisposeAsync();
    }
}

public sealed class TwoServers() : RunningServers(2);

public sealed class ThreeServers() : RunningServers(3);

[CollectionDefinition(Name)]
public sealed class TwoServersTogether : ICollectionFixture<TwoServers> { public const string Name = "two servers together"; }
