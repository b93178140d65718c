using Exchange.Storage;
using Exchange.Storage.Audit;
using Exchange.Storage.Sqlite;
using Exchange.System.Tests.Storage;
using Microsoft.Data.Sqlite;
using Shouldly;

namespace Exchange.System.Tests.Audit;

/// <summary>The auditor over the embedded database.</summary>
public sealed class SqliteAuditTests : AuditContract
{
    private readonly string folder = Directory.CreateTempSubdirectory("exchange-audit-").FullName;
    private SqliteStore store = null!;

    protected override IAudits Audits => store.Audits;

    protected override async Task<IExchangeStore> OpenAsync() => store = await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder });

    protected override async Task<int> TamperAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(folder, SqliteStore.FactsFile)};Pooling=False");
        connection.Open();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteNonQueryAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Audit_OfACopyOfTheFolderWithoutItsLock_Works()
    {
        await TradeAsync();
        using var audits = new SqliteAudits(folder);

        (await audits.RunAsync(Sample.Now, default)).IsClean.ShouldBeTrue();
    }

    [Fact]
    public async Task Audit_WhereThereIsNoDatabase_SaysSo()
    {
        using var audits = new SqliteAudits(Path.Combine(folder, "nothing"));

        (await Should.ThrowAsync<StorageOpenException>(() => audits.RunAsync(Sample.Now, default))).Message.ShouldContain("no facts.db");
    }

    [Theory]
    [InlineData("I3", "UPDATE lead SET answer = CAST(replace(CAST(answer AS TEXT), '8.80', '9.80') AS BLOB)")]
    [InlineData("I3", "UPDATE lead SET answer = x'7B'")]
    [InlineData("I4", "UPDATE request SET lead_id = zeroblob(16)")]
    [InlineData("I10", "DROP TRIGGER transfer_no_update; UPDATE transfer SET credit = debit")]
    [InlineData("I12", "DROP TRIGGER transfer_no_delete; DELETE FROM transfer WHERE kind = 'payout'")]
    [InlineData("I13", "DROP TRIGGER transfer_no_delete; DELETE FROM transfer WHERE seq = 1")]
    [InlineData("I13", "DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE seq = 1")]
    [InlineData("I13", "UPDATE sequence SET value = 1 WHERE name = 'sold'")]
    [InlineData("I13", "UPDATE copy SET sold_seq = 1 WHERE sold_seq IS NOT NULL")]
    [InlineData("I16", "UPDATE copy SET sold_seq = -sold_seq WHERE buyer = 'a'")]
    [InlineData("I16", "UPDATE copy SET sold_seq = 1000 WHERE state = 2")]
    public Task Audit_AfterSomebodyWroteInTheFile_FindsIt(string invariant, string sql) => FindsAsync(invariant, sql);
}
