using Exchange.Engine;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>
/// What waits for a lane, at most <see cref="Limits.JournalQueueItems"/>. A lane takes all that may go now, at most <see cref="Limits.JournalBatchItems"/> or 1 MiB.
/// An item that touches what is in a batch or on its way waits, and everything behind it that touches the same.
/// </summary>
/// <param name="keepsOrder">With one lane: nothing overtakes an item that has to wait, so that items take effect in the order of arrival.</param>
internal sealed class JournalQueue(bool keepsOrder)
{
    private const int MaxBatchBytes = 1024 * 1024;
    /// <summary>How far a lane looks past items that have to wait.</summary>
    private const int LooksAhead = 4 * Limits.JournalBatchItems;

    private readonly Lock gate = new();
    private readonly LinkedList<JournalWork> waiting = [];
    private readonly HashSet<WorkKey> busy = [];
    private readonly Queue<TaskCompletionSource> idle = new();
    private bool closed;

    public int Waiting { get { lock (gate) return waiting.Count; } }

    public void Add(JournalWork work)
    {
        lock (gate)
        {
            if (closed) throw StorageBusyException.Closing();
            if (waiting.Count >= Limits.JournalQueueItems) throw new StorageBusyException("The journal's queue is full");
            waiting.AddLast(work);
            if (idle.TryDequeue(out var lane)) lane.SetResult();
        }
    }

    /// <summary>Waits until something may go. Null: closed, and nothing is left.</summary>
    public async Task<List<JournalWork>?> TakeAsync()
    {
        while (true)
        {
            TaskCompletionSource wake;
            lock (gate)
            {
                var batch = TakeNow();
                if (batch.Count > 0) return batch;
                if (closed && waiting.Count == 0) return null;
                wake = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                idle.Enqueue(wake);
            }
            await wake.Task.ConfigureAwait(false);
        }
    }

    /// <summary>A lane's batch is known: what it touched may go on. <paramref name="again"/>: its items that have to be tried once more, in order.</summary>
    public void Done(List<JournalWork> batch, List<JournalWork> again)
    {
        lock (gate)
        {
            for (var i = again.Count - 1; i >= 0; i--) waiting.AddFirst(again[i]);
            foreach (var work in batch) busy.ExceptWith(work.Keys);
            if (waiting.Count > 0 || closed) WakeAll();
        }
    }

    /// <summary>Nothing more comes in; what waits is still done.</summary>
    public void Close()
    {
        lock (gate)
        {
            closed = true;
            WakeAll();
        }
    }

    private List<JournalWork> TakeNow()
    {
        List<JournalWork> batch = [];
        HashSet<WorkKey>? held = null;
        var bytes = 0;
        var passed = 0;
        for (var node = waiting.First; node is not null && batch.Count < Limits.JournalBatchItems && bytes < MaxBatchBytes && passed < LooksAhead;)
        {
            var (work, next) = (node.Value, node.Next);
            if (Touches(busy, work) || held is not null && Touches(held, work))
            {
                if (keepsOrder) break;
                (held ??= []).UnionWith(work.Keys);
                passed++;
            }
            // Those whose callers gave up are as many as they are: a lane that went to sleep among them would leave what is behind them there.
            else
            {
                waiting.Remove(node);
                if (work.TryStart())
                {
                    busy.UnionWith(work.Keys);
                    batch.Add(work);
                    bytes += work.Bytes;
                }
            }
            node = next;
        }
        return batch;
    }

    private static bool Touches(HashSet<WorkKey> keys, JournalWork work)
    {
        foreach (var key in work.Keys) if (keys.Contains(key)) return true;
        return false;
    }

    private void WakeAll()
    {
        while (idle.TryDequeue(out var lane)) lane.SetResult();
    }
}
