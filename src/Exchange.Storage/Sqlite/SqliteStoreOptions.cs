using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exchange.Storage.Sqlite;

/// <summary>How the embedded store is opened.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>The data folder; made (mode 0700) if it is not there. One process may hold it.</summary>
    public required string Folder { get; init; }

    /// <summary>
    /// The installation's key, 32 bytes. Null: read from <c>exchange.key</c> in the folder, which is generated (mode 0600, with a warning) for an
    /// empty folder. Without its key a folder's sealed fields can never be read again.
    /// </summary>
    public byte[]? MasterKey { get; init; }

    /// <summary>Ages ping records and measures the writer's rests; every other time comes with the call.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Ping records older than this many days are deleted.</summary>
    public int PingRetentionDays { get; init; } = 30;
}
