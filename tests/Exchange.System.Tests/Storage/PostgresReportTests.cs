using Exchange.Engine.Ledger;
using Exchange.Storage;
using Exchange.Storage.Postgres;
using Npgsql;
using Shouldly;
using static Exchange.System.Tests.Storage.Sample;

namespace Exchange.System.Tests.Storage;

/// <summary>Reports on PostgreSQL have connections of their own: whatever they wait for, nothing else does.</summary>
public sealed class PostgresReportTests : IClassFixture<PostgresCluster>, IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private string database = "";

    public async Task InitializeAsync() => database = await PostgresCluster.CreateDatabaseAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    private PostgresStoreOptions Options => new() { ConnectionString = database, MasterKey = PostgresStoreTests.Key };

    [Fact]
    public async Task ReportsThatStandStill_KeepNoSaleAndNoReadWaiting_AndFurtherOnesAreRefused()
    {
        // Nobody's wait for a lock ends by itself here.
        var patient = new NpgsqlConnectionStringBuilder(database) { Options = "-c lock_timeout=0" }.ToString();
        await using var store = await PostgresStore.OpenAsync(Options with { ConnectionString = patient });
        var limits = Limits();
        await store.ApplyAsync(limits);
        await using var other = new NpgsqlConnection(database + ";Pooling=false");
        await other.OpenAsync();
        await using var held = await other.BeginTransactionAsync();
        await using (var take = new NpgsqlCommand("LOCK TABLE copy_return IN ACCESS EXCLUSIVE MODE", other)) await take.ExecuteNonQueryAsync();
        var reports = Enumerable.Range(0, 40).Select(_ => store.Returns.SumsAsync(Now, Now + 1, default)).ToArray();
        const string standing = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        await BlackBox.MarketCalls.Until(async () => await PostgresCluster.ReadAsync(database, standing) > 0, "reports stand still");

        (await store.SubmitAsync(Post(Lead(1), [Copy(1, limits)])).WaitAsync(Patience)).Code.ShouldBe(VerdictCode.Done);
        (await store.Suppressions.AnyAsync([Hash("nobody")], default).AsTask().WaitAsync(Patience)).ShouldBeFalse();
        (await store.Leads.FindAsync(Lead(1), default).WaitAsync(Patience)).ShouldNotBeNull();
        await Should.ThrowAsync<StorageBusyException>(await Task.WhenAny(reports).WaitAsync(Patience));

        await held.RollbackAsync();
        var answered = 0;
        foreach (var report in reports)
        {
            try
            {
                await report.WaitAsync(Patience);
                answered++;
            }
            catch (StorageBusyException) { }
        }
        answered.ShouldBeGreaterThan(0, "those that had a place");
    }

    [Fact]
    public async Task ReportAtItsTimeLimit_IsToldSo_AndOneWhoseCallerHasGoneIsCancelled()
    {
        const string slow = "SELECT true FROM pg_sleep(60)";
        await using var reports = PostgresDatabase.CreateSource(Options, most: 1, session: "-c statement_timeout=2000");
        using var cancel = new CancellationTokenSource();

        await Should.ThrowAsync<ReportTooLongException>(reports.ReportAsync(slow, static row => row.Bool(0), default).WaitAsync(Patience));
        (await reports.ReportAsync("SELECT true", static row => row.Bool(0), default).WaitAsync(Patience)).ShouldHaveSingleItem().ShouldBeTrue();

        await using var patient = PostgresDatabase.CreateReports(Options);
        var gone = patient.ReportAsync(slow, static row => row.Bool(0), cancel.Token);
        await BlackBox.MarketCalls.Until(async () => await RunningAsync() == 1, "the report runs");
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(gone.WaitAsync(Patience));
        await BlackBox.MarketCalls.Until(async () => await RunningAsync() == 0, "it runs no more");

        Task<long> RunningAsync() => PostgresCluster.ReadAsync(Options.ConnectionString,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()");
    }

    /// <summary>As after a restart of the database: all connections in the pool are gone, and no admin's first question need be refused for that.</summary>
    [Fact]
    public async Task ReportWhoseConnectionIsGone_IsAskedOnceMoreOnAnother()
    {
        await using var reports = PostgresDatabase.CreateReports(Options);
        // Two lie in the pool.
        await using (await reports.OpenConnectionAsync())
        await using (await reports.OpenConnectionAsync()) { }
        await PostgresCluster.ExecuteAsync(database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        await BlackBox.MarketCalls.Until(async () => await PostgresCluster.ReadAsync(database,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()") == 0, "the connections are gone");

        (await reports.ReportAsync("SELECT true", static row => row.Bool(0), default).WaitAsync(Patience)).ShouldHaveSingleItem().ShouldBeTrue();
    }

    /// <summary>Also where a connection is opened for several statements.</summary>
    [Fact]
    public async Task NoConnectionToBeHad_IsToldAsBusy()
    {
        await using var source = PostgresDatabase.CreateSource(Options, most: 1, waitSeconds: 1);
        await using var only = await source.OpenConnectionAsync();
        var changes = new PostgresChanges(source, TimeProvider.System, static _ => { });
        using var counts = new PostgresLimitCounts(changes, source);
        using var catalog = new PostgresCatalog(changes, source, TimeProvider.System);

        await Should.ThrowAsync<StorageBusyException>(counts.SoldSinceAsync(Now, default).WaitAsync(Patience));
        await Should.ThrowAsync<StorageBusyException>(catalog.CountersOfAsync(["bal:a"], Now, default).WaitAsync(Patience));
    }
}
