using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Exchange.Storage.Postgres;
using Exchange.System.Tests.Faults;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// One PostgreSQL in a temporary folder on a free loopback port. It can be stopped as by a power switch and started again. As root its
/// processes run as the user postgres, because PostgreSQL refuses root.
/// </summary>
/// <param name="disk">Where its folder is; null: among the temporary files.</param>
/// <param name="machine">On which it runs; null: this one as it is.</param>
/// <param name="folder">Its data directory, which goes with it.</param>
/// <param name="syncs">Whether a commit is on disk when it is told: what is never stopped by a power switch does not need it. Nor does it clean up after itself: its databases live for seconds.</param>
internal sealed class PostgresServer(SmallDisk? disk, FaultyMachine? machine, string folder, bool syncs) : IAsyncDisposable
{
    /// <summary>A database with the whole schema and no rows, to make others from.</summary>
    public const string Template = "exchange_template";

    private static readonly Lock Leftovers = new();

    private readonly ConcurrentQueue<string> said = new();
    private Process? server;

    public int Port { get; } = FreePorts.Next();

    /// <summary>
    /// The data directory of a server that was stopped in good order, with the template in it. Made once: others begin with a copy of it, which costs a tenth of what
    /// initdb and all migrations do. It goes with this process.
    /// </summary>
    private static readonly Lazy<Task<string>> Prepared = new(PrepareAsync);

    public static async Task<PostgresServer> StartAsync(SmallDisk? disk = null, FaultyMachine? machine = null, bool syncs = true)
    {
        var folder = Path.Combine(disk?.Place ?? (syncs ? Path.GetTempPath() : InMemory()), "exchange-postgres-" + Guid.NewGuid().ToString("N"));
        var postgres = new PostgresServer(disk, machine, folder, syncs);
        await postgres.RunToItsEndAsync("/bin/cp", "-a", await Prepared.Value, folder);
        return await StartedAsync(postgres);
    }

