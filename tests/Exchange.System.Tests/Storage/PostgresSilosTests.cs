using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Exchange.Storage.Postgres;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Two stores on one database: one applies catalogs, the other sells meanwhile and does not know of it.</summary>
public sealed class PostgresSilosTests : IClassFixture<PostgresCluster>, IAsyncLifetime
{
    private const string CapId = "c:a1:leads:day";
    private string ofBoth = "";
    private PostgresStore applies = null!;
    private PostgresStore sells = null!;
    private int next;

    public async Task InitializeAsync()
    {
        ofBoth = await PostgresCluster.CreateDatabaseAsync();
        applies = await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = ofBoth, MasterKey = new byte[32] });
        sells = await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = ofBoth, MasterKey = new byte[32] });
    }

    public async Task DisposeAsync()
    {
        await applies.DisposeAsync();
        await sells.DisposeAsync();
    }

    /// <summary>Its proof that nobody else of its name lives went with the connection: it takes it again.</summary>
    [Fact]
    public async Task Name_IsHeldAgain_AfterItsConnectionWasLost()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var store = await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = database, MasterKey = new byte[32], Node = "one" });
        const string holder = "SELECT coalesce(max(l.pid), 0) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' AND l.classid = 7303 AND d.datname = current_database()";
        var before = await PostgresCluster.ReadAsync(database, holder);
        before.ShouldBeGreaterThan(0);
        await PostgresCluster.ReadAsync(database, $"SELECT pg_terminate_backend({before})::int::bigint");

        await BlackBox.MarketCalls.Until(async () => await PostgresCluster.ReadAsync(database, holder) is > 0 and var now && now != before, "the name is held again");
    }

    /// <summary>A server that does not reach its database ends itself: long reads that hold every connection must not look like that.</summary>
    [Fact]
    public async Task Check_IsAnswered_WhileReadsHoldEveryConnection()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var store = await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = database, MasterKey = new byte[32], MaxConnections = 8 });
        using var over = new CancellationTokenSource();
        var reads = Enumerable.Range(0, 16).Select(_ => store.Source.AllAsync("SELECT pg_sleep(60)::text", static row => row.GetString(0), over.Token)).ToArray();
        const string sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()";
        await BlackBox.MarketCalls.Until(async () => await PostgresCluster.ReadAsync(database, sleeping) > 0, "connections are held");

        await store.CheckAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(50));

        await over.CancelAsync();
        foreach (var read in reads) await Should.ThrowAsync<Exception>(read);
    }

    private static LimitModel[] Limits(int gate, params LimitModel[] caps) =>
        [Gate($"open:a1:{gate}", CapScope.Campaign, "a1"), Balance("a", Money.Parse("1000000")), .. caps];

    private sealed record Sold(LeadId Lead, bool Held, LimitModel[] Under);

    /// <summary>
    /// Sells and holds, and captures or voids half of what it holds right away, until it is refused by the limits that are the newest; each seller learns of them
    /// after it was refused by the old ones.
    /// </summary>
    private Task<List<Sold>>[] Sellers(Func<LimitModel[]> newest, Func<bool> isLast) => [.. Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
    {
        List<Sold> mine = [];
        var known = newest();
        while (true)
        {
            var n = Interlocked.Increment(ref next);
            var hold = n % 2 == 0;
            if ((await sells.SubmitAsync(Post(Lead(n), [Copy(1, known, hold ? CopyMove.Hold : CopyMove.Sell, price: Price)]))).IsSuccess)
            {
                var move = n % 8 == 0 ? CopyMove.Capture : n % 8 == 4 ? CopyMove.Void : CopyMove.Hold;
                if (hold && move != CopyMove.Hold) (await sells.SubmitAsync(End(Lead(n), move))).Code.ShouldBe(VerdictCode.Done);
                if (move != CopyMove.Void || !hold) mine.Add(new(Lead(n), hold && move == CopyMove.Hold, known));
            }
            else if (known == newest() && isLast()) return mine;
            else known = newest();
        }
    }))];

    [Fact]
    public async Task Apply_NewCapWhileTheOtherSells_CountsEveryCopyOnceAndHoldsToTheUnit()
    {
        var old = Limits(1);
        var now = Limits(2, DayCap(CapId, CapScope.Campaign, "a1", 600), DayCap("b:a:spend:day", CapScope.Buyer, "a", long.MaxValue / 4, CapMetric.Spend));
        await applies.ApplyAsync(old);
        var current = old;
        var sellers = Sellers(() => Volatile.Read(ref current), () => Volatile.Read(ref current) == now);
        while (Volatile.Read(ref next) < 300) await Task.Yield();

        await applies.ApplyAsync(now);
        Volatile.Write(ref current, now);
        var sold = (await Task.WhenAll(sellers)).SelectMany(mine => mine).ToList();

        // Voids give their place back while others ask, so the end may be a little below; never above, unless more had been sold before, and the row is what the copies are.
        sold.Count.ShouldBeLessThanOrEqualTo(Math.Max(600, sold.Count(copy => copy.Under == old)));
        var captured = sold.Count(copy => !copy.Held);
        var held = sold.Where(copy => copy.Held).ToList();
        var cap = (await applies.CounterAsync(CapId))!.Value;
        (cap.Used, cap.Held).ShouldBe((captured, held.Count));
        var spend = (await applies.CounterAsync("b:a:spend:day"))!.Value;
        (spend.Used, spend.Held).ShouldBe((captured * Price.Micros, held.Count * Price.Micros));
        var balance = (await applies.CounterAsync("bal:a"))!.Value;
        (balance.Used, balance.Held).ShouldBe((captured * Price.Micros, held.Count * Price.Micros));

        // Holds of before the cap end in it too, whoever ends them.
        var ends = await Task.WhenAll(held.Select((copy, i) => (i % 2 == 0 ? applies : sells).SubmitAsync(End(copy.Lead, i % 2 == 0 ? CopyMove.Capture : CopyMove.Void))));
        ends.ShouldAllBe(verdict => verdict.Code == VerdictCode.Done);
        cap = (await sells.CounterAsync(CapId))!.Value;
        (cap.Used, cap.Held).ShouldBe((captured + (held.Count + 1) / 2, 0));
        (await sells.Ledger.BalanceAsync("publisher:p", default)).ShouldBe(new Money(cap.Used * Payout.Micros));
    }

    [Fact]
    public async Task Apply_LowersAndPausesWhileTheOtherSells_NothingIsSoldAfterItsCommit()
    {
        LimitModel[] With(long cap, bool open = true) => [Gate("open:a1:1", CapScope.Campaign, "a1", open), Balance("a", Money.Parse("1000000")), DayCap(CapId, CapScope.Campaign, "a1", cap)];
        var limits = With(1_000_000);
        await applies.ApplyAsync(limits);
        using var stop = new CancellationTokenSource();
        var done = 0;
        var sellers = Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                if ((await sells.SubmitAsync(Post(Lead(Interlocked.Increment(ref next)), [Copy(1, limits)]))).IsSuccess) Interlocked.Increment(ref done);
        })).ToArray();

        while (Volatile.Read(ref done) < 100) await Task.Yield();
        // Lowered below what is sold already; raised; paused; open again.
        foreach (var (cap, open) in ((long, bool)[])[(1, true), (1_000_000, true), (1_000_000, false), (1_000_000, true)])
        {
            await applies.ApplyAsync(With(cap, open));
            var sold = (await applies.CounterAsync(CapId))!.Value.Used;
            var before = Volatile.Read(ref next);
            while (Volatile.Read(ref next) < before + 100) await Task.Yield();
            if (cap == 1 || !open) (await applies.CounterAsync(CapId))!.Value.Used.ShouldBe(sold);
        }
        await stop.CancelAsync();
        await Task.WhenAll(sellers);

        (await applies.CounterAsync(CapId))!.Value.Used.ShouldBe(done);
        // It was done under one lock order. Who stands still for a second is sent back by the database.
        (await PostgresCluster.ReadAsync(ofBoth, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")).ShouldBe(0);
    }
}
