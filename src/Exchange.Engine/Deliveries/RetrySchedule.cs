using Exchange.Engine.Values;

namespace Exchange.Engine.Deliveries;

/// <summary>
/// How long to wait after a failed attempt. The waits are shaken by up to ±10 % so that the copies of one outage do not come back at once;
/// the shake is drawn from the copy's id and the attempt's number, so that the same attempt always gets the same wait (replay).
/// </summary>
public sealed class RetrySchedule
{
    /// <summary>The longest wait that a buyer's Retry-After can ask for, milliseconds.</summary>
    public const long RetryAfterMaxMs = 60 * 60 * 1000L;

    /// <summary>For a copy that is sold and only has to arrive: the waits that Standard Webhooks proposes, then every ten hours.</summary>
    public static RetrySchedule Sold { get; } = new([5, 30, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600]);

    /// <summary>
    /// For a copy whose buyer has still to say yes or no. It asks sooner, because a hold of money, caps and person stands as long as the doubt does.
    /// </summary>
    public static RetrySchedule Asking { get; } = new([2, 5, 15, 60, 5 * 60, 30 * 60]);

    private readonly int[] seconds;

    private RetrySchedule(int[] seconds) => this.seconds = seconds;

    /// <summary>
    /// Milliseconds from the end of attempt <paramref name="attempts"/> (1 = the first) to the start of the next. Past the table's end its last
    /// wait repeats. <paramref name="retryAfter"/> can lengthen the wait, up to <see cref="RetryAfterMaxMs"/>, never shorten it.
    /// </summary>
    public long WaitMs(CopyId copy, int attempts, TimeSpan? retryAfter = null)
    {
        Invariant.Require(attempts >= 1);
        var wait = seconds[Math.Min(attempts, seconds.Length) - 1] * 1000L;
        wait = wait * (900 + Draw(copy, attempts, 201)) / 1000;
        var asked = retryAfter is { } after ? Math.Clamp((long)after.TotalMilliseconds, 0, RetryAfterMaxMs) : 0;
        return Math.Max(wait, asked);
    }

    /// <summary>A number in [0, <paramref name="below"/>) that depends on nothing but the arguments (the finalizer of SplitMix64).</summary>
    private static long Draw(CopyId copy, int attempts, ulong below)
    {
        unchecked
        {
            var x = copy.Lead.High ^ (copy.Lead.Low * 0x9E3779B97F4A7C15UL) ^ ((ulong)(uint)copy.No << 32) ^ (uint)attempts;
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
            x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
            return (long)((x ^ (x >> 31)) % below);
        }
    }
}
