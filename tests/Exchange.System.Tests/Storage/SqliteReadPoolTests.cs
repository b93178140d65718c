using System.Diagnostics.CodeAnalysis;
using Exchange.Storage;
using Exchange.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>Reads beside the threads that serve pings.</summary>
public sealed class SqliteReadPoolTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly string file = Path.Combine(Path.GetTempPath(), "exchange-reads-" + Guid.NewGuid().ToString("N") + ".db");
    private readonly ReadPool reads;
    private readonly ManualResetEventSlim open = new();
    private int begun;

    public SqliteReadPoolTests()
    {
        using var database = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        database.Open();
        using var command = database.CreateCommand();
        command.CommandText = "CREATE TABLE number (value INTEGER); INSERT INTO number VALUES (7)";
        command.ExecuteNonQuery();
        reads = new ReadPool(file);
    }

    public void Dispose()
    {
        open.Set();
        reads.Dispose();
        open.Dispose();
        File.Delete(file);
    }

    private Task<long?> SevenAsync(CancellationToken cancel = default) => reads.ReadAsync(static database => database.Prepare("SELECT value FROM number").Scalar(), cancel);

    /// <summary>Reads that take until the door is opened; eight of them are under way.</summary>
    private Task<bool>[] KeepBusy(int asked = 8)
    {
        var slow = Enumerable.Range(0, asked).Select(_ => reads.ReadAsync(_ =>
        {
            Interlocked.Increment(ref begun);
            open.Wait(CancellationToken.None);
            return true;
        }, default)).ToArray();
        SpinWait.SpinUntil(() => Volatile.Read(ref begun) == 8, TimeSpan.FromSeconds(20)).ShouldBeTrue();
        return slow;
    }

    [Fact]
    public async Task Read_TakesNoThreadOfThePool()
    {
        (await reads.ReadAsync(static _ => Thread.CurrentThread.IsThreadPoolThread, default)).ShouldBeFalse();
        (await SevenAsync()).ShouldBe(7);
    }

    [Fact]
    public async Task ManyAtOnce_EachIsServed_SomeAfterOthers()
    {
        var slow = KeepBusy(20);
        var quick = SevenAsync();
        await Task.Delay(50);
        (Volatile.Read(ref begun), quick.IsCompleted).ShouldBe((8, false), "eight connections, and no more");
        open.Set();
        (await Task.WhenAll(slow)).ShouldAllBe(done => done);
        (await quick).ShouldBe(7);
    }

    /// <summary>A machine without a file or memory left for a thread: once eight had failed, nobody was served ever again.</summary>
    [Fact]
    [SuppressMessage("Usage", "CA2201", Justification = "What the runtime throws where it can start no thread.")]
    public async Task NoThreadToBeHad_IsAskedForAgain_WhenThereIs()
    {
        var isFull = true;
        using var pool = new ReadPool(file, thread =>
        {
            if (isFull) throw new OutOfMemoryException();
            thread.Start();
        });
        for (var asked = 0; asked < 9; asked++) Should.Throw<StorageBusyException>(() => { _ = pool.ReadAsync(static _ => 0, default); });

        isFull = false;
        (await pool.ReadAsync(static _ => 7, default).WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe(7);

        // Who is there serves what no further thread can be had for.
        using var first = new ManualResetEventSlim();
        var slow = pool.ReadAsync(_ => first.Wait(TimeSpan.FromSeconds(20)), default);
        isFull = true;
        var next = pool.ReadAsync(static _ => 8, default);
        await Task.Delay(50);
        next.IsCompleted.ShouldBeFalse();
        first.Set();
        (await slow.WaitAsync(TimeSpan.FromSeconds(20))).ShouldBeTrue();
        (await next.WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe(8);
    }

    [Fact]
    public async Task OneRead_Fails_OthersDoNot()
    {
        await Should.ThrowAsync<SqliteException>(reads.ReadAsync(static database => database.Prepare("SELECT no FROM where_it_is").Scalar(), default));
        await Should.ThrowAsync<InvalidOperationException>(reads.ReadAsync<int>(static _ => throw new InvalidOperationException("the caller's"), default));
        (await SevenAsync()).ShouldBe(7);
    }

    [Fact]
    public async Task Caller_Cancels_IsToldAtOnce_AndWhatHadNotBegunIsNotDone()
    {
        var slow = KeepBusy();
        using var cancel = new CancellationTokenSource();
        var (waits, ran) = (SevenAsync(cancel.Token), false);
        var unwanted = reads.ReadAsync(_ => ran = true, cancel.Token);
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(waits);
        await Should.ThrowAsync<OperationCanceledException>(unwanted);
        open.Set();
        await Task.WhenAll(slow);
        (await SevenAsync()).ShouldBe(7);
        ran.ShouldBeFalse();
    }

    [Fact]
    public async Task MoreThanMayWait_AreRefused_AndWhoeverHasGoneTakesNoPlace()
    {
        using var pool = new ReadPool(file, connections: 1, mostWaiting: 1);
        using var cancel = new CancellationTokenSource();
        var first = pool.ReadAsync(_ => open.Wait(Patience), default);
        var second = pool.ReadAsync(static _ => 2, cancel.Token);
        Should.Throw<StorageBusyException>(() => { _ = pool.ReadAsync(static _ => 3, default); });

        await cancel.CancelAsync();
        var instead = pool.ReadAsync(static _ => 4, default);
        Should.Throw<StorageBusyException>(() => { _ = pool.ReadAsync(static _ => 5, default); });

        open.Set();
        (await first.WaitAsync(Patience)).ShouldBeTrue();
        (await instead.WaitAsync(Patience)).ShouldBe(4);
        await Should.ThrowAsync<OperationCanceledException>(second);
        (await pool.ReadAsync(static _ => 6, default).WaitAsync(Patience)).ShouldBe(6);
    }

    /// <summary>One connection: whoever comes next is served only if it was ended.</summary>
    [Fact]
    public async Task ReportWhoseCallerHasGone_IsEnded_AndTheNextIsServed()
    {
        using var pool = new ReadPool(file, connections: 1, limit: TimeSpan.FromMinutes(1));
        using var cancel = new CancellationTokenSource();
        var begins = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var endless = pool.ReadAsync(database =>
        {
            begins.SetResult();
            return Endless(database);
        }, cancel.Token);
        await begins.Task.WaitAsync(Patience);
        var next = pool.ReadAsync(static database => database.Prepare("SELECT value FROM number").Scalar(), default);
        await Task.Delay(50);
        next.IsCompleted.ShouldBeFalse();

        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(endless);
        (await next.WaitAsync(Patience)).ShouldBe(7);
    }

    /// <summary>Between two statements as well: an interrupt that came there would be lost.</summary>
    [Fact]
    public async Task ReportWhoseCallerHadGoneBeforeItsStatement_IsEnded()
    {
        using var pool = new ReadPool(file, connections: 1, limit: TimeSpan.FromMinutes(1));
        using var cancel = new CancellationTokenSource();
        var begins = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var endless = pool.ReadAsync(database =>
        {
            begins.SetResult();
            open.Wait(Patience);
            return Endless(database);
        }, cancel.Token);
        await begins.Task.WaitAsync(Patience);

        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(endless);
        open.Set();
        (await pool.ReadAsync(static _ => 8, default).WaitAsync(Patience)).ShouldBe(8);
    }

    [Fact]
    public async Task ReportAtItsLimit_IsToldSo_AndTheNextIsServed()
    {
        using var pool = new ReadPool(file, connections: 1, limit: TimeSpan.FromMilliseconds(200));

        await Should.ThrowAsync<ReportTooLongException>(pool.ReadAsync(Endless, default).WaitAsync(Patience));
        (await pool.ReadAsync(static database => database.Prepare("SELECT value FROM number").Scalar(), default).WaitAsync(Patience)).ShouldBe(7);
    }

    private static long? Endless(Database database) => database.Prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n").Scalar();

    [Fact]
    public async Task Closed_EndsWhatIsUnderWay_AndTellsTheOthers()
    {
        var slow = KeepBusy();
        var waits = SevenAsync();
        var closing = Task.Run(reads.Dispose);
        SpinWait.SpinUntil(TurnsAway, Patience).ShouldBeTrue("closing has begun");
        closing.IsCompleted.ShouldBeFalse("reads are under way");
        open.Set();
        await closing;
        (await Task.WhenAll(slow)).ShouldAllBe(done => done);
        await Should.ThrowAsync<StorageBusyException>(waits);
        await Should.ThrowAsync<StorageBusyException>(() => SevenAsync());

        bool TurnsAway()
        {
            try
            {
                _ = SevenAsync();
                return false;
            }
            catch (StorageBusyException)
            {
                return true;
            }
        }
    }
}
