using System.Globalization;
using System.Text;
using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Limits;
using Exchange.Storage;
using Exchange.Storage.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;

namespace Exchange.System.Tests.Catalog;

/// <summary>What is stored of a version, and that each is read as it was applied, whatever it was stored as.</summary>
public sealed class CatalogVersionsTests : IDisposable
{
    private const int Campaigns = 200;
    private static readonly FieldParsers Parsers = new((text, _) => text, text => text);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string folder = Directory.CreateTempSubdirectory("exchange-test-").FullName;

    [Fact]
    public async Task Versions_ChangedOneByOne_AreStoredAsChangesAndReadBackAsTheyWereApplied()
    {
        var applied = new Dictionary<long, string>();
        await using (var store = await OpenAsync())
        {
            var host = HostOf(store);
            await ApplyAsync(host, ConfigJson.Parse(Encoding.UTF8.GetBytes(First()), new ConfigErrors())!, applied);
            for (var i = 0; i < 40; i++) await ApplyAsync(host, Changed((await host.NewestAsync(default)).Config, i), applied);
            (await RowsAsync(store)).Count(row => row.Base is not null).ShouldBeInRange(20, 39);
            // Changes that would come to too much are a new whole, on which later ones rest.
            (await RowsAsync(store)).Select(row => row.Base).Distinct().Count().ShouldBeGreaterThan(2);
        }
        await using (var store = await OpenAsync())
        {
            var host = HostOf(store);
            (await host.LoadAsync(default)).ShouldBeTrue();
            host.Current.Version.ShouldBe(applied.Count);
            foreach (var (version, text) in applied)
            {
                ConfigJson.WriteText((await host.ConfigAsync(version, default))!).ShouldBe(text);
                (await host.ModelAsync(version, default)).Version.ShouldBe(version);
            }
            // Each was compiled once: posts name versions that are many changes old.
            var first = await host.ModelAsync(1, default);
            foreach (var version in applied.Keys) await host.ModelAsync(version, default);
            (await host.ModelAsync(1, default)).ShouldBeSameAs(first);
            // Back to an early one, and on from there.
            await ApplyAsync(host, (await host.ConfigAsync(3, default))!, applied);
            ConfigJson.WriteText((await host.NewestAsync(default)).Config).ShouldBe(applied[3]);
        }
    }

    [Fact]
    public async Task Newest_AppliedByAnother_IsReadBeforeItIsServed()
    {
        await using var store = await OpenAsync();
        var (one, other) = (HostOf(store), HostOf(store));
        await ApplyAsync(one, ConfigJson.Parse(Encoding.UTF8.GetBytes(First()), new ConfigErrors())!, []);
        (await other.LoadAsync(default)).ShouldBeTrue();
        await ApplyAsync(one, Changed((ConfigMap)one.CurrentConfig, 1), []);

        var (version, config) = await other.NewestAsync(default);
        (version, other.Current.Version).ShouldBe((2, 1));
        ConfigJson.WriteText(config).ShouldBe(ConfigJson.WriteText(one.CurrentConfig));
        (await other.RefreshAsync(default)).ShouldBeTrue();
        other.Current.Campaigns["c001"].Bid.PriceFor(new() { Vertical = "auto", Publisher = "pub", Now = default, Values = [default] }).ShouldBe(
            one.Current.Campaigns["c001"].Bid.PriceFor(new() { Vertical = "auto", Publisher = "pub", Now = default, Values = [default] }));
    }

    /// <summary>Stored amounts are numbers: of which currency, the catalog alone says.</summary>
    [Fact]
    public async Task Currency_FromTheFirstBookingOn_StaysAsItIs()
    {
        await using var store = await OpenAsync();
        var host = HostOf(store);
        await ApplyAsync(host, Json(First()), []);
        // As over the sample of a first start: nothing was sold or paid in.
        await ApplyAsync(host, In("EUR"), []);
        (await store.Ledger.FundAsync("acme", Money.Parse("5.00"), "wire-1", 1_000, default)).ShouldBeTrue();

        foreach (var dryRun in (bool[])[true, false])
            (await host.ApplyAsync(In("USD"), null, "tests", dryRun, default)).Errors.Select(error => (error.Code, error.Pointer)).ShouldBe([("identity_changed", "exchange.currency")]);
        host.Current.Currency.ShouldBe("EUR");
        await ApplyAsync(host, Changed((ConfigMap)host.CurrentConfig, 1), []);

        ConfigNode In(string currency) => ConfigPatch.Set(host.CurrentConfig, ["exchange", "currency"], Json($"\"{currency}\""));
    }

    /// <summary>Thousands of pings are read for it.</summary>
    [Fact]
    public async Task DryRun_ThatReadsYesterdaysPings_KeepsNobodyFromTheCatalog()
    {
        await using var store = await OpenAsync();
        var (begun, goOn) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var pings = Stub.Of<IPingRecords>((name, _) => name == nameof(IPingRecords.ReadAsync) ? ReadAsync() : throw new NotSupportedException(name));
        var host = HostOf(Stub.Of<IExchangeStore>((name, _) => name == "get_" + nameof(IExchangeStore.Pings) ? pings : typeof(IExchangeStore).GetMethod(name)!.Invoke(store, null)));
        await ApplyAsync(host, Json(First()), []);
        var planning = host.ApplyAsync(Changed((ConfigMap)host.CurrentConfig, 1), null, "tests", true, default);
        await begun.Task.WaitAsync(Patience);

        await ApplyAsync(host, Changed((ConfigMap)host.CurrentConfig, 2), []).WaitAsync(Patience);
        (host.Current.Version, planning.IsCompleted).ShouldBe((2, false));
        goOn.SetResult();
        (await planning.WaitAsync(Patience)).Errors.ShouldBeEmpty();

        async Task<IReadOnlyList<PingRecord>> ReadAsync()
        {
            begun.TrySetResult();
            await goOn.Task;
            return [];
        }
    }

