using System.Collections.Concurrent;
using Exchange.Engine.Catalog;

namespace Exchange.Grains.Bidding;

/// <summary>
/// How long an endpoint with an adaptive deadline is waited for: half as long again as all but the slowest of its last answers took, never longer than its own
/// deadline. So a buyer that always answers in 60 ms holds no auction up for 800 when it hangs. Now and then it gets its whole deadline, so that one that has
/// become slower is heard again. Each server learns by itself.
/// </summary>
public sealed class UsualWaits
{
    /// <summary>Fewer answers than these say nothing.</summary>
    public const int Least = 32;
    /// <summary>One call of so many gets the whole deadline.</summary>
    public const int WholeEach = 32;
    /// <summary>Nobody is waited for less: a pause of its collector, a lost packet.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<EndpointKey, Answers> known = new();

    public TimeSpan For(EndpointModel endpoint)
    {
        if (!endpoint.AdaptivePing || !known.TryGetValue(endpoint.Key, out var answers) || answers.Usual is not { } usual) return endpoint.PingTimeout;
        if (answers.IsForWhole()) return endpoint.PingTimeout;
        var wait = Math.Max(Shortest.Ticks, usual.Ticks * 3 / 2);
        return new(Math.Min(wait, endpoint.PingTimeout.Ticks));
    }

    /// <param name="took">Until its answer, or until it was not waited for any longer.</param>
    public void Answered(EndpointModel endpoint, TimeSpan took)
    {
        if (endpoint.AdaptivePing) known.GetOrAdd(endpoint.Key, static _ => new()).Add(took);
    }

    /// <summary>The last answers of one endpoint.</summary>
    private sealed class Answers
    {
        private const int Kept = 256, SumUpEach = 16;
        private readonly Lock gate = new();
        private readonly long[] ticks = new long[Kept];
        private readonly long[] sorted = new long[Kept];
        private int count, calls;
        private long usual;

        /// <summary>19 of 20 took no longer. Null: not known yet.</summary>
        public TimeSpan? Usual => Interlocked.Read(ref usual) is > 0 and var known ? new(known) : null;

        public bool IsForWhole() => Interlocked.Increment(ref calls) % WholeEach == 0;

        public void Add(TimeSpan took)
        {
            lock (gate)
            {
                ticks[count++ % Kept] = Math.Max(1, took.Ticks);
                if (count < Least || count % SumUpEach != 0) return;
                var known = Math.Min(count, Kept);
                Array.Copy(ticks, sorted, known);
                Array.Sort(sorted, 0, known);
                Interlocked.Exchange(ref usual, sorted[known * 19 / 20]);
            }
        }
    }
}
