using Exchange.Storage;
using Exchange.Storage.Postgres;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// The contract, held by PostgreSQL. One lane: then items take effect in the order of arrival, which those tests need that compare a batch with its items one by
/// one. What several lanes and several processes do to each other has tests of its own.
/// </summary>
public sealed class PostgresStoreTests : StoreContract, IClassFixture<PostgresCluster>
{
    internal static byte[] Key { get; } = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    protected override async Task<IExchangeStore> OpenEmptyAsync() =>
        await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = await PostgresCluster.CreateDatabaseAsync(), MasterKey = Key, Lanes = 1 });
}
