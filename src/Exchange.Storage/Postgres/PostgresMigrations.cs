using DbUp;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Brings the database's schema (facts, ping records, grain memory and membership) to what this build knows. One process does it, the others wait for it
/// and find it done: under an advisory lock, which ends with its connection.
/// </summary>
/// <remarks>
/// A script that waits for a table's lock keeps everybody behind it from that table, sales too, as long as whoever has the lock: a dump, an hour. So it waits for a
/// moment, is undone, lets them by and is tried again, until it has the lock.
/// </remarks>
public static class PostgresMigrations
{
    /// <summary>Ours in this database: no other lock of ours has it.</summary>
    private const long LockKey = 0x4C65_6164_4D69_6772;

    /// <summary>A migration may take its time; whoever waits for it waits as long.</summary>
    private const int NoTimeout = 0;

    /// <summary>Shorter than sales wait for a lock before they give up.</summary>
    private const string Impatience = "-c lock_timeout=2000";
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromSeconds(30);

    private static readonly string Prefix = $"{typeof(PostgresMigrations).Namespace}.Migrations.";

    /// <exception cref="StorageOpenException">With a sentence for the operator.</exception>
    public static async Task RunAsync(string connectionString, ILogger logger, CancellationToken cancel)
    {
        var plain = new NpgsqlConnectionStringBuilder(PostgresDatabase.Read(connectionString).ToString()) { Pooling = false, CommandTimeout = NoTimeout };
        PostgresDatabase.NoticeALostMachine(plain);
        try
        {
            await using var source = PostgresDatabase.Source(plain);
            await using var holder = await source.OpenConnectionAsync(cancel).ConfigureAwait(false);
            // Before the lock too: a session that was lost while it had it is remembered by the database for long.
            if (await IsDoneAsync(holder, cancel).ConfigureAwait(false)) return;
            await using (var take = new NpgsqlCommand("SELECT pg_advisory_lock($1)", holder) { Parameters = { new() { Value = LockKey } } })
                await take.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
            if (await IsDoneAsync(holder, cancel).ConfigureAwait(false)) return;
            plain.Options = plain.Options is { Length: > 0 } own ? $"{Impatience} {own}" : Impatience;
            for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
            {
                try
                {
                    // The migrator knows no asynchronous calls.
                    await Task.Run(() => Upgrade.Run(DeployChanges.To.PostgresqlDatabase(plain.ToString()), Prefix, plain.Database ?? "", logger), cancel)
                        .ConfigureAwait(false);
                    return;
                }
                catch (Exception fault) when (fault.GetBaseException() is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable })
                {
                    logger.LogWarning("Migration: {What} Somebody reads a table that it changes; it is tried again in {Seconds} s", fault.Message, pause.TotalSeconds);
                }
                await Task.Delay(pause, cancel).ConfigureAwait(false);
            }
        }
        catch (NpgsqlException exception)
        {
            throw new StorageOpenException("The database cannot be reached, or refuses what migrations need.", exception);
        }
    }

    /// <summary>At almost every start, and the migrator needs connections of its own to find it.</summary>
    private static async Task<bool> IsDoneAsync(NpgsqlConnection database, CancellationToken cancel)
    {
        if (!await database.FirstAsync("SELECT to_regclass('schemaversions') IS NOT NULL", static row => row.Bool(0), cancel).ConfigureAwait(false)) return false;
        var done = await database.AllAsync("SELECT scriptname FROM schemaversions", static row => row.Text(0), cancel).ConfigureAwait(false);
        return Upgrade.Scripts(Prefix).ToHashSet(StringComparer.Ordinal).SetEquals(done);
    }
}
