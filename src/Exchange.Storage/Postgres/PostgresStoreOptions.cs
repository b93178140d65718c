using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exchange.Storage.Postgres;

/// <summary>How a store on PostgreSQL is opened. Several processes may open the same database.</summary>
public sealed record PostgresStoreOptions
{
    /// <summary>Host, database, user and password, as Npgsql reads them. What the journal needs of a session is added to it.</summary>
    public required string ConnectionString { get; init; }

    /// <summary>The installation's key, 32 bytes; the same in every process. Without it sealed fields can never be read again.</summary>
    public required byte[] MasterKey { get; init; }

    /// <summary>
    /// The name of this process's place, the same after its restart (a host's or a pod's name): whoever opens under it takes over at once the leases that the
    /// one before left behind. Null: they run out first.
    /// </summary>
    public string? Node { get; init; }

    /// <summary>How many batches of the journal are on their way at once, each on a connection of its own. 1 to 4; 1 keeps the order of arrival.</summary>
    public int Lanes { get; init; } = 2;

    /// <summary>The most connections that this process opens, the journal's included; four for reports and two for its watch are beside these. At least 8.</summary>
    public int MaxConnections { get; init; } = 32;

    /// <summary>Paces the journal's waits after lost connections and ages ping records; every other time comes with the call.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Ends the wait for a table that a migration needs and somebody reads.</summary>
    public CancellationToken WhileMigrating { get; init; }

    /// <summary>Ping records older than this many days are deleted.</summary>
    public int PingRetentionDays { get; init; } = 30;

    /// <summary>Database and host, for the operator; no user, no password.</summary>
    public string Place => PostgresDatabase.Read(ConnectionString) is var text ? $"database {text.Database} on {text.Host}" : "";
}
