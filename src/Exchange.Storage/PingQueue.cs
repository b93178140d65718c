using Exchange.Engine;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>
/// Ping records on their way to disk: bounded, handed to a writer on a thread of their own when the oldest has waited 50 ms or 2,000 have come, and readable until
/// they are written. A server that is killed takes those with it that are not: a record waits these 50 ms, or for the write that is under way when it comes, and is then written itself, in
/// less than the 100 ms that are promised where a write takes less than 50 (docs/decisions/0064). What could not be written goes back into the queue, so that a full disk refuses offers instead of filling memory.
/// </summary>
internal sealed class PingQueue
{
    private const int RecordsPerBatch = 2_000;
    /// <summary>So long the oldest waits for others to be written with it.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<LeadId, byte[]> None = [];

    /// <summary>How long the thread rests when nothing comes; then the writer is called with nothing, for what it does now and then.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);

    private readonly object gate = new();
    private readonly Func<IReadOnlyDictionary<LeadId, byte[]>, bool> write;
    private readonly Action written;
    private readonly TimeProvider time;
    private readonly TimeSpan gather;
    private readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Dictionary<LeadId, byte[]> pending = [];
    private Dictionary<LeadId, byte[]> writing = None;
    private Dictionary<LeadId, byte[]> spare = [];
    private List<TaskCompletionSource> flushes = [];
    // When the first of those that are pending came.
    private long since;
    private bool idle;
    private bool closed;

    /// <param name="write">Makes a batch durable; false: nothing was written, it comes again. Must not throw. Is called with nothing at first, so that the first ping does not wait for what a first write needs, and now and then.</param>
    /// <param name="written">Called after each batch, when those who waited for it have been told.</param>
    /// <param name="time">Of the waits.</param>
    /// <param name="gather">How long the oldest waits; null: 50 ms.</param>
    public PingQueue(Func<IReadOnlyDictionary<LeadId, byte[]>, bool> write, Action written, TimeProvider time, TimeSpan? gather = null)
    {
        this.write = write;
        this.written = written;
        this.time = time;
        this.gather = gather ?? Gather;
        new Thread(Run) { IsBackground = true, Name = "exchange pings" }.Start();
    }

    /// <summary>False: the queue is full or closed.</summary>
    public bool TryAppend(LeadId id, byte[] record)
    {
        lock (gate)
        {
            if (closed || pending.Count >= Limits.PingRecordQueueItems) return false;
            if (pending.Count == 0) since = time.GetTimestamp();
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
        write(None);
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
                // Those that came during the last write have waited already.
                if (pending.Count is > 0 and < RecordsPerBatch && flushes.Count == 0 && !closed && gather - time.GetElapsedTime(since) is var left && left > TimeSpan.Zero) Monitor.Wait(gate, left);
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
