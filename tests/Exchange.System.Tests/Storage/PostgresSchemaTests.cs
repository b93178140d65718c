using Exchange.Storage.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>What the schema itself refuses, and how it comes to be.</summary>
public sealed class PostgresSchemaTests : IClassFixture<PostgresCluster>
{
    private static string Lead(int max, int open, string exclusive) => $"INSERT INTO lead VALUES ('01020304-0506-0708-090a-0b0c0d0e0f10', 'p', 'auto', NULL, NULL, false, 1, 0, {max}, {open}, {exclusive}, 1, 0, 0, NULL, '', NULL, '')";
    private const string Transfer = "INSERT INTO transfer (source, no, kind, part, at_ms, debit, credit, amount) VALUES ('\\x01', 1, 'payout', 0, 0, 'a', 'b', 1);";

    [Theory]
    [InlineData(1, 2, "false", "23514")] // more copies than it may have
    [InlineData(3, 2, "true", "23514")] // an exclusive one beside another
    [InlineData(3, 2, "false", null)]
    public async Task Lead_MoreCopiesThanAllowed_IsRefusedByTheRow(int max, int open, string exclusive, string? error) =>
        await Refuses(Lead(max, open, exclusive), error);

    [Theory]
    [InlineData("UPDATE transfer SET amount = 2", "23001")]
    [InlineData("DELETE FROM transfer", "23001")]
    [InlineData("TRUNCATE transfer", "23001")]
    [InlineData("UPDATE audit SET who = 'x'", "23001")]
    [InlineData("DELETE FROM audit", "23001")]
    [InlineData("TRUNCATE audit", "23001")]
    public async Task BookedRow_Changed_IsRefused(string change, string error)
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await PostgresCluster.ExecuteAsync(database, Transfer + "INSERT INTO audit (at_ms, who, action, target) VALUES (0, 'a', 'b', 'c')");

        (await Should.ThrowAsync<PostgresException>(PostgresCluster.ExecuteAsync(database, change))).SqlState.ShouldBe(error);

