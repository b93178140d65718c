using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;
using HdrHistogram;

namespace Exchange.LoadTests.Swap;

/// <summary>What a steady stream of requests came to. Latencies are in microseconds, from the moment a request was due to its answer.</summary>
/// <param name="Errors">Not answered, or refused, by status.</param>
internal sealed record StreamResult(long Done, IReadOnlyDictionary<string, long> Errors, double P50Micros, double P99Micros, double P999Micros, double MaxMicros);

/// <summary>
/// Requests at a fixed rate, sent when they are due whether the ones before are answered or not: what arrives does not wait for a slow server, so a
/// pause shows in every request that fell into it.
/// </summary>
internal static class OpenLoop
{
    private const long HighestMicros = 60_000_000;
    private const int Digits = 3;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    /// <param name="perSecond">How many are due each second, evenly.</param>
    /// <param name="ask">Running number of the request.</param>
    public static async Task<StreamResult> RunAsync(int perSecond, TimeSpan time, Func<long, CancellationToken, Task> ask, CancellationToken cancel)
    {
        var latencies = new LongConcurrentHistogram(1, HighestMicros, Digits);
        var errors = new ConcurrentDictionary<string, long>();
        var underWay = new ConcurrentDictionary<long, Task>();
        var total = (long)(perSecond * time.TotalSeconds);
        var began = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(Tick);
        for (long sent = 0; sent < total && await timer.WaitForNextTickAsync(cancel);)
        {
            var due = Math.Min(total, (long)(Stopwatch.GetElapsedTime(began).TotalSeconds * perSecond));
            for (; sent < due; sent++)
            {
                var number = sent;
                underWay[number] = Task.Run(async () =>
                {
                    await AskAsync(number);
                    underWay.TryRemove(number, out _);
                }, CancellationToken.None);
            }
        }
        await Task.WhenAll(underWay.Values);
        return new(latencies.TotalCount, errors, latencies.GetValueAtPercentile(50), latencies.GetValueAtPercentile(99), latencies.GetValueAtPercentile(99.9),
            latencies.TotalCount == 0 ? 0 : latencies.GetMaxValue());

        async Task AskAsync(long number)
        {
            try
            {
                await ask(number, cancel);
                var micros = (long)(Stopwatch.GetElapsedTime(began).TotalMicroseconds - number * 1_000_000.0 / perSecond);
                latencies.RecordValue(Math.Clamp(micros, 1, HighestMicros));
            }
            catch (RpcException failure)
            {
                errors.AddOrUpdate($"{failure.StatusCode} {failure.Status.Detail}", 1, (_, count) => count + 1);
            }
        }
    }
}
