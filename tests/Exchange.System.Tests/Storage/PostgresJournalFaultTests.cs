using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Exchange.Storage;
using Exchange.Storage.Postgres;
using Npgsql;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Lost connections, lost replies and several journals on one database: every sum stays exact, every caller gets a verdict.</summary>
public sealed class PostgresJournalFaultTests : IClassFixture<PostgresCluster>
{
    private static readonly Money Cent = Money.Parse("0.01");

    private static Task<PostgresStore> OpenAsync(string connectionString, int lanes = 2) =>
        PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = connectionString, MasterKey = PostgresStoreTests.Key, Lanes = lanes });

    private static JournalItem Sale(int n, LimitModel[] limits) => Post(Lead(n), [Copy(1, limits, price: Cent)], $"key-{n}", persons: [Person($"person {n}")]);

    [Fact]
    public async Task CommitReply_Cut_IsFoundAsAlreadyThere()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var proxy = new CuttingProxy(PostgresCluster.Port);
        await using var store = await OpenAsync(database.Replace($"Port={PostgresCluster.Port}", $"Port={proxy.Port}", StringComparison.Ordinal), lanes: 1);
        var limits = Limits(capOfA: 1_000);
        await store.ApplyAsync(limits);
        // The first transaction of its ping records is over: nobody but the journal commits from here on.
        await store.Pings.FlushAsync(default);

        List<VerdictCode> codes = [];
        for (var n = 1; n <= 10; n++)
        {
            // Each on connections on which nothing was prepared yet, so that the commit is seen passing.
            store.Source.Clear();
            proxy.CutNext(1);
            codes.Add((await store.SubmitAsync(Sale(n, limits))).Code);
        }

        proxy.Cut.ShouldBeGreaterThan(0);
        codes.ShouldAllBe(code => code == VerdictCode.Done || code == VerdictCode.AlreadyThere);
        codes.Count(code => code == VerdictCode.AlreadyThere).ShouldBe(proxy.Cut);
        await AddUpAsync(database, sold: 10);
    }

    /// <summary>Changes beside the journal are made again too, and find what they did the first time.</summary>
    [Fact]
    public async Task CommitReplyOfAChange_Cut_IsDoneOnce_AndToldOnce()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var proxy = new CuttingProxy(PostgresCluster.Port);
        await using var store = await OpenAsync(database.Replace($"Port={PostgresCluster.Port}", $"Port={proxy.Port}", StringComparison.Ordinal), lanes: 1);
        var (limits, copy) = (Limits(), new CopyId(Lead(1), 1));
        await store.ApplyAsync(limits);
        (await store.SubmitAsync(Sale(1, limits))).Code.ShouldBe(VerdictCode.Done);
        (await store.Returns.AskAsync(new(copy, "a", "invalid_phone", [], Accepted: false, null, Now + 1), default)).ShouldBe(ReturnVerdict.Noted);
        await store.Pings.FlushAsync(default);

        store.Source.Clear();
        proxy.CutNext(1);
        (await store.Returns.DecideAsync(copy, accept: true, Decision(copy, Now + 2), default)).ShouldBeTrue();
        proxy.Cut.ShouldBe(1);
        (await store.Returns.DecideAsync(copy, accept: true, Decision(copy, Now + 3), default)).ShouldBeFalse();
        var lead = (await store.Leads.FindAsync(Lead(1), default))!;
        store.Source.Clear();
        proxy.CutNext(1);
        (await store.Erasures.EraseAsync(new(Lead(1), null, [Hash("phone")], "tests", Now + 4) { Read = new(lead.Sealed, lead.Answer) }, default)).ShouldBeTrue();
        proxy.Cut.ShouldBe(2);

        store.Suppressions.Knows(Hash("phone")).ShouldBeTrue();
        foreach (var action in (string[])["return.decide", "lead.erase"])
            (await PostgresCluster.ReadAsync(database, $"SELECT count(*) FROM audit WHERE action = '{action}'")).ShouldBe(1, action);
        (await store.Leads.FindAsync(Lead(1), default))!.IsErased.ShouldBeTrue();
    }

    /// <summary>Left to run out it would come again as one that may have arrived, though nobody was called.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CommitReplyOfAClaim_Cut_IsTheSameLease(bool atOneEndpoint)
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var proxy = new CuttingProxy(PostgresCluster.Port);
        await using var store = await OpenAsync(database.Replace($"Port={PostgresCluster.Port}", $"Port={proxy.Port}", StringComparison.Ordinal), lanes: 1);
        var limits = Limits();
        await store.ApplyAsync(limits);
        foreach (var n in (int[])[1, 2]) (await store.SubmitAsync(Post(Lead(n), [Copy(1, limits, deliveries: [new("hook", Now, 0)])]))).Code.ShouldBe(VerdictCode.Done);
        await store.Pings.FlushAsync(default);

        store.Source.Clear();
        proxy.CutNext(1);
        var claimed = atOneEndpoint
            ? await store.Deliveries.ClaimDueAtAsync("a", "hook", Now + 1_000, Now + 9_000, 9, default)
            : await store.Deliveries.ClaimDueAsync(Now + 1_000, Now + 9_000, 9, default);

        proxy.Cut.ShouldBe(1);
        claimed.OrderBy(claim => claim.Copy.Lead).Select(claim => (claim.Copy.Lead, claim.Fence, claim.Attempts)).ShouldBe([(Lead(1), 1, 1), (Lead(2), 1, 1)]);
        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM delivery WHERE fence = 1 AND attempts = 1")).ShouldBe(2);
        foreach (var claim in claimed)
            (await store.Deliveries.RecordAsync(claim.Copy, "hook", claim.Fence, new(DeliveryStatus.Delivered, null, null), Now + 2_000, default)).ShouldBeTrue();
    }

    /// <summary>The same of what publishers are told: left to run out, they would be told late.</summary>
    [Fact]
    public async Task CommitReplyOfAClaimOfPostbacks_Cut_IsTheSameLease()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var proxy = new CuttingProxy(PostgresCluster.Port);
        await using var store = await OpenAsync(database.Replace($"Port={PostgresCluster.Port}", $"Port={proxy.Port}", StringComparison.Ordinal), lanes: 1);
        var limits = Limits();
        await store.ApplyAsync(limits);
        foreach (var n in (int[])[1, 2]) (await store.SubmitAsync(Post(Lead(n), [Copy(1, limits)]) with { Postback = new(PostbackEvent.Sold, 1, Payout) })).Code.ShouldBe(VerdictCode.Done);
        await store.Pings.FlushAsync(default);

        store.Source.Clear();
        proxy.CutNext(1);
        var claimed = await store.Postbacks.ClaimDueAsync(Now + 1_000, Now + 9_000, 9, null, default);

        proxy.Cut.ShouldBe(1);
        claimed.OrderBy(claim => claim.Id.Lead).Select(claim => (claim.Id.Lead, claim.Fence, claim.Attempts)).ShouldBe([(Lead(1), 1, 1), (Lead(2), 1, 1)]);
        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM postback WHERE fence = 1 AND attempts = 1")).ShouldBe(2);
        foreach (var claim in claimed) (await store.Postbacks.RecordAsync(claim.Id, claim.Fence, new(DeliveryStatus.Delivered, null, null), Now + 2_000, default)).ShouldBeTrue();
    }

    [Fact]
    public async Task NewLead_AfterItsLastMoment_IsNotWritten_WhateverElseIsInTheBatch_AndIsToldOfIfItWasThere()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var store = await OpenAsync(database, lanes: 1);
        var limits = Limits(capOfA: 100);
        await store.ApplyAsync(limits);
        var now = await ClockAsync(database);

        (await store.SubmitAsync(Until(1, now + 600_000))).Code.ShouldBe(VerdictCode.Done);
        var others = new List<Task<Verdict>> { store.SubmitAsync(Sale(3, limits)) };
        var late = store.SubmitAsync(Until(2, now - 1));
        for (var n = 4; n < 20; n++) others.Add(store.SubmitAsync(Sale(n, limits)));
        await Should.ThrowAsync<StorageBusyException>(late);
        (await Task.WhenAll(others)).ShouldAllBe(verdict => verdict.Code == VerdictCode.Done);
        (await store.SubmitAsync(Until(1, now - 1))).Code.ShouldBe(VerdictCode.AlreadyThere);
        // Neither its key nor its person was left behind.
        (await store.SubmitAsync(Until(2, now + 600_000))).Code.ShouldBe(VerdictCode.Done);
        await AddUpAsync(database, sold: 19);

        JournalItem Until(int n, long lastMs) => Sale(n, limits) with { NotAfterMs = lastMs };
    }

    /// <summary>The post of a held offer that others have said is over, and a no whose lease is over, while another asks its buyer again.</summary>
    [Fact]
    public async Task PostOfAnOffer_OrANo_AfterItsLastMoment_LeavesAllAsItWas()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var store = await OpenAsync(database, lanes: 1);
        var limits = Limits();
        await store.ApplyAsync(limits);
        (await store.SubmitAsync(Offer(Lead(1), [Copy(1, limits, CopyMove.Hold)]))).Code.ShouldBe(VerdictCode.Done);
        (await store.SubmitAsync(Post(Lead(2), [Copy(1, limits, CopyMove.Hold, deliveries: [new("hook", Now, Now + 5_000)])]))).Code.ShouldBe(VerdictCode.Done);
        var now = await ClockAsync(database);
        JournalItem[] items = [PostOf(Lead(1), [Capture(1)], "key", persons: [Person("x")]), End(Lead(2), CopyMove.Void)];

        foreach (var item in items) await Should.ThrowAsync<StorageBusyException>(store.SubmitAsync(item with { NotAfterMs = now - 1 }));

        (await store.Leads.FindAsync(Lead(1), default))!.IsPosted.ShouldBeFalse();
        foreach (var n in (int[])[1, 2]) (await store.Leads.FindAsync(Lead(n), default))!.Copies.ShouldHaveSingleItem().State.ShouldBe(CopyState.Held);
        foreach (var table in (string[])["request", "person", "transfer"]) (await PostgresCluster.ReadAsync(database, $"SELECT count(*) FROM {table}")).ShouldBe(0, table);
        (await store.Deliveries.ListAsync(DeliveryStatus.Waiting, null, 9, null, default)).Rows.ShouldHaveSingleItem().Copy.Lead.ShouldBe(Lead(2));
        (await CapAsync()).ShouldBe((0, 2));

        foreach (var item in items) (await store.SubmitAsync(item with { NotAfterMs = now + 600_000 })).Code.ShouldBe(VerdictCode.Done);
        (await CapAsync()).ShouldBe((1, 0));

        async Task<(long Used, long Held)> CapAsync() => await store.CounterAsync("c:a1:leads:day:UTC") is { } cap ? (cap.Used, cap.Held) : default;
    }

    /// <summary>A batch goes wrong, and so does giving up its connection: its lane goes on, or every later post would wait for ever.</summary>
    [Fact]
    public async Task Rollback_LostWithItsConnection_TheLaneGoesOn()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var proxy = new CuttingProxy(PostgresCluster.Port);
        await using var store = await OpenAsync(database.Replace($"Port={PostgresCluster.Port}", $"Port={proxy.Port}", StringComparison.Ordinal), lanes: 1);
        var limits = Limits(capOfA: 100);
        await store.ApplyAsync(limits);
        (await store.SubmitAsync(Sale(1, limits))).Code.ShouldBe(VerdictCode.Done);
        Task<Verdict> second;
        await using (var holder = new NpgsqlConnection(database + ";Pooling=false"))
        {
            await holder.OpenAsync();
            await using var transaction = await holder.BeginTransactionAsync();
            await using (var hold = new NpgsqlCommand("SELECT count(*) FROM (SELECT 1 FROM counter FOR UPDATE) held", holder)) await hold.ExecuteScalarAsync();
            proxy.EndAt("ROLLBACK");
            second = store.SubmitAsync(Sale(2, limits));
            await BlackBox.MarketCalls.Until(() => proxy.HasEnded, "the wait for a lock is over and its transaction given up");
        }
        (await second.WaitAsync(TimeSpan.FromSeconds(60))).Code.ShouldBe(VerdictCode.Done);
        (await store.SubmitAsync(Sale(3, limits)).WaitAsync(TimeSpan.FromSeconds(60))).Code.ShouldBe(VerdictCode.Done);
        await AddUpAsync(database, sold: 3);
    }

    [Fact]
    public async Task Backends_TerminatedAtRandom_SellExactlyTheCap()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var one = await OpenAsync(database);
        await using var two = await OpenAsync(database);
        var limits = Limits(capOfA: 1_500);
        await one.ApplyAsync(limits);
        var next = 0;
        var sellers = Enumerable.Range(0, 32).Select(seller => Task.Run(async () =>
        {
            var done = 0;
            while (Interlocked.Increment(ref next) is var n && n <= 2_500)
                if ((await (seller % 2 == 0 ? one : two).SubmitAsync(Sale(n, limits))).IsSuccess) done++;
            return done;
        })).ToArray();
        var selling = Task.WhenAll(sellers);
        var killed = 0L;
        while (!selling.IsCompleted)
        {
            killed += await PostgresCluster.ReadAsync(database,
                "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'exchange' ORDER BY random() LIMIT 1) x");
            await Task.WhenAny(selling, Task.Delay(50));
        }

        (await selling).Sum().ShouldBe(1_500);
        killed.ShouldBeGreaterThan(0);
        await AddUpAsync(database, sold: 1_500);
    }

    [Fact]
    public async Task TwoJournals_OnOneCampaign_LoweredPausedAndCappedInMidFlight_AreExact()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var one = await OpenAsync(database);
        await using var two = await OpenAsync(database);
        var limits = Limits(capOfA: 100_000);
        await one.ApplyAsync(limits);
        var (next, done) = (0, 0);
        using var stop = new CancellationTokenSource();
        var sellers = Enumerable.Range(0, 32).Select(seller => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
                if ((await (seller % 2 == 0 ? one : two).SubmitAsync(Sale(Interlocked.Increment(ref next), limits))).IsSuccess) Interlocked.Increment(ref done);
        })).ToArray();
        while (Volatile.Read(ref done) < 500) await Task.Delay(5);

        // Lowered below what is sold: nothing more after its commit, on either journal.
        await two.ApplyAsync(Limits(capOfA: 100));
        var sold = (await one.CounterAsync("c:a1:leads:day:UTC"))!.Value.Used;
        await FurtherAsync(() => Volatile.Read(ref next), 300);
        (await one.CounterAsync("c:a1:leads:day:UTC"))!.Value.Used.ShouldBe(sold);
        // Open again, then paused.
        await one.ApplyAsync(Limits(capOfA: 100_000));
        await FurtherAsync(() => Volatile.Read(ref done), 200);
        await two.ApplyAsync([.. Limits(capOfA: 100_000).Where(limit => limit.Id != "open:a1:1"), Gate("open:a1:1", CapScope.Campaign, "a1", open: false)]);
        var paused = (await one.CounterAsync("c:a1:leads:day:UTC"))!.Value.Used;
        await FurtherAsync(() => Volatile.Read(ref next), 300);
        await stop.CancelAsync();
        await Task.WhenAll(sellers);

        (await one.CounterAsync("c:a1:leads:day:UTC"))!.Value.Used.ShouldBe(paused);
        done.ShouldBe((int)paused);
        await AddUpAsync(database, sold: done);
        // It was done under one lock order. Who stands still for a second is sent back by the database.
        (await PostgresCluster.ReadAsync(database, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")).ShouldBe(0);
    }

    /// <summary>Unix milliseconds by the database's clock.</summary>
    private static Task<long> ClockAsync(string database) => PostgresCluster.ReadAsync(database, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint");

    private static async Task FurtherAsync(Func<int> number, int more)
    {
        var until = number() + more;
        while (number() < until) await Task.Delay(5);
    }

    /// <summary>Rows, counters, money and the buyer's list say the same number of sales.</summary>
    private static async Task AddUpAsync(string database, int sold)
    {
        async Task<long> Read(string sql) => await PostgresCluster.ReadAsync(database, sql);
        (await Read("SELECT count(*) FROM copy WHERE state = 3")).ShouldBe(sold);
        (await Read("SELECT count(*) FROM lead")).ShouldBe(sold);
        (await Read("SELECT count(*) FROM request")).ShouldBe(sold);
        (await Read("SELECT count(*) FROM person")).ShouldBe(sold);
        (await Read("SELECT used + held FROM counter WHERE key LIKE 'cap:c:a1:%'")).ShouldBe(sold);
        (await Read("SELECT used FROM counter WHERE key = 'bal:a'")).ShouldBe(sold * Cent.Micros);
        (await Read("SELECT coalesce(sum(amount), 0)::bigint FROM transfer WHERE debit = 'buyer:a'")).ShouldBe(sold * Cent.Micros);
        (await Read("SELECT count(*) FROM sold WHERE buyer = 'a'")).ShouldBe(sold);
        (await Read("SELECT coalesce(max(seq), 0) FROM sold WHERE buyer = 'a'")).ShouldBe(sold);
    }
}
