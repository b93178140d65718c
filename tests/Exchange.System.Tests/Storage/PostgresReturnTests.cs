using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;
using Exchange.Storage.Postgres;
using Npgsql;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Copies that come back on PostgreSQL: its own fence gives back what the engine's gives back, and of many silos that ask at once one is noted.</summary>
public sealed class PostgresReturnTests : IClassFixture<PostgresCluster>, IAsyncLifetime
{
    private readonly List<IAsyncDisposable> opened = [];
    private string database = "";

    public async Task InitializeAsync() => database = await PostgresCluster.CreateDatabaseAsync();

    public async Task DisposeAsync()
    {
        foreach (var each in Enumerable.Reverse(opened)) await each.DisposeAsync();
    }

    private sealed record Silo(PostgresJournal Journal, PostgresCatalog Catalog, PostgresReturns Returns)
    {
        public Task<long?> ApplyAsync(params LimitModel[] limits) => Catalog.ApplyAsync(new("{}"u8.ToArray(), "tests", null, limits), Now, default);
        public async Task<VerdictCode> SubmitAsync(JournalItem item) => (await Journal.SubmitAsync(item, default)).Code;
    }

    private Silo Open(string owner = "one")
    {
        var options = new PostgresStoreOptions { ConnectionString = database, MasterKey = new byte[32] };
        var source = PostgresDatabase.CreateSource(options);
        opened.Add(source);
        var journal = new PostgresJournal(source, options, owner);
        opened.Add(journal);
        var changes = new PostgresChanges(source, TimeProvider.System, static _ => { });
        return new(journal, new PostgresCatalog(changes, source, TimeProvider.System), new PostgresReturns(changes, source, source));
    }

    private Task<long> ReadAsync(string sql) => PostgresCluster.ReadAsync(database, sql);

    private Task<long> UsedAsync(string limitId) => ReadAsync($"SELECT coalesce(sum(used), 0)::bigint FROM counter WHERE limit_id = '{limitId}'");

    private Task<long> BalanceAsync(string account) =>
        ReadAsync($"SELECT (coalesce(sum(amount) FILTER (WHERE credit = '{account}'), 0) - coalesce(sum(amount) FILTER (WHERE debit = '{account}'), 0))::bigint FROM transfer");

