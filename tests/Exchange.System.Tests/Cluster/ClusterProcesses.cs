using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;

namespace Exchange.System.Tests.Cluster;

/// <summary>Real servers over one PostgreSQL, each a process of its own, with silo ports on loopback.</summary>
internal sealed class ClusterProcesses : IAsyncDisposable
{
    private readonly Dictionary<string, string> settings;
    private readonly List<(ExchangeProcess Process, Dictionary<string, string> Settings)> members = [];

    private ClusterProcesses(Dictionary<string, string> settings) => this.settings = settings;

    public IReadOnlyList<ExchangeProcess> All => [.. members.Select(member => member.Process)];
    public ExchangeProcess this[int index] => members[index].Process;
    public string Database => settings["Exchange__Postgres"];

    /// <param name="more">More settings of every member.</param>
    public static async Task<ClusterProcesses> StartAsync(int count, params (string Name, string Value)[] more)
    {
        var cluster = new ClusterProcesses(new()
        {
            ["Exchange__Postgres"] = await PostgresCluster.CreateDatabaseAsync(),
            ["Exchange__MasterKey"] = Convert.ToBase64String(new byte[32]),
            ["Exchange__Cluster__Id"] = "test-" + Guid.NewGuid().ToString("N"),
            ["Exchange__Silo__DrainSeconds"] = "2",
        });
        foreach (var (name, value) in more) cluster.settings[name] = value;
        for (var i = 0; i < count; i++) await cluster.AddAsync();
        return cluster;
    }

    /// <param name="more">More settings of this member.</param>
    public async Task AddAsync(params (string Name, string Value)[] more)
    {
        var own = new Dictionary<string, string>(settings)
        {
            ["Exchange__Silo__Port"] = Market.Text(FreePorts.Next()), ["Exchange__Silo__Name"] = "member-" + Market.Text(members.Count),
        };
        foreach (var (name, value) in more) own[name] = value;
        members.Add((await ExchangeProcess.StartAsync(environment: own), own));
    }

    /// <summary>Again at its place, after a stop or a kill.</summary>
    public Task RestartAsync(int index) => members[index].Process.RestartAsync(members[index].Settings);

    public async ValueTask DisposeAsync()
    {
        foreach (var (process, _) in members) await process.DisposeAsync();
    }
}

