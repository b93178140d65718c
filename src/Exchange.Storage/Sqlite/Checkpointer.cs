using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Moves the write-ahead log into its database file from another thread and connection, so that no commit waits for it. Under load that thread
/// never quite catches up with the writer; when the log is long, the writer itself moves the short rest between two batches, after
/// which the log starts again at its beginning. So the log stays bounded. Its thread gives way to those that somebody waits for: moving two
/// thousand pages is some 10 ms of a processor, five times a second under load.
/// </summary>
internal sealed class Checkpointer : IDisposable
{
    private const int PagesPerCheckpoint = 2_000;
    private const int LongLogPages = 16_000;

    private readonly object gate = new();
    private readonly Database own;
    private readonly ILogger logger;
    private readonly TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int pages;
    private bool asked;
    private bool closed;
    private volatile bool finishInWriter;

    public Checkpointer(Database own, string name, ILogger logger)
    {
        this.own = own;
        this.logger = logger;
        new Thread(Run) { IsBackground = true, Name = name }.Start();
    }

    /// <summary>Called by the writer between transactions.</summary>
    public void AfterCommit(Database writer)
    {
        if (finishInWriter)
        {
            finishInWriter = false;
            try { writer.Execute("PRAGMA wal_checkpoint(PASSIVE)"); }
            catch (SqliteException exception) { logger.LogWarning(exception, "The rest of the log could not be moved"); }
        }
        pages += writer.TakePagesWritten();
        if (pages < PagesPerCheckpoint) return;
        pages = 0;
        lock (gate)
        {
            asked = true;
            Monitor.Pulse(gate);
        }
    }

    private void Run()
    {
        LowPriority.OfThisThread();
        while (true)
        {
            lock (gate)
            {
                while (!asked && !closed) Monitor.Wait(gate);
                if (closed) break;
                asked = false;
            }
            try
            {
                var log = own.Prepare("PRAGMA wal_checkpoint(PASSIVE)").First(static row => row.Long(1));
                if (log > LongLogPages) finishInWriter = true;
            }
            catch (SqliteException exception)
            {
                // The log keeps what was committed; the next attempt moves it.
                logger.LogWarning(exception, "The log could not be moved into its file");
            }
        }
        own.Dispose();
        stopped.SetResult();
    }

    public void Dispose()
    {
        lock (gate)
        {
            closed = true;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Completes when its connection is closed.</summary>
    public Task Stopped => stopped.Task;
}
