using DbUp;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Brings the database's schema (facts, ping records, grain memory and membership) to what this build knows. One process does it, the others wait for it
/// and find it done: under an advisory lock, which ends with its connection.
/// </summary>
public static class PostgresMigrations
{
    /// <summary>Ours in this database: no other lock of ours has it.</summary>
    private const long LockKey = 0x4C65_6164_4D69_6772;

    /// <summary>A migration may take its time; whoever waits for it waits as long.</summary>
    private const int NoTimeout = 0;

    /// <exception cref="StorageOpenException">With a sentence for the operator.</exception>
    public static async Task RunAsync(string connectionString, ILogger logger, CancellationToken cancel)
    {
        var plain = new NpgsqlConnectionStringBuilder(PostgresDatabase.Read(connectionString).ToString()) { Pooling = false, CommandTimeout = NoTimeout };
        try
        {
            await using var holder = new NpgsqlConnection(plain.ToString());
            await holder.OpenAsync(cancel).ConfigureAwait(false);
            await using (var take = new NpgsqlCommand("SELECT pg_advisory_lock($1)", holder) { Parameters = { new() { Value = LockKey } } })
                await take.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
            // The migrator knows no asynchronous calls.
            await Task.Run(() => Upgrade.Run(DeployChanges.To.PostgresqlDatabase(plain.ToString()), $"{typeof(PostgresMigrations).Namespace}.Migrations.", plain.Database ?? "", logger), cancel)
                .ConfigureAwait(false);
        }
        catch (NpgsqlException exception)
        {
            throw new StorageOpenException("The database cannot be reached, or refuses what migrations need.", exception);
        }
    }
}
