using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Exchange.Storage.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// A PostgreSQL of the tests' own: a cluster in a temporary folder on a free loopback port, with fsync on. All test classes that run at the same time
/// share one; the last of them stops it. As root its processes run as the user postgres, because PostgreSQL refuses root.
/// </summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    private const string Template = "exchange_template";
    private static readonly SemaphoreSlim Gate = new(1, 1);
    private static Running? shared;
    private static int users;
    private static int databases;

    public async Task InitializeAsync()
    {
        await Gate.WaitAsync();
        try
        {
            shared ??= await Running.StartAsync();
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
            await shared!.StopAsync();
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
        try { await ExecuteAsync(ConnectionString("postgres"), $"CREATE DATABASE {name} TEMPLATE {Template}"); }
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

    private sealed class Running(string folder, int port, Process server, ConcurrentQueue<string> said)
    {
        public int Port => port;

        public static async Task<Running> StartAsync()
        {
            var folder = Path.Combine(Path.GetTempPath(), "exchange-postgres-" + Guid.NewGuid().ToString("N"));
            var said = new ConcurrentQueue<string>();
            using (var made = Start("initdb", said, "-D", folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"))
            {
                await made.WaitForExitAsync();
                if (made.ExitCode != 0) throw new InvalidOperationException("initdb failed: " + string.Join('\n', said));
            }
            var port = FreePorts.Next();
            var server = Start("postgres", said, "-D", folder, "-p", port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1", "-k", folder,
                "-c", "shared_buffers=64MB", "-c", "max_connections=200", "-c", "fsync=on", "-c", "full_page_writes=on", "-c", "max_wal_size=2GB", "-c", "log_min_messages=warning");
            var running = new Running(folder, port, server, said);
            try
            {
                await running.UntilReadyAsync();
                var admin = $"Host=127.0.0.1;Port={port};Username=postgres;Pooling=false;Database=";
                await ExecuteAsync(admin + "postgres", $"CREATE DATABASE {Template}");
                await PostgresMigrations.RunAsync(admin + Template, NullLogger.Instance, default);
                return running;
            }
            catch
            {
                await running.StopAsync();
                throw;
            }
        }

        private async Task UntilReadyAsync()
        {
            var deadline = Stopwatch.StartNew();
            while (true)
            {
                try
                {
                    await ExecuteAsync($"Host=127.0.0.1;Port={port};Username=postgres;Database=postgres;Timeout=2", "SELECT 1");
                    return;
                }
                catch (NpgsqlException) when (!server.HasExited && deadline.Elapsed < TimeSpan.FromSeconds(30)) { await Task.Delay(50); }
                catch (NpgsqlException exception) { throw new InvalidOperationException("PostgreSQL did not start: " + string.Join('\n', said), exception); }
            }
        }

        /// <summary>Ends exactly the process that was started here, at once: nobody wants the data, so nobody waits until all of it is on disk.</summary>
        public async Task StopAsync()
        {
            NpgsqlConnection.ClearAllPools();
            using (var kill = Process.Start("kill", ["-QUIT", server.Id.ToString(CultureInfo.InvariantCulture)])) await kill.WaitForExitAsync();
            await server.WaitForExitAsync();
            server.Dispose();
            Directory.Delete(folder, recursive: true);
        }

        private static Process Start(string program, ConcurrentQueue<string> said, params string[] arguments)
        {
            var path = Path.Combine(Binaries(), program);
            var start = new ProcessStartInfo { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() };
            if (Environment.IsPrivilegedProcess)
            {
                start.FileName = "setpriv";
                foreach (var argument in new[] { "--reuid=postgres", "--regid=postgres", "--clear-groups", path }) start.ArgumentList.Add(argument);
            }
            else start.FileName = path;
            foreach (var argument in arguments) start.ArgumentList.Add(argument);
            var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
            process.OutputDataReceived += Keep;
            process.ErrorDataReceived += Keep;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            return process;

            void Keep(object sender, DataReceivedEventArgs line)
            {
                if (line.Data is null) return;
                said.Enqueue(line.Data);
                while (said.Count > 200) said.TryDequeue(out _);
            }
        }

        private static string Binaries() =>
            Directory.Exists("/usr/lib/postgresql")
            && Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb")))
                .Order(StringComparer.Ordinal).LastOrDefault() is { } found
                ? found : throw new InvalidOperationException("The tests need PostgreSQL: apt-get install postgresql");
    }
}
