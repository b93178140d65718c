using System.Diagnostics;
using Exchange.Engine.Ledger;

namespace Exchange.LoadTests.Journal;

/// <summary>What a number of callers did, each with one sale at a time.</summary>
/// <param name="Longest">The longest waits of sales that were begun after <see cref="Sellers.WarmUp"/>, longest first: connections are open by then, and the way is compiled.</param>
internal sealed record Sold(int Done, int Refused, int Failed, double Seconds, double P50Ms, double P99Ms, IReadOnlyList<Wait> Longest)
{
    public double PerSecond => (Done + Refused) / Seconds;
}

/// <summary>One sale's.</summary>
/// <param name="FromMs">When it was begun, in Unix milliseconds.</param>
internal readonly record struct Wait(long FromMs, double Ms);

/// <summary>Callers that sell leads 1, 2 … until all are tried or the time is over.</summary>
internal static class Sellers
{
    public static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private const int Kept = 20_000;

    /// <param name="most">When nothing new is begun; null: all are tried.</param>
    public static async Task<Sold> RunAsync(int callers, int sales, Func<int, Task<Verdict>> sell, TimeSpan? most = null)
    {
        var (next, done, refused, failed) = (0, 0, 0, 0);
        var began = TimeProvider.System.GetUtcNow();
        var clock = Stopwatch.StartNew();
        var waits = (await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            List<(TimeSpan From, double Ms)> own = [];
            while (!(clock.Elapsed > most) && Interlocked.Increment(ref next) is var n && n <= sales)
            {
                var from = clock.Elapsed;
                var verdict = await sell(n);
                own.Add((from, (clock.Elapsed - from).TotalMilliseconds));
                if (verdict.IsSuccess) Interlocked.Increment(ref done);
                else if (verdict.Code == VerdictCode.Refused) Interlocked.Increment(ref refused);
                else Interlocked.Increment(ref failed);
            }
            return own;
        })))).SelectMany(static own => own).ToList();
        var seconds = clock.Elapsed.TotalSeconds;
        Wait[] longest = [.. waits.Where(static wait => wait.From > WarmUp).OrderByDescending(static wait => wait.Ms).Take(Kept).Select(wait => new Wait((began + wait.From).ToUnixTimeMilliseconds(), wait.Ms))];
        double[] sorted = [.. waits.Select(static wait => wait.Ms).Order()];
        return new(done, refused, failed, seconds, sorted[sorted.Length / 2], sorted[(int)(sorted.Length * 0.99)], longest);
    }
}
