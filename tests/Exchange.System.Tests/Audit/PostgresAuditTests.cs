using Exchange.Storage;
using Exchange.Storage.Audit;
using Exchange.Storage.Postgres;
using Exchange.System.Tests.Storage;
using Npgsql;
using Shouldly;

namespace Exchange.System.Tests.Audit;

/// <summary>The auditor over PostgreSQL.</summary>
public sealed class PostgresAuditTests : AuditContract, IClassFixture<PostgresCluster>
{
    private string database = "";
    private PostgresStore store = null!;

    protected override IAudits Audits => store.Audits;

    protected override async Task<IExchangeStore> OpenAsync() =>
        store = await PostgresStore.OpenAsync(new() { ConnectionString = database = await PostgresCluster.CreateDatabaseAsync(), MasterKey = PostgresStoreTests.Key, Lanes = 1 });

    protected override async Task<int> TamperAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(database + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync();
    }

    [Theory]
    [InlineData("I3", "UPDATE lead SET answer = convert_to(replace(convert_from(answer, 'UTF8'), '8.80', '9.80'), 'UTF8')")]
    [InlineData("I3", "UPDATE lead SET answer = '\\x7B'")]
    [InlineData("I4", "UPDATE request SET lead_id = '00000000-0000-0000-0000-000000000000'")]
    [InlineData("I10", "DROP TRIGGER transfer_no_update ON transfer; UPDATE transfer SET credit = debit")]
    [InlineData("I11", "DROP TRIGGER transfer_no_delete ON transfer; DELETE FROM transfer WHERE kind = 'fund'")]
    [InlineData("I12", "DROP TRIGGER transfer_no_delete ON transfer; DELETE FROM transfer WHERE kind = 'payout'")]
    [InlineData("I13", "UPDATE setting SET value = value WHERE setval('transfer_seq_seq', 1) = 1")]
    [InlineData("I13", "DELETE FROM sold WHERE buyer = 'a' AND seq = 1")]
    [InlineData("I13", "DELETE FROM sold WHERE buyer = 'b'")]
    [InlineData("I16", "DELETE FROM sold WHERE buyer = 'b'")]
    [InlineData("I16", "INSERT INTO sold (buyer, seq, lead_id, no) SELECT buyer, 99, lead_id, no FROM sold WHERE buyer = 'a' AND seq = 1")]
    [InlineData("I13", "UPDATE buyer_sales SET last = last + 1 WHERE buyer = 'b'")]
    public Task Audit_AfterSomebodyWroteInTheDatabase_FindsIt(string invariant, string sql) => FindsAsync(invariant, sql);

    [Fact]
    public async Task Audit_WhereThereIsNoDatabase_IsBusy()
    {
        using var audits = new PostgresAudits("Host=127.0.0.1;Port=1;Username=nobody");

        await Should.ThrowAsync<StorageBusyException>(() => audits.RunAsync(Sample.Now, default));
    }

    [Fact]
    public async Task Audit_OfADatabaseWithoutAnExchange_SaysSo()
    {
        using var audits = new PostgresAudits(PostgresCluster.ConnectionString("postgres"));

        (await Should.ThrowAsync<StorageOpenException>(() => audits.RunAsync(Sample.Now, default))).Message.ShouldContain("older build");
    }
}