    /// <summary>It is in force then: sent again it would be refused as behind its own change. What was not read is no longer among what is new at the next look.</summary>
    [Fact]
    public async Task Apply_WhoseCountersCannotBeReadThen_IsAppliedAndServedWithThemAtTheNextLook()
    {
        await using var store = await OpenAsync();
        var isAway = false;
        var catalog = Stub.Of<ICatalogStore>((name, arguments) => isAway && name == nameof(ICatalogStore.CountersOfAsync)
            ? Task.FromException<IReadOnlyList<CounterValue>>(new StorageBusyException("away")) : typeof(ICatalogStore).GetMethod(name)!.Invoke(store.Catalog, arguments));
        var host = HostOf(Stub.Of<IExchangeStore>((name, _) => name == "get_" + nameof(IExchangeStore.Catalog) ? catalog : typeof(IExchangeStore).GetMethod(name)!.Invoke(store, null)));
        var told = new List<long>();
        host.Applied += told.Add;
        await ApplyAsync(host, Json(First()), []);
        (await store.Ledger.FundAsync("acme", Money.Parse("5.00"), "wire-1", 1_000, default)).ShouldBeTrue();

        isAway = true;
        var outcome = await host.ApplyAsync(ConfigPatch.Set(host.CurrentConfig, ["buyers", "acme", "credit_limit"], Json("\"7.00\"")), 1, "tests", false, default);
        (outcome.Version, outcome.Conflict, outcome.Errors.Count, host.Current.Version).ShouldBe((2, false, 0, 1));
        told.ShouldBe([1, 2]);
        isAway = false;
        (await host.RefreshAsync(default)).ShouldBeTrue();

        host.Current.Version.ShouldBe(2);
        host.StateOf(host.Current.Limits.Where(limit => limit.Id == "bal:acme")).ShouldHaveSingleItem().Whole.Max.ShouldBe(Money.Parse("12.00").Micros);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Mostly another bid; now and then a campaign that leaves, one that is new, one with other caps.</summary>
    private static ConfigNode Changed(ConfigMap root, int turn)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"c{turn * 7 % Campaigns:000}");
        string[] keys = ["campaigns", turn % 10 == 9 ? "n" + id : id];
        return (turn % 10) switch
        {
            3 => ConfigPatch.Set(root, keys, null),
            6 => ConfigPatch.Set(root, [.. keys, "caps"], Json("""[{ "per": "day", "leads": "9" }]""")),
            9 => ConfigPatch.Set(root, keys, Json("""{ "buyer": "acme", "vertical": "auto", "bid": "3.00" }""")),
            _ => ConfigPatch.Set(root, [.. keys, "bid"], Json(string.Create(CultureInfo.InvariantCulture, $"\"{turn + 2}.50\""))),
        };
    }

    private static ConfigNode Json(string text) => ConfigJson.Parse(Encoding.UTF8.GetBytes(text), new ConfigErrors())!;

    private static async Task ApplyAsync(CatalogHost host, ConfigNode config, Dictionary<long, string> applied)
    {
        var outcome = await host.ApplyAsync(config, null, "tests", false, default);
        outcome.Errors.ShouldBeEmpty();
        applied[outcome.Version] = ConfigJson.WriteText(config);
    }

    private static async Task<List<CatalogVersion>> RowsAsync(SqliteStore store)
    {
        var rows = new List<CatalogVersion>();
        foreach (var note in (await store.Catalog.HistoryAsync(200, null, default)).Rows) rows.Add((await store.Catalog.FindAsync(note.Version, default))!);
        return rows;
    }

    private static CatalogHost HostOf(IExchangeStore store) =>
        new(store, new LiveView(new CapAlerts(TimeProvider.System)), new CatalogRules(Parsers, Liquid.Parse, _ => null), TimeProvider.System, NullLogger<CatalogHost>.Instance);

    private Task<SqliteStore> OpenAsync() => SqliteStore.OpenAsync(new SqliteStoreOptions { Folder = folder });

    private static string First() => $$"""
        {
          "exchange": { "currency": "USD", "time_zone": "UTC" },
          "verticals": { "auto": { "fields": { "zip": { "type": "us_zip", "ping": "optional" } } } },
          "publishers": { "pub": { "verticals": ["auto"], "payout": { "share": "50%" } } },
          "buyers": { "acme": { "credit_limit": "unlimited" } },
          "campaigns": { {{string.Join(", ", Enumerable.Range(0, Campaigns).Select(i => $$"""
              "c{{i:000}}": { "buyer": "acme", "vertical": "auto", "bid": "1.00", "caps": [{ "per": "day", "leads": "5" }] }
              """))}} },
          "ping_trees": { "main": { "vertical": "auto", "tiers": [{ "name": "market", "method": "auction", "campaigns": "all" }] } }
        }
        """;
}
