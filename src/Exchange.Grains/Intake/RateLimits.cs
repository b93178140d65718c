using System.Collections.Concurrent;
using Exchange.Storage.Redis;

namespace Exchange.Grains.Intake;

/// <summary>How many calls a second each publisher may make; 0 = as many as it likes. A second's worth may come at once.</summary>
public sealed record RateLimitOptions(int PingsPerSecond, int PostsPerSecond);

public enum CallKind { Ping, Post }

/// <summary>
/// Lets a publisher's calls in or asks it to wait. With Redis all silos draw from one bucket, a twentieth of a second's calls at a time, so that hardly
/// any call waits for it; without (or while it does not answer) each silo gives its part. Costs an honest publisher nothing but at most one short wait.
/// </summary>
/// <param name="shared">Null: there is no Redis.</param>
/// <param name="silos">How many share a publisher's calls.</param>
public sealed class RateLimits(RateLimitOptions options, RedisTokens? shared, Func<int> silos, TimeProvider time)
{
    /// <summary>What was drawn and not used goes back to nobody, so it is used soon or never.</summary>
    private const long DrawnLastsMs = 1_000;
    /// <summary>An empty bucket is not asked again before.</summary>
    private const long EmptyMs = 20;

    private static readonly Problem TooMany = Problem.Of(429, "rate_limited", "Too many calls in this second; come again in the next.", 1);

    private readonly long begun = time.GetTimestamp();
    private readonly ConcurrentDictionary<(string Publisher, CallKind Kind), Bucket> buckets = new();

    /// <summary>Null: let in.</summary>
    public ValueTask<Problem?> AdmitAsync(string publisher, CallKind kind)
    {
        var perSecond = kind == CallKind.Ping ? options.PingsPerSecond : options.PostsPerSecond;
        if (perSecond == 0) return default;
        var bucket = buckets.GetOrAdd((publisher, kind), static _ => new());
        if (shared is null) return new(bucket.TryTake(PartOf(perSecond), NowMs()) ? null : TooMany);
        return bucket.TryUseDrawn(NowMs()) ? default : DrawAsync(bucket, $"{(kind == CallKind.Ping ? "pings" : "posts")}:{publisher}", perSecond);
    }

    private async ValueTask<Problem?> DrawAsync(Bucket bucket, string name, int perSecond)
    {
        // Whoever finds nothing waits for the same draw; a second try, since others may have used it up.
        for (var tries = 0; tries < 2; tries++)
        {
            if (bucket.IsEmpty(NowMs())) return TooMany;
            var granted = await bucket.DrawAsync(() => shared!.TakeAsync(name, perSecond, perSecond, Math.Max(1, perSecond / 20)), NowMs);
            if (granted is null) return bucket.TryTake(PartOf(perSecond), NowMs()) ? null : TooMany;
            if (bucket.TryUseDrawn(NowMs())) return null;
        }
        return TooMany;
    }

    private int PartOf(int perSecond) => Math.Max(1, perSecond / silos());

    /// <summary>Since it began: a clock that is set lets nobody in and shuts nobody out.</summary>
    private long NowMs() => (long)time.GetElapsedTime(begun).TotalMilliseconds;

    private sealed class Bucket
    {
        private const long Whole = 1_000;

        private readonly Lock gate = new();
        // Of this silo's own bucket, in thousandths of a token; below 0: it was never used.
        private long tokens = -1;
        private long filledMs;
        private int drawn;
        private long drawnMs;
        private long emptyUntilMs;
        private Task<int?>? drawing;

        /// <summary>This silo's own bucket.</summary>
        public bool TryTake(int perSecond, long nowMs)
        {
            lock (gate)
            {
                var full = perSecond * Whole;
                tokens = tokens < 0 ? full : Math.Min(full, tokens + Math.Clamp(nowMs - filledMs, 0, 1_000) * perSecond);
                filledMs = nowMs;
                if (tokens < Whole) return false;
                tokens -= Whole;
                return true;
            }
        }

        public bool TryUseDrawn(long nowMs)
        {
            lock (gate)
            {
                if (drawn == 0 || nowMs - drawnMs > DrawnLastsMs) return false;
                drawn--;
                return true;
            }
        }

        public bool IsEmpty(long nowMs)
        {
            lock (gate) return nowMs < emptyUntilMs;
        }

        /// <summary>One draw at a time; null: no answer.</summary>
        public Task<int?> DrawAsync(Func<Task<int?>> take, Func<long> nowMs)
        {
            lock (gate)
            {
                if (drawing is { IsCompleted: false }) return drawing;
                return drawing = NextAsync();
            }

            async Task<int?> NextAsync()
            {
                var granted = await take();
                lock (gate)
                {
                    if (granted == 0) emptyUntilMs = nowMs() + EmptyMs;
                    else if (granted is { } some) (drawn, drawnMs) = (some, nowMs());
                }
                return granted;
            }
        }
    }
}
