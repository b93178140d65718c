using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Exchange.Engine.Caps;
using Exchange.Engine;
using Exchange.Engine.Values;
using Exchange.Storage.Postgres;
using Exchange.System.Tests.BlackBox;
using Shouldly;
using Xunit.Abstractions;

namespace Exchange.System.Tests.Storage;

/// <summary>Two real processes, each with a journal of its own, on the same ten campaigns: nothing but the database stands between them.</summary>
[Collection(AloneCollection.Name)]
public sealed class PostgresJournalProcessTests(ITestOutputHelper output) : IClassFixture<PostgresCluster>
{
    private const int Campaigns = 10, Cap = 200, Sales = 3_000;

    [Fact]
    public async Task TwoProcesses_TenHotCampaigns_SellExactlyTheCaps()
    {
        var database = await MarketAsync();
        using var one = await Seller.StartAsync(database);
        using var two = await Seller.StartAsync(database);

        one.Go();
        two.Go();
        var (first, second) = (await one.EndAsync(), await two.EndAsync());

        output.WriteLine($"{first}; {second}");
        (first.Done + second.Done).ShouldBe(Campaigns * Cap);
        (first.Refused + second.Refused).ShouldBe(2 * Sales - Campaigns * Cap);
        (first.Retries + second.Retries).ShouldBe(0);
        await AddUpAsync(database);
    }

    [Fact]
    public async Task OneProcess_StoppedNowAndThen_TheOtherSellsOnAndAllIsExact()
    {
        const int cap = 800, sales = 6_000;
        var database = await MarketAsync(cap);
        using var stopped = await Seller.StartAsync(database, cap, sales);
        using var other = await Seller.StartAsync(database, cap, sales);
        stopped.Go();
        other.Go();

        var ended = other.EndAsync();
        for (var i = 0; i < 6 && !ended.IsCompleted; i++)
        {
            // Wherever it is: most likely in the middle of a commit.
            await Task.WhenAny(ended, Task.Delay(400));
            await stopped.SignalAsync("STOP");
            // Longer than a transaction may idle: what the stopped one held is free again.
            await Task.WhenAny(ended, Task.Delay(1_200));
            await stopped.SignalAsync("CONT");
        }
        var (second, first) = (await ended, await stopped.EndAsync());

        output.WriteLine($"worst wait of the process that was not stopped: {second.WarmWorstMs:0} ms, {second.WorstMs:0} ms with its first third; {first}; {second}");
        (first.Done + second.Done).ShouldBe(Campaigns * cap);
        first.Done.ShouldBeGreaterThan(0);
        await AddUpAsync(database, cap);
    }

    private static async Task<string> MarketAsync(int cap = Cap)
    {
        var database = await PostgresCluster.CreateDatabaseAsync();
        await using var store = await PostgresStore.OpenAsync(new PostgresStoreOptions { ConnectionString = database, MasterKey = new byte[32] });
        await store.ApplyAsync([Sample.Gate("open:publisher:p:1", CapScope.Publisher, "p"), .. Enumerable.Range(1, Campaigns).SelectMany(Campaign)]);
        return database;

        IEnumerable<LimitModel> Campaign(int n)
        {
            var (campaign, buyer) = (string.Create(CultureInfo.InvariantCulture, $"c{n}"), string.Create(CultureInfo.InvariantCulture, $"b{n}"));
            yield return Sample.Gate($"open:{campaign}:1", CapScope.Campaign, campaign);
            yield return new()
            {
                Ordinal = 0, Kind = LimitKind.Cap, Id = $"c:{campaign}:leads:total", Reason = Reason.CapDay, Scope = CapScope.Campaign, Owner = campaign, Limit = cap,
                Period = CapPeriods.Find("total")!, Metric = CapMetric.Leads, Zone = TimeZoneInfo.Utc,
            };
            yield return Sample.Balance(buyer, Money.Parse("1000000"));
        }
    }

    private static async Task AddUpAsync(string database, int cap = Cap)
    {
        async Task<long> Read(string sql) => await PostgresCluster.ReadAsync(database, sql);
        foreach (var table in new[] { "copy WHERE state = 3", "lead", "request", "sold", "delivery" })
            (await Read("SELECT count(*) FROM " + table)).ShouldBe(Campaigns * cap, table);
        (await Read("SELECT count(*) FROM counter WHERE key LIKE 'cap:%' AND used = lim AND held = 0")).ShouldBe(Campaigns);
        (await Read("SELECT count(*) FROM person")).ShouldBe(2 * Campaigns * cap);
        (await Read("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")).ShouldBe(0);
    }

    private sealed record Result(int Done, int Refused, int Failed, double WorstMs, double WarmWorstMs, double PerSecond, long Retries);

    /// <summary>A process of the load tool that sells through a journal.</summary>
    private sealed class Seller : IDisposable
    {
        private readonly Process process;

        private Seller(Process process) => this.process = process;

        public static async Task<Seller> StartAsync(string database, int cap = Cap, int sales = Sales)
        {
            string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
            var start = LoadTool.StartInfo("journal-sell", "--connection", database, "--campaigns", Number(Campaigns), "--cap", Number(cap), "--sales", Number(sales), "--callers", "64");
            start.RedirectStandardError = false;
            var seller = new Seller(Process.Start(start)!);
            (await seller.process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60))).ShouldBe("ready");
            return seller;
        }

        public void Go() => process.StandardInput.WriteLine("go");

        public async Task<Result> EndAsync()
        {
            var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(120));
            await process.WaitForExitAsync();
            return JsonSerializer.Deserialize<Result>(line!)!;
        }

        public Task SignalAsync(string signal) => Signal.SendAsync(process, signal);

        public void Dispose()
        {
            if (!process.HasExited) process.Kill();
            process.Dispose();
        }
    }
}
