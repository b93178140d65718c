namespace Exchange.Simulation.Scheduling;

/// <summary>The clock of one process: true time and how far it is off, which may jump. Timers are not off.</summary>
internal sealed class SimClock(SimProcess process) : TimeProvider
{
    public long OffMs { get; set; }

    public long NowMs => process.Loop.NowMs + OffMs;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(NowMs);

    public override long TimestampFrequency => 1000;

    public override long GetTimestamp() => process.Loop.NowMs;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimTimer(process.Loop, process, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }
}
