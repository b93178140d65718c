using System.Diagnostics.CodeAnalysis;
using Exchange.Engine;
using Exchange.Engine.Ledger;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// The one thread that writes facts. It takes all that waits (at most <see cref="Limits.JournalBatchItems"/> or 1 MiB), applies it in the order of
/// arrival inside one transaction, commits, and only then tells anybody: the more callers wait, the more share one flush to disk. After a commit that
/// several shared it rests as long as that took, or until many wait (docs/decisions/0057); after one caller's commit it takes the next at once.
/// </summary>
/// <remarks>
/// An item that fails is a bug, never a refusal: the batch is rolled back and done again with a savepoint around each item, so that the one
/// bad item fails and the others go on. A full disk fails the batch with a definite no. A disk that cannot flush ends all writing: what is
/// durable is then known only after a restart, which reads what is there.
/// </remarks>
internal sealed class Writer : IAsyncDisposable
{
    private const long MaxBatchBytes = 1024 * 1024;

    /// <summary>A slow disk gathers callers by itself, and nobody should wait for two of its flushes.</summary>
    private static readonly TimeSpan MostRest = TimeSpan.FromMilliseconds(8);
    /// <summary>So many have gathered already: with more of them an item costs hardly less.</summary>
    private const int Gathered = 24;

    private readonly Lock counting = new();
    private readonly object gate = new();
    private readonly Queue<Work> queue = new();
    private readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Database database;
    private readonly WriteSession session;
    private readonly Checkpointer checkpointer;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Handfuls callers = new();
    private bool waiting, resting;
    private bool closed;
    private string? broken;
    private long commits;
    private long items;

    public Writer(Database database, Checkpointer checkpointer, string owner, TimeProvider time, ILogger logger)
    {
        this.database = database;
        this.checkpointer = checkpointer;
        this.time = time;
        this.logger = logger;
        session = new WriteSession(database, owner);
        new Thread(Run) { IsBackground = true, Name = "exchange journal" }.Start();
    }

    public Action<IReadOnlyList<CounterValue>>? Committed { get; set; }

    public Action<SoldNews>? Sold { get; set; }

    /// <summary>Transactions committed, and works done in them; their ratio is the size of a group.</summary>
    public (long Commits, long Items) Done { get { lock (counting) return (commits, items); } }

    public int Waiting { get { lock (gate) return queue.Count; } }

    public Task<Verdict> SubmitAsync(JournalItem item, CancellationToken whileQueued)
    {
        var work = new ItemWork(item);
        Enqueue(work, whileQueued);
        return work.Task;
    }

    /// <summary>Runs a change inside the next group commit, in its own savepoint: it fails alone. It may be run again if the batch has to be.</summary>
    public Task<T> RunAsync<T>(Func<WriteSession, T> change, CancellationToken whileQueued)
    {
        var work = new JobWork<T>(change);
        Enqueue(work, whileQueued);
        return work.Task;
    }

    private void Enqueue(Work work, CancellationToken whileQueued)
    {
        whileQueued.ThrowIfCancellationRequested();
        lock (gate)
        {
            if (broken is not null) throw new StorageFailedException(broken);
            if (closed) throw StorageBusyException.Closing();
            if (queue.Count >= Limits.JournalQueueItems) throw new StorageBusyException("The journal's queue is full");
            queue.Enqueue(work);
            if (waiting || resting && queue.Count >= Gathered) Monitor.Pulse(gate);
        }
        if (whileQueued.CanBeCanceled) work.CancelWith(whileQueued);
    }

    private void Run()
    {
        var batch = new List<Work>(Limits.JournalBatchItems);
        while (Take(batch))
        {
            var began = time.GetTimestamp();
            if (batch.Count > 0) Execute(batch);
            var several = batch.Count > 1;
            batch.Clear();
            checkpointer.AfterCommit(database);
            if (several) Rest(time.GetElapsedTime(began));
        }
        stopped.SetResult();
    }

    /// <summary>Lets callers gather: what a commit costs beside its items is the same for five as for fifty.</summary>
    private void Rest(TimeSpan took)
    {
        var rest = took < MostRest ? took : MostRest;
        lock (gate)
        {
            if (closed || queue.Count >= Gathered || rest < TimeSpan.FromMilliseconds(1)) return;
            resting = true;
            Monitor.Wait(gate, rest);
            resting = false;
        }
    }