/// <summary>
/// A publisher that does what a load balancer does: it asks each server ten times a second whether it is ready and sends only to those that said so. It
/// pings at one and posts at any, and repeats what failed elsewhere until it has an answer.
/// </summary>
internal sealed class ClusterLoad : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    /// <summary>Less than a server drains: what was sent to one that had not said for longer that it is ready failed because this process stood still.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1.5);
    /// <summary>A server that stands still for a moment has others answer that its caller shall come again.</summary>
    private static readonly TimeSpan ComesAgain = TimeSpan.FromSeconds(10);

    private readonly IReadOnlyList<ExchangeProcess> servers;
    private readonly string key;
    private readonly bool[] ready;
    // When those were asked that said so.
    private readonly long[] saidReady;
    private readonly TimeSpan think;
    private readonly CancellationTokenSource stop = new();
    private readonly HttpClient health = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromSeconds(1) }) { Timeout = TimeSpan.FromSeconds(1) };
    private readonly List<Task> running = [];
    private long sold, requests, failures, lost;

    /// <param name="thinkMs">Between two leads of a worker: the processor is the servers'.</param>
    public ClusterLoad(IReadOnlyList<ExchangeProcess> servers, string key, int workers, int thinkMs = 100)
    {
        think = TimeSpan.FromMilliseconds(thinkMs);
        this.servers = servers;
        this.key = key;
        ready = [.. servers.Select(static _ => true)];
        saidReady = [.. servers.Select(static _ => Stopwatch.GetTimestamp())];
        for (var i = 0; i < servers.Count; i++) running.Add(WatchAsync(i));
        for (var i = 0; i < workers; i++) running.Add(WorkAsync(i));
    }

    public long Sold => Interlocked.Read(ref sold);
    public long Requests => Interlocked.Read(ref requests);
    /// <summary>Requests to a server that had just said it was ready, and that were not answered with 200 or 202.</summary>
    public long Failures => Interlocked.Read(ref failures);
    /// <summary>Posts of pings that no server knows any more.</summary>
    public long Lost => Interlocked.Read(ref lost);
    /// <summary>What failed and when, the first few.</summary>
    public ConcurrentQueue<string> Told { get; } = new();
    /// <summary>For each lead or ping with a failure: from when it was first sent to its answer.</summary>
    public ConcurrentBag<TimeSpan> Outages { get; } = [];

    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!holds())
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(60)) throw new TimeoutException("not within 60 s: " + what);
            await Task.Delay(20);
        }
    }

    private async Task WatchAsync(int index)
    {
        try
        {
            while (true)
            {
                try
                {
                    var asked = Stopwatch.GetTimestamp();
                    using var reply = await health.GetAsync(new Uri($"http://127.0.0.1:{servers[index].ManagementPort}/health/ready"), stop.Token);
                    ready[index] = reply.IsSuccessStatusCode;
                    if (reply.IsSuccessStatusCode) Volatile.Write(ref saidReady[index], asked);
                }
                catch (Exception fault) when (IsNoAnswer(fault))
                {
                    ready[index] = false;
                }
                await Task.Delay(Look, stop.Token);
            }
        }
        catch (OperationCanceledException) { }
    }

    /// <summary>A connection that is reset as soon as it stands comes out of the client as it is.</summary>
    private static bool IsNoAnswer(Exception fault) => fault is HttpRequestException or TaskCanceledException or IOException or SocketException;

    /// <summary>Posts an offer wherever a server is ready, again and again until it is answered; how long that took, or null: its ping is lost.</summary>
    public async Task<TimeSpan?> PostAsync(string ping)
    {
        var began = Stopwatch.GetTimestamp();
        var reply = await AnsweredAsync(new Random(ping.GetHashCode(StringComparison.Ordinal)), "/v1/posts", new { ping_id = ping, fields = Sender.NextPerson() });
        return reply?["status"] == "sold" ? Stopwatch.GetElapsedTime(began) : null;
    }

    private async Task WorkAsync(int worker)
    {
        var random = new Random(worker);
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(think);
            var ping = await AnsweredAsync(random, "/v1/pings", new { vertical = "auto", fields = new { zip = "90210", state = "CA" } });
            if (ping?["ping_id"] is not { } id || ping["status"] != "offered") continue;
            if ((await AnsweredAsync(random, "/v1/posts", new { ping_id = id, fields = Sender.NextPerson() }))?["status"] == "sold") Interlocked.Increment(ref sold);
        }
    }

    /// <summary>Null: the load has ended, or it can never be answered (its silo took the ping with it).</summary>
    private async Task<Reply?> AnsweredAsync(Random random, string path, object body)
    {
        var json = global::System.Text.Json.JsonSerializer.Serialize(body);
        var (began, failed) = (Stopwatch.GetTimestamp(), false);
        while (!stop.IsCancellationRequested)
        {
            var candidates = Enumerable.Range(0, servers.Count).Where(i => ready[i]).ToArray();
            if (candidates.Length == 0)
            {
                await Task.Delay(10);
                continue;
            }
            var at = candidates[random.Next(candidates.Length)];
            Interlocked.Increment(ref requests);
            string what;
            try
            {
                var reply = await servers[at].PostAsync(path, key, json);
                if (reply.Status is 200 or 202 || reply.Code == "ping_not_found")
                {
                    if (reply.Code == "ping_not_found") Interlocked.Increment(ref lost);
                    else if (failed) Outages.Add(Stopwatch.GetElapsedTime(began));
                    return reply;
                }
                what = $"{reply.Status} {reply.Code}";
            }
            catch (Exception fault) when (IsNoAnswer(fault))
            {
                what = fault.GetType().Name;
            }
            failed = true;
            if (what == "503 storage_unavailable" && Stopwatch.GetElapsedTime(began) < ComesAgain)
            {
                await Task.Delay(50);
                continue;
            }
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref saidReady[at])) < Fresh) Interlocked.Increment(ref failures);
            if (Told.Count < 20) Told.Enqueue($"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {path} at {at}: {what}");
            await Task.Delay(50);
        }
        return null;
    }

    private bool disposed;

    /// <summary>No further request; what is on its way is answered first.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(running);
    }

    /// <summary>Twice is harmless.</summary>
    public async ValueTask DisposeAsync()
    {
        if (disposed) return;
        disposed = true;
        await StopAsync();
        health.Dispose();
        stop.Dispose();
    }
}
