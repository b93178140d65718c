using Exchange.Engine.Values;
using Npgsql;
using NpgsqlTypes;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Statements with their values by place ($1, $2 …), and rows read by place. What the database cannot do now is told as
/// <see cref="StorageBusyException"/>; a statement that is wrong stays an exception of the driver.
/// </summary>
internal static class Sql
{
    public static Task<List<T>> AllAsync<T>(this NpgsqlDataSource source, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values) =>
        ReadAsync(source, isReport: false, sql, read, values, cancel);

    /// <summary>
    /// The same for a report: at its time limit it is told as <see cref="ReportTooLongException"/>, as the same again takes as long. It changes nothing, so where its connection
    /// turns out to be gone it is asked once more on another.
    /// </summary>
    public static Task<List<T>> ReportAsync<T>(
        this NpgsqlDataSource reports, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values) =>
        ReadAsync(reports, isReport: true, sql, read, values, cancel);

    private static async Task<List<T>> ReadAsync<T>(NpgsqlDataSource source, bool isReport, string sql, Func<NpgsqlDataReader, T> read, object?[] values, CancellationToken cancel)
    {
        try
        {
            try
            {
                return await OnceAsync().ConfigureAwait(false);
            }
            catch (NpgsqlException fault) when (isReport && Faults.IsLost(fault))
            {
                // The driver has emptied its pool at this: what it gives now is new.
                return await OnceAsync().ConfigureAwait(false);
            }
        }
        catch (PostgresException fault) when (isReport && fault.SqlState == PostgresErrorCodes.QueryCanceled)
        {
            throw new ReportTooLongException();
        }
        catch (Exception fault) when (Faults.IsBusy(fault))
        {
            throw new StorageBusyException("The database cannot be read now");
        }

        async Task<List<T>> OnceAsync()
        {
            await using var connection = await source.OpenAsync(cancel).ConfigureAwait(false);
            return await connection.AllAsync(sql, read, cancel, values).ConfigureAwait(false);
        }
    }

    /// <summary>A connection for several statements. That all are in use, or that there is no database to connect to, is the database's state too.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(this NpgsqlDataSource source, CancellationToken cancel)
    {
        try
        {
            return await source.OpenConnectionAsync(cancel).ConfigureAwait(false);
        }
        catch (Exception fault) when (Faults.IsBusy(fault))
        {
            throw new StorageBusyException("The database cannot be read now");
        }
    }

    /// <summary>The first row, or the type's default.</summary>
    public static async Task<T?> FirstAsync<T>(this NpgsqlDataSource source, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values) =>
        (await source.AllAsync(sql, read, cancel, values).ConfigureAwait(false)) is [var first, ..] ? first : default;

    public static async Task<List<T>> AllAsync<T>(this NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values)
    {
        var rows = new List<T>();
        await using var command = Command(connection, sql, values);
        await using var reader = await command.ExecuteReaderAsync(cancel).ConfigureAwait(false);
        while (await reader.ReadAsync(cancel).ConfigureAwait(false)) rows.Add(read(reader));
        return rows;
    }

    public static async Task<T?> FirstAsync<T>(this NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] values) =>
        (await connection.AllAsync(sql, read, cancel, values).ConfigureAwait(false)) is [var first, ..] ? first : default;

    /// <summary>How many rows it changed.</summary>
    public static async Task<int> RunAsync(this NpgsqlConnection connection, string sql, CancellationToken cancel, params object?[] values)
    {
        await using var command = Command(connection, sql, values);
        return await command.ExecuteNonQueryAsync(cancel).ConfigureAwait(false);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, object?[] values)
    {
#pragma warning disable CA2100 // Statements are written in this project; what comes from outside is a value.
        var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        foreach (var value in values) command.Parameters.Add(Parameter(value));
        return command;
    }

    private static NpgsqlParameter Parameter(object? value) => value switch
    {
        null => new() { Value = DBNull.Value },
        LeadId lead => new() { NpgsqlDbType = NpgsqlDbType.Uuid, Value = lead.ToGuid() },
        LeadId[] leads => new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid, Value = Array.ConvertAll(leads, static lead => lead.ToGuid()) },
        Money money => new() { NpgsqlDbType = NpgsqlDbType.Bigint, Value = money.Micros },
        _ => new() { Value = value },
    };

    public static string Text(this NpgsqlDataReader row, int i) => row.GetString(i);
    public static string? TextOrNull(this NpgsqlDataReader row, int i) => row.IsDBNull(i) ? null : row.GetString(i);
    public static long Long(this NpgsqlDataReader row, int i) => row.GetInt64(i);
    public static long? LongOrNull(this NpgsqlDataReader row, int i) => row.IsDBNull(i) ? null : row.GetInt64(i);
    public static int Int(this NpgsqlDataReader row, int i) => row.GetInt32(i);
    public static bool Bool(this NpgsqlDataReader row, int i) => row.GetBoolean(i);
    public static byte[] Blob(this NpgsqlDataReader row, int i) => row.GetFieldValue<byte[]>(i);
    public static byte[]? BlobOrNull(this NpgsqlDataReader row, int i) => row.IsDBNull(i) ? null : row.GetFieldValue<byte[]>(i);
    public static LeadId Lead(this NpgsqlDataReader row, int i) => LeadId.FromGuid(row.GetGuid(i));
}
