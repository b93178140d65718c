using System.Diagnostics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Read-only connections, each with a thread of its own. A read sees one moment (one transaction) and never waits for the writer. The driver has no asynchronous
/// calls, and a search that takes long would keep a thread of the pool, on one processor the only one there is, from every ping that comes meanwhile.
/// </summary>
/// <param name="file">Of the database.</param>
/// <param name="start">Starts a thread; null: as usual.</param>
/// <param name="connections">Reads at once.</param>
/// <param name="mostWaiting">Reads that wait behind those; the next is refused.</param>
/// <param name="limit">What a read may take; it is ended then, and when its caller has gone. Null: what was begun goes on.</param>
internal sealed class ReadPool(string file, Action<Thread>? start = null, int connections = 8, int mostWaiting = int.MaxValue, TimeSpan? limit = null) : IDisposable
{
    private readonly object gate = new();
    private readonly Queue<IAsked> waiting = [];
    private readonly List<Thread> threads = [];
    // Threads that nothing was given to.
    private int idle;
    // Reads that a thread has taken and not ended.
    private int underWay;
    private bool isClosed;

    /// <summary>
    /// Errors: <see cref="StorageBusyException"/> where the machine fails, too many wait or the store is closing; <see cref="ReportTooLongException"/> at the limit.
    /// A caller that cancels is told at once.
    /// </summary>
    public Task<T> ReadAsync<T>(Func<Database, T> read, CancellationToken cancel)
    {
        var asked = new Asked<T>(read, cancel);
        lock (gate)
        {
            if (isClosed) throw StorageBusyException.Closing();
            if (IsFull()) throw new StorageBusyException("Too many reads wait already");
            if (idle == 0 && threads.Count < connections && !TryGrow() && threads.Count == 0) throw new StorageBusyException("The machine has no thread for reads now");
            waiting.Enqueue(asked);
            if (idle > 0)
            {
                idle--;
                Monitor.Pulse(gate);
            }
        }
        return asked.Task.WaitAsync(cancel);
    }

    /// <summary>Whoever has gone takes no place; they are counted only where the queue looks full.</summary>
    private bool IsFull() => waiting.Count + underWay - connections >= mostWaiting
        && waiting.Count(static asked => !asked.IsCancelled) + underWay - connections >= mostWaiting;

    /// <summary>False: the machine has no room for another thread, or no file left for it. Those that are there go on.</summary>
    private bool TryGrow()
    {
        var thread = new Thread(Run) { IsBackground = true, Name = "exchange reads" };
        try
        {
            if (start is null) thread.Start();
            else start(thread);
        }
        catch (Exception fault) when (fault is OutOfMemoryException or ThreadStartException)
        {
            return false;
        }
        // Counted only now: one that never ran would be waited for.
        threads.Add(thread);
        return true;
    }

    /// <summary>Reads under way end first; those that wait are told that the store is closed.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            isClosed = true;
            Monitor.PulseAll(gate);
        }
        foreach (var thread in threads) thread.Join();
        while (waiting.TryDequeue(out var asked)) asked.Fail(StorageBusyException.Closing());
    }

    private void Run()
    {
        Database? database = null;
        while (Next() is { } asked)
        {
            try
            {
                database ??= Database.OpenReader(file);
                if (limit is { } most) StopInTime(database, asked, most);
                database.Execute("BEGIN");
                asked.Read(database);
                database.Execute("COMMIT");
                asked.Tell();
            }
            catch (Exception fault)
            {
                database?.Dispose();
                database = null;
                asked.Fail(fault switch
                {
                    SqliteException { SqliteErrorCode: raw.SQLITE_INTERRUPT } => new ReportTooLongException(),
                    SqliteException sqlite when Writer.IsEnvironment(sqlite) => new StorageBusyException("The database cannot be read now"),
                    _ => fault,
                });
            }
            lock (gate) underWay--;
        }
        database?.Dispose();
    }

    private static void StopInTime(Database database, IAsked asked, TimeSpan most)
    {
        var began = Stopwatch.GetTimestamp();
        database.StopWhen(() => asked.IsCancelled || Stopwatch.GetElapsedTime(began) > most);
    }

    /// <summary>Null: closed.</summary>
    private IAsked? Next()
    {
        lock (gate)
        {
            while (!isClosed)
            {
                if (!waiting.TryDequeue(out var asked))
                {
                    idle++;
                    Monitor.Wait(gate);
                }
                else if (!asked.IsCancelled)
                {
                    underWay++;
                    return asked;
                }
            }
            return null;
        }
    }

    private interface IAsked
    {
        bool IsCancelled { get; }

        void Read(Database database);

        void Tell();

        void Fail(Exception fault);
    }

    private sealed class Asked<T>(Func<Database, T> read, CancellationToken cancel) : IAsked
    {
        private readonly TaskCompletionSource<T> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? found;

        public Task<T> Task => answer.Task;

        public bool IsCancelled => cancel.IsCancellationRequested;

        public void Read(Database database) => found = read(database);

        public void Tell() => answer.SetResult(found!);

        /// <summary>Whoever has gone is told that he has, whatever came of it.</summary>
        public void Fail(Exception fault)
        {
            if (cancel.IsCancellationRequested) answer.SetCanceled(cancel);
            else answer.SetException(fault);
        }
    }
}
