using Exchange.Grains.Cluster;
using Exchange.Storage;
using Orleans.Hosting;

namespace Exchange.Server.Hosting;

/// <summary>
/// The store of this process, open, with all of the composition that depends on which database it is. One file for each database makes one.
/// </summary>
/// <param name="Self">Who this silo is: a database that serves many tells them apart.</param>
/// <param name="Time">The clock by which this process goes.</param>
/// <param name="Place">Where the data are, for the operator; without a password.</param>
public sealed record OpenedStore(IExchangeStore Store, SiloIdentity Self, TimeProvider Time, string Place) : IAsyncDisposable
{
    /// <summary>Where grains keep what they remember.</summary>
    public required Action<ISiloBuilder> UseGrainMemory { get; init; }

    /// <summary>Who else is there, where the database keeps it; nothing where it serves one process.</summary>
    public Action<ISiloBuilder> UseMembership { get; init; } = static _ => { };

    /// <summary>Services of its own, and what readiness asks of it.</summary>
    public Action<IServiceCollection> AddServices { get; init; } = static _ => { };

    public ValueTask DisposeAsync() => Store.DisposeAsync();

    /// <summary>Opens what the settings name and brings its schema to this build's.</summary>
    /// <exception cref="StorageOpenException">With a sentence for the operator.</exception>
    public static Task<OpenedStore> OpenAsync(ExchangeOptions options, ILoggerFactory log, CancellationToken cancel) =>
        options.Postgres is null ? SqliteComposition.OpenAsync(options, log, cancel) : PostgresComposition.OpenAsync(options, log, cancel);
}
