using System.Globalization;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// The day partitions (UTC) of ping records: made ahead, so that no record waits for its table at midnight, and dropped whole when they are too old.
/// Several silos may do both at once.
/// </summary>
internal static class PingPartitions
{
    /// <summary>Ours in this database: whoever changes partitions holds it to the end of the transaction.</summary>
    private const long LockKey = 0x4C65_6164_5069_6E67;

    private const string Prefix = "ping_block_";
    private const long MillisecondsPerDay = 86_400_000;
    private const int DaysAhead = 2;

    /// <summary>Days since 1970 (UTC).</summary>
    public static long DayOf(long unixMilliseconds) => unixMilliseconds / MillisecondsPerDay;

    /// <summary>As <see cref="DayOf"/>, of a tenth of a second.</summary>
    public static long DayOfTenth(long tenth) => tenth / PingBlock.TenthOf(MillisecondsPerDay);

    /// <summary>Today's and the next days' partitions are there afterwards.</summary>
    public static async Task MakeAsync(NpgsqlDataSource source, long nowMs, CancellationToken cancel)
    {
        await using var connection = await source.OpenConnectionAsync(cancel).ConfigureAwait(false);
        var days = await DaysAsync(connection, cancel).ConfigureAwait(false);
        for (var day = DayOf(nowMs); day <= DayOf(nowMs) + DaysAhead; day++) if (!days.Contains(day)) Make(connection, day);
    }

    /// <summary>Those before <paramref name="oldestMs"/> are not there afterwards, unless somebody reads them just now.</summary>
    public static async Task DropAsync(NpgsqlDataSource source, long oldestMs, CancellationToken cancel)
    {
        await using var connection = await source.OpenConnectionAsync(cancel).ConfigureAwait(false);
        foreach (var day in (await DaysAsync(connection, cancel).ConfigureAwait(false)).Where(day => day < DayOf(oldestMs)).Order())
        {
            try
            {
                Drop(connection, day);
            }
            catch (PostgresException fault) when (fault.SqlState == PostgresErrorCodes.LockNotAvailable)
            {
                return;
            }
        }
    }

    /// <summary>Which days have a partition.</summary>
    public static async Task<HashSet<long>> DaysAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var days = new HashSet<long>();
        await using var list = new NpgsqlCommand("SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'ping_block'::regclass", connection);
        await using var reader = await list.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        while (await reader.ReadAsync(cancel).ConfigureAwait(false)) days.Add(long.Parse(reader.GetString(0).AsSpan(Prefix.Length), CultureInfo.InvariantCulture));
        return days;
    }

    /// <summary>Made apart and then attached, which stops neither readers nor writers of the other days.</summary>
    public static void Make(NpgsqlConnection connection, long day)
    {
        using var transaction = Locked(connection);
        var (from, to) = (PingBlock.TenthOf(day * MillisecondsPerDay), PingBlock.TenthOf((day + 1) * MillisecondsPerDay));
        // Names and bounds are numbers of ours; statements of this kind take no parameters.
        var sql = string.Create(CultureInfo.InvariantCulture, $"""
            DO $$ BEGIN
                IF to_regclass('{Prefix}{day}') IS NULL THEN
                    CREATE TABLE {Prefix}{day} (LIKE ping_block INCLUDING ALL);
                    ALTER TABLE ping_block ATTACH PARTITION {Prefix}{day} FOR VALUES FROM ({from}) TO ({to});
                END IF;
            END $$
            """);
        Execute(connection, sql);
        transaction.Commit();
    }

    private static void Drop(NpgsqlConnection connection, long day)
    {
        using var transaction = Locked(connection);
        // Whoever waits for this lock keeps everybody after it from their pings.
        Execute(connection, "SET LOCAL lock_timeout = '100ms'");
        Execute(connection, string.Create(CultureInfo.InvariantCulture, $"DROP TABLE IF EXISTS {Prefix}{day}"));
        transaction.Commit();
    }

    private static NpgsqlTransaction Locked(NpgsqlConnection connection)
    {
        var transaction = connection.BeginTransaction();
        using var take = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1)", connection) { Parameters = { new() { Value = LockKey } } };
        take.ExecuteNonQuery();
        return transaction;
    }

    private static void Execute(NpgsqlConnection connection, string sql)
    {
#pragma warning disable CA2100 // Made of numbers alone.
        using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
