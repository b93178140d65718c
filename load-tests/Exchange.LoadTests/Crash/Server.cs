using System.Diagnostics;
using System.Globalization;
using Exchange.Engine;
using Exchange.LoadTests.Children;

namespace Exchange.LoadTests.Crash;

/// <summary>One exchange process at a place of its own: the same ports and the same data after every death.</summary>
internal sealed class Server(string assembly, IReadOnlyDictionary<string, string> settings, int[] ports) : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(120);
    /// <summary>The exit code of SIGKILL, another's or its own.</summary>
    private const int Killed = 128 + 9;

    private readonly HttpClient _health = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = TimeSpan.FromSeconds(2) };
    private readonly List<Death> _deaths = [];
    private ChildProcess? _process;

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<Death> Deaths => _deaths;

    public Uri Http { get; } = new($"http://127.0.0.1:{ports[0]}");
    public Uri Grpc { get; } = new($"http://127.0.0.1:{ports[1]}");
    private Uri Ready { get; } = new($"http://127.0.0.1:{ports[2]}/health/ready");

    /// <summary>Processor time of the running process so far.</summary>
    public TimeSpan ProcessorTime => _process!.ProcessorTime;

    /// <summary>Its last lines of output.</summary>
    public string Tail => _process?.Tail ?? "";

    /// <summary>Starts it; the time until it is ready to trade, or null: it died first, at its fault point.</summary>
    /// <param name="faultPoint">Where it kills itself, as <c>name:n</c>.</param>
    public async Task<TimeSpan?> StartAsync(string? faultPoint, CancellationToken cancel)
    {
        if (_process is not null) await _process.DisposeAsync();
        var environment = new Dictionary<string, string>(settings)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["DOTNET_gcServer"] = "0",
            ["Exchange__Delivery__AllowLoopback"] = "true",
            ["Exchange__Http__Port"] = Text(ports[0]),
            ["Exchange__Grpc__Port"] = Text(ports[1]),
            ["Exchange__Management__Port"] = Text(ports[2]),
        };
        if (faultPoint is not null) environment["EXCHANGE_FAULT_POINT"] = faultPoint;
        var began = Stopwatch.GetTimestamp();
        _process = ChildProcess.Start(assembly, [], environment);
        while (!await IsReadyAsync(cancel))
        {
            if (_process.HasExited)
            {
                // Its last lines come after it.
                await _process.EndedAsync(cancel);
                MustBeKilled(faultPoint is null ? static () => NowMs : LastWordMs);
                return faultPoint is not null ? null : throw new RunFailedException("A server was killed by somebody else.");
            }
            if (Stopwatch.GetElapsedTime(began) > StartPatience) throw new RunFailedException($"A server was not ready in {StartPatience.TotalSeconds:0} s. Its last lines:{Environment.NewLine}{Tail}");
            await Task.Delay(10, cancel);
        }
        return Stopwatch.GetElapsedTime(began);
    }

    /// <summary>Ends it as an operator does.</summary>
    public async Task StopAsync()
    {
        await _process!.DisposeAsync();
        _process = null;
    }

    /// <summary>kill -9. Whoever is not there to be killed has ended by itself, which nothing in a run may do.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        // Not when it is gone: a busy machine takes its time to clear a process away, in which the process does nothing any more.
        var killedMs = NowMs;
        await _process.EndedAsync(CancellationToken.None);
        MustBeKilled(() => killedMs);
    }

    private static long NowMs => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The moment it passed its fault point, by its own word.</summary>
    private long LastWordMs()
    {
        var tail = Tail;
        var word = tail.LastIndexOf(FaultPoints.LastWord, StringComparison.Ordinal);
        if (word < 0) throw new RunFailedException($"A server died without a word. Its last lines:{Environment.NewLine}{tail}");
        // What it wrote to its other output may be read after it.
        var moment = tail.AsSpan(word + FaultPoints.LastWord.Length);
        var end = moment.IndexOfAnyExceptInRange('0', '9');
        return long.Parse(end < 0 ? moment : moment[..end], NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private void MustBeKilled(Func<long> whenMs)
    {
        if (_process!.ExitCode != Killed) throw new RunFailedException($"A server ended by itself with {_process.ExitCode}. Its last lines:{Environment.NewLine}{Tail}");
        _deaths.Add(new(whenMs(), NowMs));
    }

    /// <summary>False: it still lives after that time.</summary>
    public async Task<bool> DiesWithinAsync(TimeSpan time, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(time);
        try
        {
            await _process!.EndedAsync(patience.Token);
            MustBeKilled(LastWordMs);
            return true;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _health.Dispose();
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancel)
    {
        try
        {
            using var answer = await _health.GetAsync(Ready, cancel);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception fault) when (LostCall.Is(fault) && !cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Of a process, in Unix milliseconds.</summary>
/// <param name="KilledMs">When the signal was sent.</param>
/// <param name="GoneMs">When it was seen to be gone: until then it may still have answered.</param>
internal readonly record struct Death(long KilledMs, long GoneMs);