    [Fact]
    public async Task Reverse_GivesBackMoneyAndKeptPlaces_OnceOfManyAtOnce()
    {
        var silos = new[] { Open(), Open("other") };
        var kept = DayCap("c:a1:kept", CapScope.Campaign, "a1", 5, kept: true);
        LimitModel[] limits = [.. Limits(9), kept];
        await silos[0].ApplyAsync(limits);
        NewDelivery[] inbox = [new("inbox", NewDelivery.NeverDue, 0)];
        for (var n = 1; n <= 5; n++) (await silos[n % 2].SubmitAsync(Post(Lead(n), [Copy(1, limits, deliveries: inbox)], answer: "{}"u8.ToArray()))).ShouldBe(VerdictCode.Done);
        (await silos[0].SubmitAsync(Post(Lead(6), [Copy(1, limits)]))).ShouldBe(VerdictCode.Refused);

        var verdicts = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => silos[i % 2].SubmitAsync(Return(Lead(1 + i % 4)))));

        verdicts.Count(verdict => verdict == VerdictCode.Done).ShouldBe(4);
        verdicts.Count(verdict => verdict == VerdictCode.AlreadyThere).ShouldBe(36);
        (await UsedAsync(kept.Id), await UsedAsync("bal:a"), await UsedAsync("c:a1:leads:day:UTC")).ShouldBe((1, Price.Micros, 5));
        (await BalanceAsync("buyer:a"), await BalanceAsync("publisher:p"), await BalanceAsync("house")).ShouldBe((-Price.Micros, Payout.Micros, (Price - Payout).Micros));
        (await ReadAsync("SELECT count(*) FROM copy WHERE state = 6"), await ReadAsync("SELECT count(*) FROM lead WHERE state = 2 AND open_copies = 1 AND answer IS NOT NULL"),
            await ReadAsync("SELECT count(*) FROM delivery WHERE status = 3 AND error = 'returned'")).ShouldBe((4, 5, 4));
        // A return and a sale that needs its place in one batch; held copies do not come back.
        for (var n = 11; n <= 14; n++) (await silos[0].SubmitAsync(Post(Lead(n), [Copy(1, limits, n == 14 ? CopyMove.Hold : CopyMove.Sell)]))).ShouldBe(VerdictCode.Done);
        (await silos[0].SubmitAsync(Return(Lead(14)))).ShouldBe(VerdictCode.EndedOtherwise);
        (await silos[1].SubmitAsync(Post(Lead(15), [Copy(1, limits)]))).ShouldBe(VerdictCode.Refused);
    }

    [Fact]
    public async Task Reverse_OfCapsThatBeganInMidPeriod_AndOfCountersLongGone()
    {
        var silo = Open();
        var before = DayCap("c:a1:before", CapScope.Campaign, "a1", 9);
        await silo.ApplyAsync(before, Balance("a", Money.Parse("1000")));
        for (var n = 1; n <= 4; n++) await silo.SubmitAsync(Post(Lead(n), [Copy(1, [before, Balance("a", default)])]));
        (await silo.SubmitAsync(Return(Lead(1)))).ShouldBe(VerdictCode.Done);
        LimitModel kept = DayCap("c:a1:kept", CapScope.Campaign, "a1", 9, kept: true), plain = DayCap("c:a1:plain", CapScope.Campaign, "a1", 9);

        await silo.ApplyAsync(before, kept, plain, Balance("a", Money.Parse("1000")));
        (await UsedAsync(kept.Id), await UsedAsync(plain.Id)).ShouldBe((3, 4));
        (await silo.SubmitAsync(Return(Lead(2)))).ShouldBe(VerdictCode.Done);
        (await UsedAsync(kept.Id), await UsedAsync(plain.Id), await UsedAsync(before.Id)).ShouldBe((2, 4, 4));

        await PostgresCluster.ExecuteAsync(database, $"DELETE FROM counter WHERE limit_id = '{kept.Id}'");
        (await silo.SubmitAsync(Return(Lead(3)))).ShouldBe(VerdictCode.Done);
        (await UsedAsync("bal:a")).ShouldBe(Price.Micros);
    }

    /// <summary>More than one statement marks: every copy is marked, once.</summary>
    [Fact]
    public async Task KeptCap_OverMoreSalesThanOneStatementMarks_MarksEachOnce()
    {
        const int sold = LimitSeeder.MarkedAtOnce + 20;
        var silo = Open();
        var balance = Balance("a", Money.Parse("1000000"));
        await silo.ApplyAsync(balance);
        foreach (var some in Enumerable.Range(1, sold).Chunk(1_000))
            (await Task.WhenAll(some.Select(n => silo.SubmitAsync(Post(Lead(n), [Copy(1, [balance])]))))).ShouldAllBe(code => code == VerdictCode.Done);
        var kept = DayCap("c:a1:kept", CapScope.Campaign, "a1", 20_000, kept: true);

        await silo.ApplyAsync(balance, kept);
        (await UsedAsync(kept.Id), await ReadAsync($"SELECT count(*) FROM copy WHERE (SELECT count(*) FROM unnest(takes) AS t (key) WHERE starts_with(t.key, 'cap:{kept.Id}:')) = 1")).ShouldBe((sold, sold));
        (await silo.SubmitAsync(Return(Lead(sold)))).ShouldBe(VerdictCode.Done);
        (await UsedAsync(kept.Id)).ShouldBe(sold - 1);
    }

    [Fact]
    public async Task Ask_ManySilosAtOnce_OneIsNoted_NeverAboveTheQuota()
    {
        var silos = new[] { Open(), Open("other") };
        LimitModel[] limits = [Balance("a", Money.Parse("1000"))];
        await silos[0].ApplyAsync(limits);
        for (var n = 1; n <= 12; n++) await silos[0].SubmitAsync(Post(Lead(n), [Copy(1, limits)]));
        ReturnAsk Ask(int n, ReturnQuota? quota) => new(new(Lead(n), 1), "a", "invalid_phone", [7, 8], n % 2 == 0, quota, Now + 1000);

        var once = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => silos[i % 2].Returns.AskAsync(Ask(1, null), default)));
        once.Count(verdict => verdict == ReturnVerdict.Noted).ShouldBe(1);
        once.Count(verdict => verdict == ReturnVerdict.AlreadyAsked).ShouldBe(19);
        var month = new ReturnQuota(false, Now - 1, Now + 1, 4);
        var many = await Task.WhenAll(Enumerable.Range(2, 11).Select(n => silos[n % 2].Returns.AskAsync(Ask(n, month), default)));
        many.Count(verdict => verdict == ReturnVerdict.Noted).ShouldBe(3);
        many.Count(verdict => verdict == ReturnVerdict.QuotaReached).ShouldBe(8);
        (await silos[0].Returns.AskAsync(Ask(1, null) with { Buyer = "b" }, default)).ShouldBe(ReturnVerdict.NotSold);

        var copy = new CopyId(Lead(1), 1);
        var row = (await silos[1].Returns.FindAsync(copy, default))!;
        row.ShouldBeEquivalentTo(new ReturnRow(copy, "a", "a1", "p", "auto", Price, Payout, ReturnStatus.Requested, "invalid_phone", [7, 8], Now, Now + 1000, null, false));
        var decided = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => silos[i % 2].Returns.DecideAsync(copy, accept: true, Decision(copy, Now + 2000 + i), default)));
        decided.Count(done => done).ShouldBe(1);
        (await silos[0].Returns.UnbookedAsync(Now + 10_000, 50, default)).Select(left => left.Copy).ShouldContain(copy);
        await silos[0].Returns.BookedAsync(copy, default);
        (await silos[0].Returns.UnbookedAsync(Now + 10_000, 50, default)).Select(left => left.Copy).ShouldNotContain(copy);

        var page = await silos[0].Returns.ListAsync(null, "a", 3, null, default);
        (page.Rows.Count, (await silos[0].Returns.ListAsync(null, "a", 3, page.Next, default)).Rows.Count).ShouldBe((3, 1));
        (await silos[0].Returns.ListAsync(ReturnStatus.Refused, null, 3, null, default)).Rows.ShouldBeEmpty();
        (await silos[0].Returns.SoldAsync("a", "a1", Now, Now + 1, default), await silos[0].Returns.SoldAsync("a", null, Now + 1, Now + 2, default)).ShouldBe((12, 0));
        (await silos[0].SubmitAsync(Return(Lead(1)))).ShouldBe(VerdictCode.Done);
        var sum = (await silos[0].Returns.SumsAsync(Now, Now + 1, default)).ShouldHaveSingleItem();
        (sum.Sold, sum.Returned, sum.Price, sum.Refunded).ShouldBe((12, 1, Money.Parse("132.00"), Price));

        (await silos[0].Returns.SayAsync("a", new(copy, "won", Money.Parse("900.00"), [1], Now + 2), default)).ShouldBeTrue();
        (await silos[0].Returns.SayAsync("a", new(copy, "contacted", null, null, Now + 1), default)).ShouldBeTrue();
        (await silos[0].Returns.SayAsync("b", new(copy, "lost", null, null, Now + 3), default)).ShouldBeFalse();
        (await silos[1].Returns.SaidAsync([copy], default)).Select(word => $"{word.Word} {word.Value}").ShouldBe(["contacted ", "won 900.00"]);
    }
}
