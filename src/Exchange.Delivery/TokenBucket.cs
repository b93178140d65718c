namespace Exchange.Delivery;

/// <summary>
/// So many calls in a time, at most that many at once: it holds as many as the time brings and fills evenly. Its owner's lock is its own.
/// </summary>
internal sealed class TokenBucket
{
    private readonly int size;
    private readonly long ticksPerToken;
    private readonly long full;
    private readonly TimeProvider time;
    private long held;
    private long filledAt;

    public TokenBucket(int size, TimeSpan period, TimeProvider time)
    {
        this.size = size;
        this.time = time;
        // In ticks of the clock that one token takes to come.
        ticksPerToken = Math.Max(1, (long)(period.TotalSeconds * time.TimestampFrequency / size));
        full = ticksPerToken * size;
        held = full;
        filledAt = time.GetTimestamp();
    }

    /// <summary>Whether a call may be made; if not, when.</summary>
    public bool Has(bool spare, out TimeSpan freeIn)
    {
        Fill();
        var needed = ticksPerToken * (1 + (spare && size > 1 ? Math.Max(1, size / 10) : 0));
        freeIn = held >= needed ? TimeSpan.Zero : time.GetElapsedTime(0, needed - held);
        return held >= needed;
    }

    public void Take() => held -= ticksPerToken;

    private void Fill()
    {
        var now = time.GetTimestamp();
        held = Math.Min(full, held + Math.Max(0, now - filledAt));
        filledAt = now;
    }
}
