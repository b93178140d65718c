namespace Exchange.Simulation.Scheduling;

/// <summary>
/// A process of the world and the scheduler of all its tasks: a silo, a client, the database. When it dies everything that it had in memory is
/// never run again. Nothing runs inline: every continuation is a choice of the loop.
/// </summary>
internal sealed class SimProcess(SimLoop loop, int no, string name) : TaskScheduler
{
    private readonly List<Action> parked = [];

    public SimLoop Loop => loop;
    public int No => no;
    public string Name => name;
    public bool IsDead { get; private set; }
    public bool IsPaused { get; private set; }

    public void Kill() => IsDead = true;

    /// <summary>Stopped, as by a signal: its time goes on, it does nothing.</summary>
    public void Pause() => IsPaused = true;

    public void Continue()
    {
        IsPaused = false;
        foreach (var again in parked) again();
        parked.Clear();
    }

    public void Park(Action again) => parked.Add(again);

    /// <summary>Starts work here. Its end is its own affair: what it throws ends the run.</summary>
    public void Start(Func<Task> work) => new Task(() => _ = WatchAsync(work)).Start(this);

    public void Execute(Task task) => TryExecuteTask(task);

    public void Note(string what, string? whom = null, long number = 0) => loop.Trace.Note(loop.NowMs, name, what, whom, number);

    private async Task WatchAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception fault)
        {
            Failed?.Invoke(fault);
        }
    }

    /// <summary>What work threw that nobody awaited.</summary>
    public Action<Exception>? Failed { get; set; }

    protected override void QueueTask(Task task)
    {
        if (!IsDead) loop.Add(this, task);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
