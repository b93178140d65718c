using Exchange.Storage;
using Exchange.Storage.Postgres;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// The contract, held by PostgreSQL. One lane: then items take effect in the order of arrival, which those tests need that compare a batch with its items one by
/// one. What several lanes and several processes do to each other has tests of its own.
/// </summary>
public sealed class PostgresStoreTests : StoreContract, IClassFixture<PostgresCluster>
{
    internal static byte[] Key { get; } = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    private string? first;

    protected override async Task<IExchangeStore> OpenEmptyAsync()
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        first ??= database;
        return await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = database, MasterKey = Key, Lanes = 1 });
    }

    protected override Task<long> ReadAsync(string sql) => PostgresCluster.ReadAsync(first!, sql);

    /// <summary>The same call at two silos at once, by a client that came again through a balancer.</summary>
    [Fact]
    public async Task Key_MadeUnderAnOperationThatAnotherSiloHasDone_IsNotMadeAgain()
    {
        KeyRow Made(int n) => new($"key-{n}", KeyRole.Viewer, "night-watch", false, [(byte)n], "ex_", Sample.Now, null);
        ChangeNote Note(int n) => new("admin", "key.create", $"key-{n}", "viewer", Sample.Now) { Operation = new("admin", "make-1", [1], [2]) };
        await Store.Access.AddKeyAsync(Made(1), Note(1), default);

        await Should.ThrowAsync<OperationTakenException>(() => Store.Access.AddKeyAsync(Made(2), Note(2), default));
        (await Store.Access.KeysAsync(default)).ShouldHaveSingleItem().Id.ShouldBe("key-1");
    }
}
