using Microsoft.Data.Sqlite;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Read-only connections, each with a thread of its own. A read sees one moment (one transaction) and never waits for the writer. The driver has no asynchronous
/// calls, and a search that takes long would keep a thread of the pool, on one processor the only one there is, from every ping that comes meanwhile.
/// </summary>
/// <param name="file">Of the database.</param>
/// <param name="start">Starts a thread; null: as usual.</param>
internal sealed class ReadPool(string file, Action<Thread>? start = null) : IDisposable
{
    private const int Connections = 8;

    private readonly object gate = new();
    private readonly Queue<IAsked> waiting = [];
    private readonly List<Thread> threads = [];
    // Threads that nothing was given to.
    private int idle;
    private bool isClosed;

    /// <summary>Errors: <see cref="StorageBusyException"/> where the machine fails or the store is closing. A read that was begun goes on when its caller has cancelled.</summary>
    public Task<T> ReadAsync<T>(Func<Database, T> read, CancellationToken cancel)
    {
        var asked = new Asked<T>(read, cancel);
        lock (gate)
        {
            if (isClosed) throw StorageBusyException.Closing();
            if (idle == 0 && threads.Count < Connections && !TryGrow() && threads.Count == 0) throw new StorageBusyException("The machine has no thread for reads now");
            waiting.Enqueue(asked);
            if (idle > 0)
            {
                idle--;
                Monitor.Pulse(gate);
            }
        }
        return asked.Task.WaitAsync(cancel);
    }

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
                database.Execute("BEGIN");
                asked.Read(database);
                database.Execute("COMMIT");
                asked.Tell();
            }
            catch (Exception fault)
            {
                database?.Dispose();
                database = null;
                asked.Fail(fault is SqliteException sqlite && Writer.IsEnvironment(sqlite) ? new StorageBusyException("The database cannot be read now") : fault);
            }
        }
        database?.Dispose();
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
                else if (!asked.IsCancelled) return asked;
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

        public void Fail(Exception fault) => answer.SetException(fault);
    }
}