    /// <summary>False: closed and nothing left.</summary>
    private bool Take(List<Work> batch)
    {
        lock (gate)
        {
            while (queue.Count == 0)
            {
                if (closed) return false;
                waiting = true;
                Monitor.Wait(gate);
                waiting = false;
            }
            var bytes = 0L;
            while (batch.Count < Limits.JournalBatchItems && bytes < MaxBatchBytes && queue.TryDequeue(out var work))
            {
                if (!work.TryStart()) continue;
                bytes += work.Bytes;
                batch.Add(work);
            }
            return true;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever fails must reach the callers that wait; nothing else would tell them.")]
    private void Execute(List<Work> batch)
    {
        if (broken is { } reason)
        {
            foreach (var work in batch) work.Fail(new StorageFailedException(reason));
            return;
        }
        var careful = false;
        while (true)
        {
            try
            {
                database.Execute("BEGIN IMMEDIATE");
                foreach (var work in batch) work.Run(session, careful);
                session.Flush();
                FaultPoints.BeforeCommit.Pass();
                database.Execute("COMMIT");
                FaultPoints.AfterCommit.Pass();
                break;
            }
            catch (Exception exception)
            {
                var committing = exception is SqliteException { SqliteErrorCode: raw.SQLITE_IOERR or raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB };
                RollBack();
                if (committing)
                {
                    Break("The disk failed while the store was writing; restart to read what is durable", exception);
                    foreach (var work in batch) work.Fail(new StorageFailedException(broken!));
                    return;
                }
                if (exception is SqliteException environment && IsEnvironment(environment))
                {
                    logger.LogError(exception, "A batch of {Count} was not written", batch.Count);
                    foreach (var work in batch) work.Fail(new StorageBusyException("The database cannot be written now"));
                    return;
                }
                logger.LogError(exception, "An item of a batch of {Count} failed{Again}", batch.Count, careful ? " twice" : "");
                if (careful)
                {
                    foreach (var work in batch) work.Fail(new InvariantException("journal batch"));
                    return;
                }
                careful = true;
            }
        }
        lock (counting) { commits++; items += batch.Count; }
        var changed = session.TakeCommitted();
        if (changed.Count > 0) Committed?.Invoke(changed);
        if (session.TakeNews() is { } news) Sold?.Invoke(news);
        callers.Tell(batch);
    }

    private void RollBack()
    {
        session.Forget();
        try { if (database.InTransaction) database.Execute("ROLLBACK"); }
        catch (SqliteException exception) { Break("A transaction could not be rolled back; restart to read what is durable", exception); }
    }

    private void Break(string why, Exception exception)
    {
        logger.LogCritical(exception, "The store stops writing: {Why}", why);
        lock (gate) broken ??= why;
    }

    /// <summary>Not the item's fault, and nothing was written: no room, no memory, locked, read-only.</summary>
    internal static bool IsEnvironment(SqliteException exception) => exception.SqliteErrorCode
        is raw.SQLITE_FULL or raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_NOMEM or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN or raw.SQLITE_PERM
        or raw.SQLITE_IOERR or raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;

    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            closed = true;
            Monitor.PulseAll(gate);
        }
        await stopped.Task.ConfigureAwait(false);
    }

    /// <summary>Something that waits for the writer.</summary>
    private abstract class Work : ICompletion
    {
        private const int Queued = 0, Started = 1, Cancelled = 2;
        private int state;
        private CancellationTokenRegistration registration;

        public virtual long Bytes => 0;

        public void CancelWith(CancellationToken token)
        {
            registration = token.Register(static state => ((Work)state!).Cancel(), this);
            // Too late to matter: it was taken while the registration was made.
            if (Volatile.Read(ref state) == Started) registration.Dispose();
        }

        public bool TryStart()
        {
            var started = Interlocked.CompareExchange(ref state, Started, Queued) == Queued;
            registration.Unregister();
            return started;
        }

        private void Cancel()
        {
            if (Interlocked.CompareExchange(ref state, Cancelled, Queued) == Queued) SetCancelled();
        }

        public abstract void Run(WriteSession session, bool careful);
        public abstract void Complete();
        public abstract void Fail(Exception exception);
        protected abstract void SetCancelled();
    }

    private abstract class Work<T> : Work
    {
        private readonly TaskCompletionSource<T> source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? result;
        private Exception? failure;

        public Task<T> Task => source.Task;

        protected void Ended(T value) => (result, failure) = (value, null);
        protected void Failed(Exception exception) => failure = exception;

        public override void Complete()
        {
            if (failure is null) source.TrySetResult(result!);
            else source.TrySetException(failure);
        }

        public override void Fail(Exception exception) => source.TrySetException(exception);
        protected override void SetCancelled() => source.TrySetCanceled();
    }

    private sealed class ItemWork(JournalItem item) : Work<Verdict>
    {
        public override long Bytes => (item.New?.Sealed.Length ?? 0) + (item.Answer?.Length ?? 0);

        [SuppressMessage("Design", "CA1031", Justification = "The one bad item fails alone, whatever is wrong with it.")]
        public override void Run(WriteSession session, bool careful)
        {
            if (!careful)
            {
                Ended(session.Items.Apply(item));
                return;
            }
            try { Ended(session.InSavepoint(() => session.Items.Apply(item))); }
            catch (SqliteException exception) when (IsEnvironment(exception)) { throw; }
            catch (Exception exception) { Failed(exception as InvariantException ?? new InvariantException("journal item")); }
        }
    }

    private sealed class JobWork<T>(Func<WriteSession, T> change) : Work<T>
    {
        [SuppressMessage("Design", "CA1031", Justification = "A job that fails is undone alone and its caller told.")]
        public override void Run(WriteSession session, bool careful)
        {
            try { Ended(session.InSavepoint(() => change(session))); }
            catch (SqliteException exception) when (IsEnvironment(exception)) { throw; }
            catch (Exception exception) { Failed(exception); }
        }
    }
}
