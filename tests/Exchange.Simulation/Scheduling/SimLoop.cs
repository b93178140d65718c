namespace Exchange.Simulation.Scheduling;

/// <summary>
/// One thread that runs a whole world: of all that could run next the seed picks one; when nothing can, time jumps to the next timer that is due.
/// Everything happens between two awaits, so a process may die, stop or be overtaken at any of them.
/// </summary>
internal sealed class SimLoop(ulong seed)
{
    /// <summary>2026-11-22 12:00:00 UTC.</summary>
    public const long StartMs = 1_795_348_800_000;

    private readonly List<Runnable> runnable = [];
    private readonly PriorityQueue<SimTimer, (long DueMs, long No)> timers = new();
    private readonly int thread = Environment.CurrentManagedThreadId;
    private long timersMade;

    public SimRandom Random { get; } = new(seed);
    public Trace Trace { get; } = new();

    /// <summary>True time, which no process knows: each has a clock of its own.</summary>
    public long NowMs { get; private set; } = StartMs;

    public long Steps { get; private set; }

    /// <summary>Exactly one of task and timer.</summary>
    private readonly record struct Runnable(SimProcess Process, Task? Task, SimTimer? Timer);

    /// <summary>Where something ran that escaped to another thread: no seed would play that again.</summary>
    public string? Escaped { get; private set; }

    public void Add(SimProcess process, Task task)
    {
        if (IsHere()) runnable.Add(new(process, task, null));
    }

    public void Add(SimTimer timer)
    {
        if (IsHere()) timers.Enqueue(timer, (timer.DueMs, ++timersMade));
    }

    private bool IsHere()
    {
        if (Environment.CurrentManagedThreadId == thread) return true;
        Escaped ??= Environment.StackTrace;
        return false;
    }

    /// <summary>Does something on a process's behalf after some time; not at all if it is dead by then.</summary>
    public SimTimer After(long ms, SimProcess process, Action act)
    {
        var timer = new SimTimer(this, process, act);
        timer.Change(TimeSpan.FromMilliseconds(ms), Timeout.InfiniteTimeSpan);
        return timer;
    }

    /// <summary>One step. False: nothing is left to do before <paramref name="untilMs"/>, and it is that time now.</summary>
    public bool RunOne(long untilMs)
    {
        while (runnable.Count == 0)
        {
            if (!timers.TryPeek(out _, out var next) || next.DueMs > untilMs)
            {
                NowMs = untilMs;
                return false;
            }
            NowMs = Math.Max(NowMs, next.DueMs);
            while (timers.TryPeek(out var due, out var at) && at.DueMs <= NowMs)
            {
                timers.Dequeue();
                // A timer that was changed meanwhile stands in the queue again.
                if (due.IsDue(at.DueMs) && !due.Process.IsDead) runnable.Add(new(due.Process, null, due));
            }
        }
        var picked = Random.Next(runnable.Count);
        var run = runnable[picked];
        runnable[picked] = runnable[^1];
        runnable.RemoveAt(runnable.Count - 1);
        Trace.Mix((uint)picked * 1_000UL + (uint)run.Process.No);
        Steps++;
        if (run.Process.IsDead) return true;
        if (run.Process.IsPaused) run.Process.Park(() => runnable.Add(run));
        else if (run.Task is { } task) run.Process.Execute(task);
        else run.Timer!.Fire();
        return true;
    }
}
