using Exchange.Storage;
using Exchange.Storage.Sqlite;
using Microsoft.Data.Sqlite;

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

    protected override async Task<long> ReadAsync(string sql)
    {
        await using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folders[0], SqliteStore.FactsFile), Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var folder in folders) Directory.Delete(folder, recursive: true);
    }
}
