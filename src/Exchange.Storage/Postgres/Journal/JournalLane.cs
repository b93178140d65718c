using System.Diagnostics.CodeAnalysis;
using Exchange.Engine;
using Exchange.Engine.Ledger;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>
/// Takes batch after batch from the queue and makes each durable, on a connection of its own. What is told is told after the commit's reply.
/// </summary>
/// <remarks>
/// A connection that is lost, a server that ends, a lock that did not come: whether the batch is there is not known, so the same batch goes again, on a new
/// connection, until it is known; what had been there answers "the same is there already", or that it is done where the leases that it took are its own still
/// (<see cref="OwnLeases"/>). Any other error is an item's: the batch is halved until it stands alone. A refusal is never an error.
/// </remarks>
internal sealed class JournalLane(NpgsqlDataSource source, JournalQueue queue, JournalTelling telling, string owner, TimeProvider time, ILogger logger, CancellationToken givingUp)
{
    private const string CopiesReadTooEarly = "EX001";
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10), LongestPause = TimeSpan.FromMilliseconds(500);

    private readonly KnownWindows windows = new();
    private NpgsqlConnection? connection;

    [SuppressMessage("Design", "CA1031", Justification = "A lane that ended would leave its keys taken and its callers waiting for ever.")]
    public async Task RunAsync()
    {
        while (await queue.TakeAsync().ConfigureAwait(false) is { } batch)
        {
            List<JournalWork> again = [];
            try
            {
                await MakeDurableAsync(batch, again, false).ConfigureAwait(false);
            }
            catch (Exception bug)
            {
                logger.LogCritical(bug, "A batch of {Count} broke off", batch.Count);
                foreach (var work in batch) work.Fail(new StorageFailedException("Whether it was written is not known"));
                again.Clear();
            }
            queue.Done(batch, again);
        }
        await DropAsync().ConfigureAwait(false);
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever fails must reach the callers that wait; nothing else would tell them.")]
    private async Task MakeDurableAsync(List<JournalWork> works, List<JournalWork> again, bool mayBeThere)
    {
        for (var pause = FirstPause; ; )
        {
            try
            {
                await CommitAsync(works, again).ConfigureAwait(false);
                return;
            }
            catch (Exception moved) when (moved is RowsMovedException or PostgresException { SqlState: CopiesReadTooEarly })
            {
                telling.ReadAgain();
                await DropAsync().ConfigureAwait(false);
            }
            catch (PostgresException full) when (full.SqlState == PostgresErrorCodes.DiskFull && !mayBeThere)
            {
                logger.LogError(full, "A batch of {Count} was not written", works.Count);
                await DropAsync().ConfigureAwait(false);
                foreach (var work in works) work.Fail(new StorageBusyException("The database cannot be written now"));
                return;
            }
            catch (Exception fault) when (Faults.IsBusy(fault))
            {
                // A server that ends says so (class 57) also after the commit.
                mayBeThere |= fault is not PostgresException ended || ended.SqlState.StartsWith("57", StringComparison.Ordinal);
                telling.Retried();
                logger.LogWarning("A batch of {Count} goes again: {Fault}", works.Count, fault is PostgresException told ? told.SqlState : fault.GetType().Name);
                await DropAsync().ConfigureAwait(false);
                if (!await WaitAsync(pause).ConfigureAwait(false))
                {
                    foreach (var work in works) work.Fail(new StorageFailedException("Whether it was written is not known: the database cannot be reached"));
                    return;
                }
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
            catch (Exception bug)
            {
                logger.LogError(bug, "An item of a batch of {Count} failed", works.Count);
                await DropAsync().ConfigureAwait(false);
                if (works.Count == 1) works[0].Fail(bug as InvariantException ?? new InvariantException("journal item"));
                else
                {
                    await MakeDurableAsync(works[..(works.Count / 2)], again, mayBeThere).ConfigureAwait(false);
                    await MakeDurableAsync(works[(works.Count / 2)..], again, mayBeThere).ConfigureAwait(false);
                }
                return;
            }
        }
    }

    private async Task CommitAsync(List<JournalWork> works, List<JournalWork> again)
    {
        connection ??= await source.OpenConnectionAsync(CancellationToken.None).ConfigureAwait(false);
        await windows.MakeAsync(connection, works).ConfigureAwait(false);
        var rows = await ColdFlush.RunAsync(connection, works).ConfigureAwait(false);
        var batch = BatchPlan.Judge(works, rows);
        var own = await OwnLeases.FindAsync(connection, batch, rows, owner).ConfigureAwait(false);
        foreach (var item in batch.Planned) item.Work.Unconfirmed = JournalTelling.NewsOf(item);
        FaultPoints.BeforeCommit.Pass();
        var fence = await HotFlush.RunAsync(connection, batch, rows, owner).ConfigureAwait(false);
        FaultPoints.AfterCommit.Pass();
        Tell(batch, own, fence, again);
    }

    /// <summary>Durable: first what the live view has to know, then each caller's verdict.</summary>
    private void Tell(BatchPlan batch, HashSet<JournalWork> own, FenceCall fence, List<JournalWork> again)
    {
        var ended = new List<JournalWork>(batch.Told.Count + batch.Planned.Count);
        var news = new CommitNews();
        foreach (var (work, verdict) in batch.Told)
        {
            if (verdict.Code == VerdictCode.AlreadyThere && work.Unconfirmed is { } made) news.Add(made);
            End(work, own.Contains(work) ? new Verdict(VerdictCode.Done) : verdict);
        }
        for (var i = 0; i < batch.Planned.Count; i++)
        {
            var work = batch.Planned[i].Work;
            var verdict = fence.VerdictOf(i + 1, out var missing);
            if (verdict.Code == VerdictCode.Done) news.Add(work.Unconfirmed!);
            work.Unconfirmed = null;
            // It was there a while ago: made once more, the item goes again. Else the catalog has no such limit any more.
            if (missing is { } take && windows.Forget(take.Key)) again.Add(work);
            else End(work, verdict);
        }
        again.AddRange(batch.Later);
        telling.Committed(fence.Moved, news, ended);
        foreach (var (work, exception) in batch.Broken) work.Fail(exception);

        void End(JournalWork work, in Verdict verdict)
        {
            work.Verdict = verdict;
            ended.Add(work);
        }
    }

    private async Task<bool> WaitAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, time, givingUp).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) { return false; }
    }

    /// <summary>A connection whose transaction went wrong is never used again by us: the pool resets it or finds it dead, which is nobody's failure.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever becomes of a connection that is given up, the batch goes on with another.")]
    private async Task DropAsync()
    {
        if (connection is not { } gone) return;
        connection = null;
        try
        {
            await gone.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception fault)
        {
            logger.LogWarning("A connection that was given up could not be reset: {Fault}", fault is PostgresException told ? told.SqlState : fault.GetType().Name);
        }
    }
}
