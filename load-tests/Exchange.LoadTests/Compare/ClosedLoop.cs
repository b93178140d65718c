using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;
using HdrHistogram;

namespace Exchange.LoadTests.Compare;

/// <summary>
/// What a load did in its measured seconds. Latencies are in microseconds, from the call to its answer. In a closed loop a slow answer
/// delays the next question, so p99 says what a caller saw at this many in flight, not what an arrival rate would suffer.
/// </summary>
/// <param name="NotDone">Answered, but not with what was wanted, by reason.</param>
/// <param name="Errors">Not answered, or refused, by status.</param>
internal sealed record LoadResult(
    long Done, IReadOnlyDictionary<string, long> NotDone, IReadOnlyDictionary<string, long> Errors, TimeSpan Took, double P50Micros, double P99Micros, TimeSpan ServerCpu)
{
    public double PerSecond => Done / Took.TotalSeconds;
    public double CpuMicrosPerRequest => Done == 0 ? 0 : ServerCpu.TotalMicroseconds / Done;
}

/// <summary>
/// A fixed number of callers, each sending its next request when its last is answered. Warms up, then counts only what both began and ended
/// in the measured time.
/// </summary>
internal static class ClosedLoop
{
    private const long HighestMicros = 60_000_000;
    private const int Digits = 3;

    /// <param name="callers">How many requests are in flight.</param>
    /// <param name="ask">Caller number and running number of its request to the answer: null = done, else why it is not what was wanted.</param>
    /// <param name="serverCpu">Processor time of the server process so far.</param>
    public static async Task<LoadResult> RunAsync(
        int callers, TimeSpan warmUp, TimeSpan measured, Func<int, long, CancellationToken, Task<string?>> ask, Func<TimeSpan> serverCpu, CancellationToken cancel)
    {
        var notDone = new ConcurrentDictionary<string, long>();
        var errors = new ConcurrentDictionary<string, long>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var window = new Window();
        var loops = Enumerable.Range(0, callers).Select(caller => Task.Run(() => CallAsync(caller, ask, window, notDone, errors, stop.Token), cancel)).ToArray();
        await Task.Delay(warmUp, cancel);
        var cpu = serverCpu();
        var began = Stopwatch.GetTimestamp();
        Volatile.Write(ref window.From, began);
        await Task.Delay(measured, cancel);
        var ended = Stopwatch.GetTimestamp();
        Volatile.Write(ref window.To, ended);
        cpu = serverCpu() - cpu;
        await stop.CancelAsync();
        var total = new LongHistogram(HighestMicros, Digits);
        long done = 0;
        foreach (var loop in loops)
        {
            var part = await loop;
            total.Add(part.Latencies);
            done += part.Done;
        }

        return new LoadResult(done, notDone, errors, Stopwatch.GetElapsedTime(began, ended), total.GetValueAtPercentile(50), total.GetValueAtPercentile(99), cpu);
    }

    private static async Task<Part> CallAsync(
        int caller, Func<int, long, CancellationToken, Task<string?>> ask, Window window, ConcurrentDictionary<string, long> notDone,
        ConcurrentDictionary<string, long> errors, CancellationToken stop)
    {
        var part = new Part();
        for (long number = 0; !stop.IsCancellationRequested; number++)
        {
            var began = Stopwatch.GetTimestamp();
            string? missing;
            try
            {
                missing = await ask(caller, number, stop);
            }
            catch (Exception failure) when (stop.IsCancellationRequested && failure is OperationCanceledException or RpcException)
            {
                break;
            }
            catch (RpcException failure)
            {
                // Also in the warm-up: a run that had errors is no clean run.
                errors.AddOrUpdate($"{failure.StatusCode} {failure.Status.Detail}", 1, (_, count) => count + 1);
                await Task.Yield();
                continue;
            }

            var ended = Stopwatch.GetTimestamp();
            if (began < Volatile.Read(ref window.From) || ended > Volatile.Read(ref window.To))
            {
                continue;
            }

            if (missing is null)
            {
                part.Done++;
                part.Latencies.RecordValue(Math.Min(HighestMicros, (long)Stopwatch.GetElapsedTime(began, ended).TotalMicroseconds));
            }
            else
            {
                notDone.AddOrUpdate(missing, 1, (_, count) => count + 1);
            }
        }

        return part;
    }

    private sealed class Window
    {
        public long From = long.MaxValue;
        public long To = long.MaxValue;
    }

    private sealed class Part
    {
        public LongHistogram Latencies { get; } = new(HighestMicros, Digits);
        public long Done { get; set; }
    }
}
