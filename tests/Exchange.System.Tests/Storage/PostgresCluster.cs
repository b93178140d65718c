using System.Globalization;
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
        try { await ExecuteAsync(ConnectionString("postgres"), $"CREATE DATABASE {name} TEMPLATE {PostgresServer.Template} STRATEGY FILE_COPY"); }
        finally { Gate.Release(); }
        return ConnectionString(name);
    }

    public static string ConnectionString(string database, int? port = null) =>
        string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={port ?? Port};Username=postgres;Database={database};Pooling=true");

    public static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public static async Task<long> ReadAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }
}
