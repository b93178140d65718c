using Exchange.Engine;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>
/// Ping records on their way to disk: bounded, handed to a writer on a thread of their own every 100 ms or 2,000 records, whichever comes first,
/// and readable until they are written. What could not be written goes back into the queue, so that a full disk refuses offers instead of filling memory.
/// </summary>
internal sealed class PingQueue
{
    private const int RecordsPerBatch = 2_000;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<LeadId, byte[]> None = [];

    /// <summary>How long the thread rests when nothing comes; then the writer is called with nothing, for what it does now and then.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    private readonly object gate = new();
    private readonly Func<IReadOnlyDictionary<LeadId, byte[]>, bool> write;
    private readonly Action written;
    private readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Dictionary<LeadId, byte[]> pending = [];
    private Dictionary<LeadId, byte[]> writing = None;
    private Dictionary<LeadId, byte[]> spare = [];
    private List<TaskCompletionSource> flushes = [];
    private bool idle;
    private bool closed;

    /// <param name="write">Makes a batch durable; false: nothing was written, it comes again. Must not throw. May be called with nothing.</param>
    /// <param name="written">Called after each batch, when those who waited for it have been told.</param>
    public PingQueue(Func<IReadOnlyDictionary<LeadId, byte[]>, bool> write, Action written)
    {
        this.write = write;
        this.written = written;
        new Thread(Run) { IsBackground = true, Name = "exchange pings" }.Start();
    }

    /// <summary>False: the queue is full or closed.</summary>
    public bool TryAppend(LeadId id, byte[] record)
    {
        lock (gate)
        {
            if (closed || pending.Count >= Limits.PingRecordQueueItems) return false;
            pending[id] = record;
            if (idle || pending.Count == RecordsPerBatch) Monitor.Pulse(gate);
            return true;
        }
    }

    public byte[]? Find(LeadId id)
    {
        lock (gate) return pending.GetValueOrDefault(id) ?? writing.GetValueOrDefault(id);
    }

    /// <summary>Those not written yet, from <paramref name="from"/> (included) to <paramref name="to"/> (not included), by id.</summary>
    public SortedDictionary<LeadId, byte[]> Between(LeadId from, LeadId to)
    {
        var found = new SortedDictionary<LeadId, byte[]>();
        lock (gate)
        {
            foreach (var batch in (ReadOnlySpan<Dictionary<LeadId, byte[]>>)[pending, writing])
                foreach (var (id, record) in batch) if (id.CompareTo(from) >= 0 && id.CompareTo(to) < 0) found[id] = record;
        }
        return found;
    }

    /// <summary>Completes when all that was appended before is written; throws <see cref="StorageBusyException"/> if it cannot be.</summary>
    public Task FlushAsync(CancellationToken cancel)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (closed) throw StorageBusyException.Closing();
            flushes.Add(done);
            Monitor.Pulse(gate);
        }
        return done.Task.WaitAsync(cancel);
    }

    /// <summary>Refuses what comes, and completes when what waits was written once more or could not be.</summary>
    public Task CloseAsync()
    {
        lock (gate)
        {
            closed = true;
            Monitor.PulseAll(gate);
        }
        return stopped.Task;
    }

    private void Run()
    {
        while (true)
        {
            List<TaskCompletionSource> waiters;
            bool last;
            lock (gate)
            {
                if (pending.Count == 0 && flushes.Count == 0 && !closed)
                {
                    idle = true;
                    Monitor.Wait(gate, Idle);
                    idle = false;
                }
                if (pending.Count is > 0 and < RecordsPerBatch && flushes.Count == 0 && !closed) Monitor.Wait(gate, Gather);
                // Swapped, not copied: every ping waits for this lock. A failed batch went back into the queue, so nothing is left in it.
                (writing, pending) = (pending, spare);
                (waiters, flushes) = (flushes, []);
                last = closed;
            }
            if (writing.Count > 0) FaultPoints.BeforePings.Pass();
            var done = write(writing);
            if (writing.Count > 0) FaultPoints.AfterPings.Pass();
            Dictionary<LeadId, byte[]> batch;
            lock (gate)
            {
                batch = writing;
                writing = None;
                if (!done)
                {
                    foreach (var (id, record) in batch) pending.TryAdd(id, record);
                    if (!last && !closed) Monitor.Wait(gate, AfterFailure);
                }
            }
            // Its room is used again; nobody reads it any more.
            batch.Clear();
            spare = batch;
            foreach (var waiter in waiters)
                if (done) waiter.TrySetResult();
                else waiter.TrySetException(new StorageBusyException("Ping records cannot be written now"));
            if (last) break;
            written();
        }
        stopped.SetResult();
    }
}
