using Exchange.Storage;
using Exchange.Storage.Sqlite;

namespace Exchange.System.Tests.Storage;

/// <summary>The contract, held by SQLite.</summary>
public sealed class SqliteStoreTests : StoreContract
{
    private readonly List<string> folders = [];

    protected override async Task<IExchangeStore> OpenEmptyAsync()
    {
        var folder = Path.Combine(Path.GetTempPath(), "exchange-store-" + Guid.NewGuid().ToString("N"));
        folders.Add(folder);
        return await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder });
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var folder in folders) Directory.Delete(folder, recursive: true);
    }
}
