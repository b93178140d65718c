using Exchange.Engine.Caps;
using Exchange.Engine.Values;
using Exchange.Storage;
using Exchange.Storage.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>The catalog and the ledger where several silos change them, each with connections of its own.</summary>
public sealed class PostgresCatalogTests : IClassFixture<PostgresCluster>, IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly List<NpgsqlDataSource> sources = [];
    private string database = "";

    public async Task InitializeAsync() => database = await PostgresCluster.CreateDatabaseAsync();

    public async Task DisposeAsync()
    {
        foreach (var source in sources) await source.DisposeAsync();
    }

    private sealed record Silo(NpgsqlDataSource Source, PostgresCatalog Catalog, PostgresLedger Ledger, List<CounterValue> Told);

    private Silo Open()
    {
        var source = PostgresDatabase.CreateSource(new PostgresStoreOptions { ConnectionString = database, MasterKey = new byte[32] });
        sources.Add(source);
        List<CounterValue> told = [];
        var changes = new PostgresChanges(source, TimeProvider.System, values => { lock (told) told.AddRange(values); });
        return new(source, new PostgresCatalog(changes, source, TimeProvider.System), new PostgresLedger(changes, source, source), told);
    }

    private static CatalogApply Apply(string json, long? expected, params LimitModel[] limits) => new(global::System.Text.Encoding.UTF8.GetBytes(json), "tests", expected, limits);

    [Fact]
    public async Task Apply_TwoSilosAtOnceOnTheSameVersion_OneIsRefused()
    {
        var (one, other) = (Open(), Open());
        long? version = null;
        for (var round = 1; round <= 10; round++)
        {
            var both = await Task.WhenAll(
                one.Catalog.ApplyAsync(Apply("{\"of\":1}", version ?? 0, Limits(round)), Now, default),
                other.Catalog.ApplyAsync(Apply("{\"of\":2}", version ?? 0, Limits(round + 100)), Now, default));

            both.Count(applied => applied == round).ShouldBe(1);
            both.Count(applied => applied is null).ShouldBe(1);
            version = round;
            var winner = both[0] is null ? 2 : 1;
            (await other.Catalog.LatestAsync(default))!.Json.ShouldBe(global::System.Text.Encoding.UTF8.GetBytes($"{{\"of\":{winner}}}"));
            (await PostgresCluster.ReadAsync(database, "SELECT lim FROM cap WHERE id = 'c:a1:leads:day:UTC'")).ShouldBe(winner == 1 ? round : round + 100);
        }
    }

    [Fact]
    public async Task Apply_AfterAnothersSilo_StartsFromWhatThatOneLeft()
    {
        var (one, other) = (Open(), Open());
        await one.Catalog.ApplyAsync(Apply("{}", null, Limits(5)), Now, default);
        await other.Catalog.ApplyAsync(Apply("{}", null, Gate("open:a1:2", CapScope.Campaign, "a1"), Balance("a", Money.Parse("7"))), Now, default);

        // What the other silo took away is back, as it was here.
        await one.Catalog.ApplyAsync(Apply("{}", null, Limits(5)), Now, default);

        (await PostgresCluster.ReadAsync(database, "SELECT lim FROM counter WHERE key = 'open:a1:1'")).ShouldBe(0);
        (await PostgresCluster.ReadAsync(database, "SELECT lim FROM counter WHERE key = 'open:a1:2'")).ShouldBe(-1);
        (await PostgresCluster.ReadAsync(database, "SELECT lim FROM counter WHERE key = 'bal:a'")).ShouldBe(Money.Parse("1000").Micros);
        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM cap WHERE active")).ShouldBe(Limits(5).Length);
    }

    [Fact]
    public async Task News_OfAnotherSilosApply_IsHeardAlsoAfterTheConnectionWasLost()
    {
        var (one, other) = (Open(), Open());
        using var heard = new SemaphoreSlim(0);
        using var stop = new CancellationTokenSource();
        var listening = new PostgresCatalogNews(other.Source, TimeProvider.System, NullLogger.Instance).ListenAsync(() => { heard.Release(); return Task.CompletedTask; }, stop.Token);
        // It listens.
        (await heard.WaitAsync(Patience)).ShouldBeTrue();

        await one.Catalog.ApplyAsync(Apply("{}", null, Limits()), Now, default);
        (await heard.WaitAsync(Patience)).ShouldBeTrue();
        await PostgresCluster.ExecuteAsync(database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        // It listens again, and says so: news may have passed meanwhile.
        (await heard.WaitAsync(Patience)).ShouldBeTrue();
        await one.Catalog.ApplyAsync(Apply("{}", null, Limits(1)), Now, default);
        (await heard.WaitAsync(Patience)).ShouldBeTrue();

        await stop.CancelAsync();
        await listening.WaitAsync(Patience);
    }

    [Fact]
    public async Task Fund_SameReferenceFromTwoSilosAtOnce_BooksOnce()
    {
        var silos = (Silo[])[Open(), Open()];
        await silos[0].Catalog.ApplyAsync(Apply("{}", null, Limits()), Now, default);

        var booked = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => silos[i % 2].Ledger.FundAsync("a", Money.Parse("5.00"), "wire-1", Now, default)));

        booked.Count(done => done).ShouldBe(1);
        (await silos[0].Ledger.BalanceAsync("buyer:a", default)).ShouldBe(Money.Parse("5.00"));
        (await PostgresCluster.ReadAsync(database, "SELECT lim FROM counter WHERE key = 'bal:a'")).ShouldBe(Money.Parse("1005").Micros);
    }

    [Fact]
    public async Task Close_OfVeryManyBookings_StretchByStretch_LeavesBalancesTheSum()
    {
        var silos = (Silo[])[Open(), Open()];
        await PostgresCluster.ExecuteAsync(database, """
            INSERT INTO transfer (source, no, kind, part, at_ms, debit, credit, amount)
            SELECT convert_to(n::text, 'UTF8'), 1, 'payout', 0, 0, CASE n % 3 WHEN 0 THEN 'house' ELSE 'buyer:a' END, CASE n % 3 WHEN 0 THEN 'buyer:a' ELSE 'house' END, n
            FROM generate_series(1, 25000) n
            """);

        (await silos[0].Ledger.CloseAsync(10_000, default)).ShouldBeTrue();
        (await PostgresCluster.ReadAsync(database, "SELECT balance FROM closing WHERE account = 'house' AND seq = 10000")).ShouldBe(SumTo(10_000));
        // Who takes over begins while the other is at it.
        await Task.WhenAll(silos.Select(silo => silo.Ledger.CloseAsync(10_000, default)));
        (await PostgresCluster.ReadAsync(database, "SELECT balance FROM closing WHERE account = 'house' AND seq = 20000")).ShouldBe(SumTo(20_000));
        (await silos[0].Ledger.CloseAsync(10_000, default)).ShouldBeFalse();
        (await silos[1].Ledger.FundAsync("a", new Money(1_000), "wire", Now, default)).ShouldBeTrue();

        (await silos[0].Ledger.BalanceAsync("house", default)).Micros.ShouldBe(SumTo(25_000));
        (await silos[0].Ledger.BalanceAsync("buyer:a", default)).Micros.ShouldBe(1_000 - SumTo(25_000));
        (await silos[0].Ledger.BalancesAsync(default)).ShouldBe([new("bank", new(-1_000)), new("buyer:a", new(1_000 - SumTo(25_000))), new("house", new(SumTo(25_000)))]);

        static long SumTo(int last) => Enumerable.Range(1, last).Sum(n => n % 3 == 0 ? -(long)n : n);
    }

    /// <summary>Its number is lower than those that are there, and nobody sees it yet.</summary>
    [Fact]
    public async Task Close_WhileABookingIsOnItsWay_WaitsForIt()
    {
        const string Book = "INSERT INTO transfer (source, no, kind, part, at_ms, debit, credit, amount) SELECT convert_to(n::text, 'UTF8'), 1, 'payout', 0, 0, 'buyer:a', 'house', n FROM generate_series";
        var silo = Open();
        await using var slow = new NpgsqlConnection(database + ";Pooling=false");
        await slow.OpenAsync();
        await using var booking = await slow.BeginTransactionAsync();
        await using (var first = new NpgsqlCommand($"SELECT join_sales(NULL); {Book} (1, 1) n", slow)) await first.ExecuteNonQueryAsync();
        await PostgresCluster.ExecuteAsync(database, $"{Book} (2, 9) n");

        var closing = silo.Ledger.CloseAsync(5, default);
        while (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == 0)
        {
            closing.IsCompleted.ShouldBeFalse();
            await Task.Delay(10);
        }
        await booking.CommitAsync();

        (await closing.WaitAsync(Patience)).ShouldBeFalse();
        (await PostgresCluster.ReadAsync(database, "SELECT balance FROM closing WHERE account = 'house'")).ShouldBe(1 + 2 + 3 + 4 + 5);
        (await silo.Ledger.BalanceAsync("house", default)).Micros.ShouldBe(45);
    }
}
