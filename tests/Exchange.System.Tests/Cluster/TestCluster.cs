extern alias server;

using System.Diagnostics;
using System.Text;
using Exchange.Engine.Catalog;
using Exchange.Grains.Catalog;
using Exchange.Storage;
using Exchange.Storage.Postgres;
using Exchange.Storage.Redis;
using Exchange.Storage.Sqlite;
using Exchange.System.Tests.BlackBox;
using server::Exchange.Server.Catalog;
using Shouldly;

namespace Exchange.System.Tests.Cluster;

/// <summary>
/// Several silos in this process: over one embedded store, which then stands for the database they share and tells its commits to the silo that started last, or
/// each with a store of its own on one PostgreSQL.
/// </summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("exchange-cluster-").FullName;
    private readonly List<TestSilo> silos = [];
    private readonly List<IExchangeStore> stores = [];
    private string? database;

    public IReadOnlyList<TestSilo> Silos => silos;
    public TestSilo this[int index] => silos[index];
    /// <summary>The first silo's.</summary>
    public IExchangeStore Store => silos[0].Store;

    /// <param name="beside">Another cluster on whose rows this one works too, without knowing of it.</param>
    /// <param name="database">Of PostgreSQL, with the schema; null: embedded.</param>
    public static async Task<TestCluster> StartAsync(int count, string yaml, TestCluster? beside = null, RedisLink? redis = null, string? database = null)
    {
        var cluster = new TestCluster { database = beside is null ? database : beside.database };
        var first = beside is null ? 1 : beside.silos.Count + 1;
        var primary = FreePorts.Next();
        for (var i = 0; i < count; i++)
        {
            var store = cluster.database is null && (beside ?? cluster).silos.FirstOrDefault() is { } shared ? shared.Store : await cluster.OpenAsync();
            cluster.silos.Add(await TestSilo.StartAsync(store, (ushort)(first + i), i == 0 ? primary : FreePorts.Next(), i == 0 ? null : primary, redis));
        }
        await cluster.Store.Access.PutSecretAsync("signing", Encoding.UTF8.GetBytes("whsec_" + Convert.ToBase64String(BuyerApp.SigningKey)), 1, CancellationToken.None);
        if (beside is null) await cluster.ApplyAsync(yaml);
        else foreach (var silo in cluster.silos) (await silo.Get<CatalogHost>().LoadAsync(CancellationToken.None)).ShouldBeTrue();
        await UntilAsync(() => cluster.silos.TrueForAll(silo => silo.Silos.Count == count), "every silo sees all");
        return cluster;
    }

    private async Task<IExchangeStore> OpenAsync()
    {
        IExchangeStore store = database is null
            ? await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder }) : await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = database, MasterKey = new byte[32] });
        stores.Add(store);
        return store;
    }

    /// <summary>Applied at the first silo, read by the others.</summary>
    public async Task ApplyAsync(string yaml)
    {
        await ApplyAtFirstAsync(yaml);
        foreach (var silo in silos.Skip(1)) await silo.Get<CatalogHost>().RefreshAsync(CancellationToken.None);
    }

    /// <summary>The others have not heard of it yet.</summary>
    public async Task ApplyAtFirstAsync(string yaml)
    {
        var errors = new ConfigErrors();
        var config = CatalogYaml.Read(yaml, errors);
        errors.Errors.ShouldBeEmpty();
        (await silos[0].Get<CatalogHost>().ApplyAsync(config!, null, "test", false, CancellationToken.None)).Errors.ShouldBeEmpty();
    }

    public async Task FundAsync(string buyer, string amount)
    {
        await Store.Ledger.FundAsync(buyer, Engine.Values.Money.Parse(amount), "test", TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), CancellationToken.None);
        foreach (var silo in silos) await silo.Get<CatalogHost>().HealAsync(CancellationToken.None);
    }

    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!holds())
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(20)) throw new TimeoutException($"not within 20 s: {what}");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        for (var i = silos.Count - 1; i >= 0; i--) await silos[i].DisposeAsync();
        foreach (var store in stores) await store.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