        (await PostgresCluster.ReadAsync(database, "SELECT count(*) + sum(amount) FROM transfer")).ShouldBe(2);
    }

    [Fact]
    public async Task Transfer_TakenBackByItsOwnTransaction_WasNeverThere()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();

        await PostgresCluster.ExecuteAsync(database, $"BEGIN; {Transfer} DELETE FROM transfer; COMMIT");

        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM transfer")).ShouldBe(0);
    }

    [Theory]
    [InlineData("INSERT INTO transfer (source, no, kind, part, at_ms, debit, credit, amount) VALUES ('\\x01', 1, 'payout', 0, 0, 'a', 'b', 0)", "23514")]
    [InlineData("INSERT INTO counter VALUES ('k', 'k', 0, 1, -1, 0)", "23514")]
    [InlineData("INSERT INTO counter VALUES ('k', 'k', 0, 1, 0, -1)", "23514")]
    [InlineData("INSERT INTO sales_latch (epoch) VALUES (1)", "23505")]
    public async Task Row_AgainstARule_IsRefused(string insert, string error) => await Refuses(insert, error);

    [Fact]
    public async Task Silos_TakenAtOnce_HaveNumbersOfTheirOwn()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();

        var numbers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => PostgresCluster.ReadAsync(database, $"SELECT take_silo('n', {Sample.Now})")));

        numbers.Distinct().Count().ShouldBe(20);
        // Once around: numbers of the last 90 days are passed over, older ones are given again.
        await PostgresCluster.ExecuteAsync(database, "ALTER SEQUENCE silo_number RESTART");
        (await PostgresCluster.ReadAsync(database, $"SELECT take_silo('n', {Sample.Now + 1})")).ShouldBe(21);
        await PostgresCluster.ExecuteAsync(database, "ALTER SEQUENCE silo_number RESTART");
        (await PostgresCluster.ReadAsync(database, $"SELECT take_silo('n', {Sample.Now + 91 * Sample.Day * 1000})")).ShouldBe(1);
    }

    [Fact]
    public async Task Migrations_OfSeveralAtOnce_AreRunOnce()
    {
        await PostgresCluster.ExecuteAsync(PostgresCluster.ConnectionString("postgres"), "CREATE DATABASE bare");
        var bare = PostgresCluster.ConnectionString("bare");

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => PostgresMigrations.RunAsync(bare, NullLogger.Instance, default)));

        (await PostgresCluster.ReadAsync(bare, "SELECT count(*) - count(DISTINCT scriptname) FROM schemaversions")).ShouldBe(0);
        (await PostgresCluster.ReadAsync(bare, "SELECT epoch FROM sales_latch")).ShouldBe(1);
        await PostgresCluster.ExecuteAsync(bare, "INSERT INTO schemaversions (scriptname, applied) VALUES ('Exchange.Storage.Postgres.Migrations.Facts.9999_later.sql', now())");
        (await Should.ThrowAsync<Exchange.Storage.StorageOpenException>(PostgresMigrations.RunAsync(bare, NullLogger.Instance, default))).Message.ShouldContain("newer");
    }

    /// <summary>A dump has its tables for an hour; what waits for them must not have everybody else wait behind it.</summary>
    [Fact]
    public async Task Migration_OfATableThatIsBeingRead_StandsInNobodysWay_AndIsDoneAfterwards()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        // As before the script that gives deliveries their waits.
        await PostgresCluster.ExecuteAsync(database, "ALTER TABLE delivery DROP COLUMN wait, DROP COLUMN wait_ms; DELETE FROM schemaversions WHERE scriptname LIKE '%.Facts.0008_waits.sql'");
        await using var reader = new NpgsqlConnection(database + ";Pooling=false");
        await reader.OpenAsync();
        await using var dump = await reader.BeginTransactionAsync();
        await using (var read = new NpgsqlCommand("LOCK TABLE delivery IN ACCESS SHARE MODE", reader)) await read.ExecuteNonQueryAsync();

        var migration = PostgresMigrations.RunAsync(database, NullLogger.Instance, default);
        while (await PostgresCluster.ReadAsync(database, """
            SELECT count(*) FROM pg_locks WHERE relation = 'delivery'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """) == 0)
        {
            migration.IsCompleted.ShouldBeFalse();
            await Task.Delay(10);
        }
        await PostgresCluster.ExecuteAsync(database, """
            INSERT INTO delivery (lead_id, no, endpoint, status, pulled, due_at, lease_until, fence, attempts, created_ms, changed_ms)
            VALUES ('01020304-0506-0708-090a-0b0c0d0e0f10', 1, 'crm', 1, false, 0, 0, 0, 0, 0, 0)
            """).WaitAsync(TimeSpan.FromSeconds(20));
        migration.IsCompleted.ShouldBeFalse();
        await dump.RollbackAsync();

        await migration.WaitAsync(TimeSpan.FromSeconds(60));
        (await PostgresCluster.ReadAsync(database, "SELECT count(*) FROM delivery WHERE wait = 0 AND wait_ms = 0")).ShouldBe(1);
    }

    [Fact]
    public async Task Migration_ThatNeverGetsItsLock_EndsWhenItIsToldTo()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await PostgresCluster.ExecuteAsync(database, "DROP TABLE passed_over; DELETE FROM schemaversions WHERE scriptname LIKE '%.Facts.0012_passed_over.sql'");
        await using var other = new NpgsqlConnection(database + ";Pooling=false");
        await other.OpenAsync();
        await using var makes = await other.BeginTransactionAsync();
        // A name that somebody else is about to give: whoever wants it too waits for the end of that.
        await using (var create = new NpgsqlCommand("CREATE TABLE passed_over (lead_id uuid)", other)) await create.ExecuteNonQueryAsync();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(1));

        await Should.ThrowAsync<OperationCanceledException>(() => PostgresMigrations.RunAsync(database, NullLogger.Instance, stop.Token).WaitAsync(TimeSpan.FromSeconds(30)));
    }

    private static async Task Refuses(string insert, string? error)
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        var outcome = PostgresCluster.ExecuteAsync(database, insert);
        if (error is null) await outcome;
        else (await Should.ThrowAsync<PostgresException>(outcome)).SqlState.ShouldBe(error);
    }
}
