extern alias server;

using System.Diagnostics;
using System.Text;
using Exchange.Engine.Catalog;
using Exchange.Grains.Catalog;
using Exchange.Storage;
using Exchange.Storage.Redis;
using Exchange.Storage.Sqlite;
using Exchange.System.Tests.BlackBox;
using server::Exchange.Server.Catalog;
using Shouldly;

namespace Exchange.System.Tests.Cluster;

/// <summary>
/// Several silos in this process over one embedded store, which here stands for the database they share. It tells its commits to the silo that started last.
/// </summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("exchange-cluster-").FullName;
    private readonly List<TestSilo> silos = [];
    private SqliteStore store = null!;
    private bool ownsStore;

    public IReadOnlyList<TestSilo> Silos => silos;
    public TestSilo this[int index] => silos[index];
    public IExchangeStore Store => store;

    /// <param name="beside">Another cluster whose store this one works on too, without knowing of it.</param>
    public static async Task<TestCluster> StartAsync(int count, string yaml, TestCluster? beside = null, RedisLink? redis = null)
    {
        var cluster = new TestCluster();
        cluster.ownsStore = beside is null;
        cluster.store = beside?.store ?? await SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = cluster.folder });
        var first = beside is null ? 1 : beside.silos.Count + 1;
        var primary = FreePorts.Next();
        for (var i = 0; i < count; i++) cluster.silos.Add(await TestSilo.StartAsync(cluster.store, (ushort)(first + i), i == 0 ? primary : FreePorts.Next(), i == 0 ? null : primary, redis));
        await cluster.store.Access.PutSecretAsync("signing", Encoding.UTF8.GetBytes("whsec_" + Convert.ToBase64String(BuyerApp.SigningKey)), 1, CancellationToken.None);
        if (beside is null) await cluster.ApplyAsync(yaml);
        else foreach (var silo in cluster.silos) (await silo.Get<CatalogHost>().LoadAsync(CancellationToken.None)).ShouldBeTrue();
        await UntilAsync(() => cluster.silos.TrueForAll(silo => silo.Silos.Count == count), "every silo sees all");
        return cluster;
    }

    /// <summary>Applied at the first silo, read by the others.</summary>
    public async Task ApplyAsync(string yaml)
    {
        var errors = new ConfigErrors();
        var config = CatalogYaml.Read(yaml, errors);
        errors.Errors.ShouldBeEmpty();
        (await silos[0].Get<CatalogHost>().ApplyAsync(config!, null, "test", false, CancellationToken.None)).Errors.ShouldBeEmpty();
        foreach (var silo in silos.Skip(1)) await silo.Get<CatalogHost>().RefreshAsync(CancellationToken.None);
    }

    public async Task FundAsync(string buyer, string amount)
    {
        await store.Ledger.FundAsync(buyer, Engine.Values.Money.Parse(amount), "test", TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), CancellationToken.None);
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
        if (ownsStore) await store.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
