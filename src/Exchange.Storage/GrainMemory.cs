using Exchange.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Exchange.Storage;

/// <summary>The file in which Orleans keeps grain state that is memory, not fact. Its queries are ours (one statement each, unique identity).</summary>
public static class GrainMemory
{
    public const string FileName = "memory.db";

    /// <summary>What the AdoNet provider is told to load the SQLite driver; its own word, not a package's name.</summary>
    public const string Invariant = "System.Data.SQLite";

    /// <summary>Short time-out: the provider's calls run on grains' threads.</summary>
    public static string ConnectionString(string folder) =>
        new SqliteConnectionStringBuilder { DataSource = Path.Combine(Path.GetFullPath(folder), FileName), DefaultTimeout = 2 }.ToString();

    /// <summary>Makes the file and brings it to this build's schema. Call it with the store open (the folder's lock is the store's).</summary>
    public static void Migrate(string folder, ILogger? logger = null)
    {
        var file = Path.Combine(Path.GetFullPath(folder), FileName);
        SqliteStore.CreateFolder(Path.GetFullPath(folder));
        using (var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString()))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            // Kept in the file, so it holds for the provider's connections as well.
            command.CommandText = "PRAGMA journal_mode = WAL;";
            command.ExecuteNonQuery();
        }
        Migrations.Run(file, "Memory", logger ?? NullLogger.Instance);
    }
}
