using System.Globalization;
using Exchange.Engine.Values;
using Exchange.Storage;
using Npgsql;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// A PostgreSQL of the tests' own: a cluster in a temporary folder on a free loopback port. All test classes that run at the same time share one; the last of
/// them stops it. Nobody ever pulls its plug, so it does not sync: those that do so start a <see cref="PostgresServer"/> of their own.
/// </summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    private static readonly SemaphoreSlim Gate = new(1, 1);
    private static PostgresServer? shared;
    // Databases are made by the hundred, and a connection for each would be a process of its own.
    private static NpgsqlConnection? maker;
    private static int users;
    private static int databases;

    public async Task InitializeAsync()
    {
        await Gate.WaitAsync();
        try
        {
            shared ??= await PostgresServer.StartAsync(syncs: false);
            users++;
        }
        finally { Gate.Release(); }
    }

    public async Task DisposeAsync()
    {
        await Gate.WaitAsync();
        try
        {
            if (--users > 0) return;
            NpgsqlConnection.ClearAllPools();
            if (maker is not null) await maker.DisposeAsync();
            maker = null;
            await shared!.DisposeAsync();
            shared = null;
        }
        finally { Gate.Release(); }
    }

    public static int Port => shared!.Port;

    /// <summary>A database of its own with the whole schema and no rows.</summary>
    public static async Task<string> CreateDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref databases)}");
        await Gate.WaitAsync();
        try { await ExecuteAsync(maker ??= await OpenAsync(ConnectionString("postgres")), $"CREATE DATABASE {name} TEMPLATE {PostgresServer.Template} STRATEGY FILE_COPY"); }
        finally { Gate.Release(); }
        return ConnectionString(name);
    }

    public static string ConnectionString(string database, int? port = null) =>
        string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={port ?? Port};Username=postgres;Database={database};Pooling=true");

    public static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = await OpenAsync(connectionString);
        await ExecuteAsync(connection, sql);
    }

    public static async Task<long> ReadAsync(string connectionString, string sql)
    {
        await using var connection = await OpenAsync(connectionString);
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>How many of these pings have no record yet.</summary>
    public static Task<long> UnrecordedAsync(string connectionString, IEnumerable<string> pings)
    {
        var rows = pings.Select(static ping => LeadId.TryParse(ping, out var id)
            ? string.Create(CultureInfo.InvariantCulture, $"({PingBlock.TenthOf(id.UnixMilliseconds)}, '\\x{Convert.ToHexString(id.ToBytes())}'::bytea)") : throw new FormatException("a ping's id"));
        return ReadAsync(connectionString,
            $"SELECT count(*) FROM (VALUES {string.Join(", ", rows)}) ping (slot, id) WHERE NOT EXISTS (SELECT 1 FROM ping_block block WHERE block.slot = ping.slot AND position(ping.id IN block.body) > 0)");
    }

    /// <summary>Takes a ping's record away, with those that lie in a block with it; how many blocks went.</summary>
    public static Task<long> ForgetPingAsync(string connectionString, string ping) => ReadAsync(connectionString, LeadId.TryParse(ping, out var id)
        ? $"WITH gone AS (DELETE FROM ping_block WHERE position('\\x{Convert.ToHexString(id.ToBytes())}'::bytea IN body) > 0 RETURNING 1) SELECT count(*) FROM gone"
        : throw new FormatException("a ping's id"));

    private static async Task<NpgsqlConnection> OpenAsync(string connectionString)
    {
        var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
