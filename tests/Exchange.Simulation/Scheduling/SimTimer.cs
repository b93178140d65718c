namespace Exchange.Simulation.Scheduling;

/// <summary>A timer of one process, in true time: durations do not feel a clock that is set.</summary>
internal sealed class SimTimer(SimLoop loop, SimProcess process, Action act) : ITimer
{
    private const long Never = long.MaxValue;
    private long periodMs = Never;

    public SimProcess Process => process;
    public long DueMs { get; private set; } = Never;

    public bool IsDue(long atMs) => DueMs == atMs;

    public void Fire()
    {
        if (DueMs > loop.NowMs) return;
        DueMs = Never;
        if (periodMs != Never) Set(periodMs);
        act();
    }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        periodMs = period > TimeSpan.Zero ? Milliseconds(period) : Never;
        if (dueTime < TimeSpan.Zero) DueMs = Never;
        else Set(Milliseconds(dueTime));
        return true;
    }

    private void Set(long afterMs)
    {
        DueMs = loop.NowMs + afterMs;
        loop.Add(this);
    }

    /// <summary>Rounded up: nothing is early.</summary>
    private static long Milliseconds(TimeSpan span) => (span.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;

    public void Dispose() => DueMs = Never;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