    private static async Task<string> PrepareAsync()
    {
        const string prefix = "exchange-prepared-";
        var (parent, own) = (InMemory(), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        // What a run that was killed left there would be there for good.
        foreach (var left in Directory.GetDirectories(parent, prefix + "*"))
            if (Path.GetFileName(left)[prefix.Length..] is var of && (of == own || !Directory.Exists("/proc/" + of))) Directory.Delete(left, recursive: true);
        var folder = Path.Combine(parent, prefix + own);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => { if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true); };
        var postgres = new PostgresServer(null, null, folder, syncs: false);
        await postgres.RunToItsEndAsync("initdb", "-D", folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync");
        try
        {
            await postgres.StartAgainAsync();
            await PostgresCluster.ExecuteAsync(postgres.ConnectionString("postgres"), $"CREATE DATABASE {Template}");
            await PostgresMigrations.RunAsync(postgres.ConnectionString(Template), NullLogger.Instance, default);
            // With a checkpoint: whoever starts on the copy has nothing to recover.
            await postgres.StopAsync("INT");
            return folder;
        }
        catch
        {
            await postgres.DisposeAsync();
            throw;
        }
    }

    /// <summary>On a data directory that somebody made.</summary>
    public static Task<PostgresServer> StartOnAsync(string folder) => StartedAsync(new PostgresServer(null, null, folder, syncs: true));

    private static async Task<PostgresServer> StartedAsync(PostgresServer postgres)
    {
        try
        {
            await postgres.StartAgainAsync();
            return postgres;
        }
        catch
        {
            await postgres.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lines of a shell that finds PostgreSQL's programs and, with them, this server; as its user. Throws with what they said.</summary>
    public async Task ShellAsync(string lines)
    {
        said.Clear();
        using var shell = Run("/bin/sh", "-e", "-c", $"export PATH={Binaries()}:$PATH PGHOST=127.0.0.1 PGPORT={Port.ToString(CultureInfo.InvariantCulture)} PGUSER=${{PGUSER:-postgres}}\n{lines}");
        await shell.WaitForExitAsync();
        if (shell.ExitCode != 0) throw new InvalidOperationException($"{lines}\nended with {shell.ExitCode}: {string.Join('\n', said)}");
    }

    /// <summary>Its data directory.</summary>
    public string Folder => folder;

    /// <summary>Whether it ended by itself.</summary>
    public bool HasEnded => server is { HasExited: true };

    public string ConnectionString(string database) => PostgresCluster.ConnectionString(database, Port);

    /// <summary>On its folder as it is; done when it answers.</summary>
    public async Task StartAgainAsync()
    {
        server = Run("postgres", "-D", folder, "-p", Port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1", "-k", folder,
            "-c", "shared_buffers=64MB", "-c", "max_connections=200", "-c", syncs ? "fsync=on" : "fsync=off", "-c", syncs ? "autovacuum=on" : "autovacuum=off", "-c", syncs ? "full_page_writes=on" : "full_page_writes=off", "-c", syncs ? "max_wal_size=2GB" : "max_wal_size=256MB", "-c", "log_min_messages=warning");
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await PostgresCluster.ExecuteAsync(ConnectionString("postgres") + ";Timeout=2", "SELECT 1");
                return;
            }
            catch (NpgsqlException) when (!server.HasExited && deadline.Elapsed < TimeSpan.FromSeconds(120)) { await Task.Delay(50); }
            catch (NpgsqlException exception) { throw new InvalidOperationException("PostgreSQL did not start: " + string.Join('\n', said), exception); }
        }
    }

    /// <summary>Ends exactly the process that was started here, and with it all of its own, at once: no checkpoint, no word to clients. The next start recovers from its log.</summary>
    public Task StopImmediatelyAsync() => StopAsync("QUIT");

    private async Task StopAsync(string signal)
    {
        await Signal.SendAsync(server!, signal);
        await server!.WaitForExitAsync();
        server.Dispose();
        server = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (server is { HasExited: false }) await StopImmediatelyAsync();
        server?.Dispose();
        if (disk is null) Directory.Delete(folder, recursive: true);
    }

    /// <summary>Throws with what it said.</summary>
    private async Task RunToItsEndAsync(string program, params string[] arguments)
    {
        using var run = Run(program, arguments);
        await run.WaitForExitAsync();
        if (run.ExitCode != 0) throw new InvalidOperationException($"{program} failed: {string.Join('\n', said)}");
    }

    private Process Run(string program, params string[] arguments)
    {
        var path = Path.Combine(Binaries(), program);
        var start = new ProcessStartInfo { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() };
        string[] line = [.. disk?.Into ?? machine?.Into ?? [], .. Environment.IsPrivilegedProcess ? (string[])["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [], path, .. arguments];
        start.FileName = line[0];
        foreach (var argument in line[1..]) start.ArgumentList.Add(argument);
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

    /// <summary>
    /// In memory where there is plenty: a database is some 460 files of 9 MB together. To make hundreds and take them away again is a minute of the disk's time, and
    /// whoever syncs meanwhile waits for it.
    /// </summary>
    private static string InMemory()
    {
        const string memory = "/dev/shm";
        const long plenty = 8L << 30;
        if (!Directory.Exists(memory)) return Path.GetTempPath();
        // What a run that was killed left there would be there for good.
        lock (Leftovers)
            foreach (var left in Directory.GetDirectories(memory, "exchange-postgres-*"))
                if (Path.Combine(left, "postmaster.pid") is var file && File.Exists(file) && !Directory.Exists("/proc/" + File.ReadLines(file).First())) Directory.Delete(left, recursive: true);
        if (new DriveInfo(memory).AvailableFreeSpace < plenty) return Path.GetTempPath();
        var available = File.ReadLines("/proc/meminfo").First(static line => line.StartsWith("MemAvailable:", StringComparison.Ordinal));
        return long.Parse(available.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10 > plenty ? memory : Path.GetTempPath();
    }

    private static string Binaries() =>
        Directory.Exists("/usr/lib/postgresql")
        && Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb")))
            .Order(StringComparer.Ordinal).LastOrDefault() is { } found
            ? found : throw new InvalidOperationException("The tests need PostgreSQL: apt-get install postgresql");
}
