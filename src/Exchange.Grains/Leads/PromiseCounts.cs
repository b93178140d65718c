namespace Exchange.Grains.Leads;

/// <summary>Posts that came in time and what became of their offers' promise, since the start of this silo. A lead counts once, when it is settled.</summary>
public sealed class PromiseCounts
{
    private long inTime;
    private long kept;

    public long InTime => Interlocked.Read(ref inTime);
    public long Kept => Interlocked.Read(ref kept);

    public void Settled(bool promiseKept)
    {
        Interlocked.Increment(ref inTime);
        if (promiseKept) Interlocked.Increment(ref kept);
    }
}
