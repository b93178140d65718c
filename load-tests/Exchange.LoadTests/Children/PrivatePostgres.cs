using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Exchange.LoadTests.Children;

/// <summary>A PostgreSQL of this run's own on a free loopback port, with fsync on; as root it runs as the user postgres. Gone with this object.</summary>
internal sealed class PrivatePostgres : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private readonly int _port;
    private Process? _server;

    private PrivatePostgres(string folder, int port) => (_folder, _port) = (folder, port);

    public string Database => string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username=postgres;Database=exchange");

    /// <summary>Of one server on it.</summary>
    public Dictionary<string, string> Settings() => new()
    {
        ["Exchange__Postgres"] = Database, ["Exchange__MasterKey"] = Convert.ToBase64String(new byte[32]),
        ["Exchange__Silo__Port"] = FreePorts.Find(1)[0].ToString(CultureInfo.InvariantCulture), ["Exchange__Silo__DrainSeconds"] = "0",
    };

    public static async Task<PrivatePostgres> StartAsync(CancellationToken cancel)
    {
        var postgres = new PrivatePostgres(Path.Combine(Path.GetTempPath(), "exchange-crash-pg-" + Guid.NewGuid().ToString("N")), FreePorts.Find(1)[0]);
        using (var made = Run("initdb", "-D", postgres._folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"))
        {
            await made.WaitForExitAsync(cancel);
            if (made.ExitCode != 0) throw new RunFailedException("initdb failed");
        }
        try
        {
            await postgres.StartServerAsync(cancel);
            await using var admin = new NpgsqlConnection(postgres.Database.Replace("Database=exchange", "Database=postgres", StringComparison.Ordinal) + ";Pooling=false");
            await admin.OpenAsync(cancel);
            await using var create = new NpgsqlCommand("CREATE DATABASE exchange", admin);
            await create.ExecuteNonQueryAsync(cancel);
            return postgres;
        }
        catch
        {
            await postgres.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it on its folder and waits until it answers.</summary>
    public async Task StartServerAsync(CancellationToken cancel)
    {
        _server = Run("postgres", "-D", _folder, "-p", _port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1", "-k", _folder, "-c", "max_connections=200", "-c", "shared_buffers=64MB");
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await using var asking = new NpgsqlConnection(string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username=postgres;Database=postgres;Pooling=false;Timeout=2"));
                await asking.OpenAsync(cancel);
                return;
            }
            catch (NpgsqlException) when (!_server.HasExited && Stopwatch.GetElapsedTime(began) < StartPatience)
            {
                await Task.Delay(20, cancel);
            }
        }
    }

    /// <summary>As <c>pg_ctl stop -m immediate</c>: no checkpoint, all backends gone; the next start recovers from its log.</summary>
    public async Task StopImmediatelyAsync()
    {
        await Signal.SendAsync(_server!, "QUIT");
        await _server!.WaitForExitAsync();
        _server.Dispose();
        _server = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { HasExited: false }) await StopImmediatelyAsync();
        _server?.Dispose();
        NpgsqlConnection.ClearAllPools();
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private static Process Run(string program, params string[] arguments)
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
        var process = Process.Start(start) ?? throw new RunFailedException($"{program} did not start");
        // Read and dropped, so that it never waits for a reader.
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static string Binaries() =>
        Directory.Exists("/usr/lib/postgresql")
        && Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).LastOrDefault(bin => File.Exists(Path.Combine(bin, "initdb"))) is { } found
            ? found : throw new RunFailedException("PostgreSQL is not installed: apt-get install postgresql");
}
