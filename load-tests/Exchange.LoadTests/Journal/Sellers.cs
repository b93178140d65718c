using System.Diagnostics;
using Exchange.Engine.Ledger;

namespace Exchange.LoadTests.Journal;

/// <summary>What a number of callers did, each with one sale at a time.</summary>
/// <param name="WarmWorstMs">Of the sales that were begun when a third of them was: connections are open by then, and the way is compiled.</param>
internal sealed record Sold(int Done, int Refused, int Failed, double Seconds, double P50Ms, double P99Ms, double WorstMs, double WarmWorstMs)
{
    public double PerSecond => (Done + Refused) / Seconds;
}

/// <summary>Callers that sell leads 1, 2 … until all are tried.</summary>
internal static class Sellers
{
    public static async Task<Sold> RunAsync(int callers, int sales, Func<int, Task<Verdict>> sell)
    {
        var (next, done, refused, failed) = (0, 0, 0, 0);
        var waits = new double[sales];
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var n && n <= sales)
            {
                var from = clock.Elapsed;
                var verdict = await sell(n);
                waits[n - 1] = (clock.Elapsed - from).TotalMilliseconds;
                if (verdict.IsSuccess) Interlocked.Increment(ref done);
                else if (verdict.Code == VerdictCode.Refused) Interlocked.Increment(ref refused);
                else Interlocked.Increment(ref failed);
            }
        })));
        var seconds = clock.Elapsed.TotalSeconds;
        var warm = waits.Skip(sales / 3).Max();
        Array.Sort(waits);
        return new(done, refused, failed, seconds, waits[sales / 2], waits[(int)(sales * 0.99)], waits[^1], warm);
    }
}
