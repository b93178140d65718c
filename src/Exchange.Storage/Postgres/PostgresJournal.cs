using Exchange.Engine.Ledger;
using Exchange.Storage.Postgres.Journal;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// The journal: items wait in one bounded queue, and a few lanes make all that waits durable, batch by batch, each in one transaction. See
/// <see cref="ColdFlush"/> and <see cref="HotFlush"/> for what a batch does.
/// </summary>
public sealed class PostgresJournal : IJournal, IAsyncDisposable
{
    /// <summary>How long a closing store goes on trying to reach the database for what waits.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly JournalQueue queue;
    private readonly JournalTelling telling = new();
    private readonly CancellationTokenSource givingUp;
    private readonly Task[] lanes;
    private readonly TimeProvider time;

    /// <param name="owner">This process, as the holder of leases.</param>
    internal PostgresJournal(NpgsqlDataSource source, PostgresStoreOptions options, string owner)
    {
        time = options.TimeProvider;
        givingUp = new CancellationTokenSource();
        var count = Math.Clamp(options.Lanes, 1, 4);
        queue = new JournalQueue(keepsOrder: count == 1);
        lanes = [.. Enumerable.Range(0, count).Select(_ =>
            Task.Run(new JournalLane(source, queue, telling, owner, options.TimeProvider, options.Logger, givingUp.Token).RunAsync))];
    }

    public Action<IReadOnlyList<CounterValue>>? Committed
    {
        get => telling.Counters;
        set => telling.Counters = value;
    }

    public Action<SoldNews>? Sold
    {
        get => telling.Sold;
        set => telling.Sold = value;
    }

    /// <summary>How many transactions were committed, and how many items they held.</summary>
    public (long Commits, long Items) Done => telling.Done;

    /// <summary>How many batches went again because a connection was lost, a lock did not come or two sessions stood in each other's way.</summary>
    public long Retries => telling.Retries;

    /// <summary>How many batches were read anew because an apply of the catalog came between.</summary>
    public long BatchesReadAgain => telling.BatchesReadAgain;

    /// <summary>How many items wait now.</summary>
    public int Waiting => queue.Waiting;

    public Task<Verdict> SubmitAsync(JournalItem item, CancellationToken whileQueued)
    {
        ArgumentNullException.ThrowIfNull(item);
        whileQueued.ThrowIfCancellationRequested();
        var work = new JournalWork(item);
        queue.Add(work);
        if (whileQueued.CanBeCanceled) work.CancelWith(whileQueued);
        return work.Task;
    }

    /// <summary>Tells values that another commit of this process left, in turn with its own.</summary>
    internal void Tell(IReadOnlyList<CounterValue> values) => telling.Changed(values);

    /// <summary>Refuses what comes and finishes what waits; gives up what the database cannot be reached for.</summary>
    public async ValueTask DisposeAsync()
    {
        queue.Close();
        var all = Task.WhenAll(lanes);
        using (var stop = new CancellationTokenSource())
        {
            if (await Task.WhenAny(all, Task.Delay(Grace, time, stop.Token)).ConfigureAwait(false) != all) await givingUp.CancelAsync().ConfigureAwait(false);
            await stop.CancelAsync().ConfigureAwait(false);
        }
        await all.ConfigureAwait(false);
        givingUp.Dispose();
    }
}
