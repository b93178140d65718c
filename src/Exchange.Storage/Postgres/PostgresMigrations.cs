using System.Globalization;
using DbUp;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Brings the schema to what this build knows: the numbered scripts that were not run yet, each in its own transaction, the sets in the order of their
/// names. Processes that start at once take turns: the first migrates, the others find it done.
/// </summary>
public static class PostgresMigrations
{
    private const long Turn = 7300;
    private static readonly string Prefix = $"{typeof(PostgresMigrations).Namespace}.Migrations.";

    /// <summary>Throws <see cref="StorageOpenException"/> with a sentence for the operator: not reachable, newer than this build, a script failed.</summary>
    public static void Run(string connectionString, ILogger logger)
    {
        var builder = PostgresDatabase.Read(connectionString);
        builder.Pooling = false;
        try
        {
            using var turn = new NpgsqlConnection(builder.ToString());
            turn.Open();
            using var take = new NpgsqlCommand(string.Create(CultureInfo.InvariantCulture, $"SELECT pg_advisory_lock({Turn})"), turn) { CommandTimeout = 0 };
            take.ExecuteNonQuery();
            // The lock goes with the connection.
            Upgrade(builder.ToString(), logger);
        }
        catch (NpgsqlException exception)
        {
            throw new StorageOpenException("The database cannot be reached, or refuses what migrations need.", exception);
        }
    }

    private static void Upgrade(string connectionString, ILogger logger)
    {
        var upgrader = DeployChanges.To.PostgresqlDatabase(connectionString)
            .WithScriptsEmbeddedInAssembly(typeof(PostgresMigrations).Assembly, name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .WithTransactionPerScript()
            .WithVariablesDisabled()
            .WithExecutionTimeout(TimeSpan.FromHours(1))
            .LogTo(new MigrationLog(logger))
            .Build();

        var known = upgrader.GetDiscoveredScripts().Select(script => script.Name).ToHashSet(StringComparer.Ordinal);
        var newer = upgrader.GetExecutedScripts().Where(name => !known.Contains(name)).ToList();
        if (newer.Count > 0)
            throw new StorageOpenException($"The database was migrated by a newer exchange (it has {newer[^1]}). Start that version, or restore a backup.");

        var result = upgrader.PerformUpgrade();
        if (!result.Successful) throw new StorageOpenException($"The database could not be migrated ({result.ErrorScript?.Name}).", result.Error);
    }
}
