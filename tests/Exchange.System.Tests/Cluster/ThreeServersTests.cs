using System.Diagnostics;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;
using Shouldly;
using Xunit.Abstractions;

namespace Exchange.System.Tests.Cluster;

/// <summary>Three real servers over one PostgreSQL: any takes anything, caps are exact, one is killed under load, all are restarted one by one.</summary>
public sealed class ThreeServersTests(ThreeServers servers, ITestOutputHelper output) : IClassFixture<ThreeServers>
{
    private readonly ClusterProcesses cluster = servers.Cluster;

    [Fact]
    public async Task AnyServer_TakesAnyPingPostAndQuestion_AndChangesAreSeenByAll()
    {
        await cluster[0].ApplyAsync(Catalog("[ { per: total, leads: 1000 } ]", "any"));
        var made = await cluster[1].PostAsync("/v1/admin/keys", ExchangeProcess.AdminKey, new { role = "publisher", @for = "pub" });
        var key = made["key"]!;
        var clock = Stopwatch.StartNew();
        await ServedAsync("any", key);
        output.WriteLine($"a new catalog and a new key are served by all after {clock.ElapsedMilliseconds} ms");
        List<long> applied = [];
        for (var i = 0; i < 10; i++)
        {
            var name = "any" + Market.Text(i);
            await cluster[i % 3].ApplyAsync(Catalog("[ { per: total, leads: 1000 } ]", name));
            clock.Restart();
            await EverywhereAsync(async server => (await server.GetAsync("/v1/admin/campaigns/" + name)).Status == 200);
            applied.Add(clock.ElapsedMilliseconds);
        }
        output.WriteLine($"ten catalogs are served by all after {applied.Order().ElementAt(5)} ms (median), {applied.Max()} ms at most");
        for (var pinged = 0; pinged < 3; pinged++)
            for (var posted = 0; posted < 3; posted++)
            {
                var ping = (await PingAsync(cluster[pinged], key))["ping_id"]!;
                var post = await cluster[posted].SellElsewhereAsync(key, ping);
                (post.Status, post["status"]).ShouldBe((200, "sold"), post.Text);
                var lead = await cluster[(posted + 1) % 3].GetAsync($"/v1/leads/{ping}", key);
                lead["status"].ShouldBe("sold", lead.Text);
            }
        // Paused at one, paused everywhere; a revoked key opens nothing anywhere.
        clock.Restart();
        await cluster[2].PatchAsync("campaigns/any9", new { status = "paused" });
        await EverywhereAsync(async server => (await PingAsync(server, key))["status"] == "no_offer");
        output.WriteLine($"a paused campaign makes no offer anywhere after {clock.ElapsedMilliseconds} ms");
        clock.Restart();
        (await cluster[0].SendAsync(HttpMethod.Delete, "/v1/admin/keys/" + made["id"], ExchangeProcess.AdminKey)).Status.ShouldBe(200);
        await EverywhereAsync(async server => (await PingAsync(server, key)).Status == 401);
        output.WriteLine($"a revoked key is refused by all after {clock.ElapsedMilliseconds} ms");
    }

    [Fact]
    public async Task Cap_SoldThroughThreeServersAtOnce_IsExact()
    {
        await cluster[0].ApplyAsync(Catalog("[ { per: total, leads: 200 } ]", "capped"));
        var key = await servers.KeyAsync("pub");
        await ServedAsync("capped", key);
        await using (var load = new ClusterLoad(cluster.All, key, 24, thinkMs: 0))
        {
            await ClusterLoad.UntilAsync(() => load.Sold >= 200, "the cap is sold");
            var full = load.Requests;
            await ClusterLoad.UntilAsync(() => load.Requests > full + 300, "asked for more");
            load.Sold.ShouldBe(200);
            load.Failures.ShouldBe(0, string.Join('\n', load.Told));
        }
        (await PostgresCluster.ReadAsync(cluster.Database, "SELECT count(*) FROM copy WHERE state = 3 AND campaign = 'capped'")).ShouldBe(200);
        await EverywhereAsync(async server => (await server.GetAsync("/v1/admin/campaigns/capped")).Json["state"]!["caps"]![0]!["used"]!.GetValue<long>() == 200);
    }

    [Fact]
    public async Task OneKilledUnderLoad_OthersGoOn_AndNothingIsLostOrSoldTwice()
    {
        await cluster[0].ApplyAsync(Catalog("[ { per: total, leads: 1000000 } ]", "killed"));
        var key = await servers.KeyAsync("pub");
        await ServedAsync("killed", key);
        long sold;
        await using (var load = new ClusterLoad(cluster.All, key, 12, thinkMs: 0))
        {
            await ClusterLoad.UntilAsync(() => load.Sold >= 200, "under way");
            // What it has offered to others, and is on disk.
            var offered = await Task.WhenAll(Enumerable.Range(0, 120).Select(async _ => (await PingAsync(cluster[1], key))["ping_id"]!));
            await MarketCalls.Until(async () => await PostgresCluster.UnrecordedAsync(cluster.Database, offered) == 0, "what it offered is recorded", cluster[1]);
            cluster[1].Kill();
            var posted = Task.WhenAll(offered.Select(load.PostAsync));
            var (before, clock) = (load.Sold, Stopwatch.StartNew());
            await ClusterLoad.UntilAsync(() => load.Sold >= before + 400 && clock.Elapsed > TimeSpan.FromSeconds(8), "the others go on");
            await cluster.RestartAsync(1);
            before = load.Sold;
            await ClusterLoad.UntilAsync(() => load.Sold >= before + 200, "all three again");
            var outages = load.Outages.Select(outage => outage.TotalMilliseconds).Order().ToArray();
            output.WriteLine($"killed under load: {load.Requests} requests, {load.Failures} failed, {outages.Length} keys had an outage, p50 {At(outages, 50):0} ms, p99 {At(outages, 99):0} ms, longest {(outages.Length == 0 ? 0 : outages[^1]):0} ms");
            At(outages, 99).ShouldBeLessThan(60_000);
            var own = await posted;
            own.ShouldAllBe(took => took != null, "an offer that was on disk is not sold");
            var waits = own.Select(took => took!.Value.TotalMilliseconds).Order().ToArray();
            output.WriteLine($"{waits.Length} offers of the killed server, posted elsewhere at once: sold after p50 {At(waits, 50):0} ms, p99 {At(waits, 99):0} ms, longest {waits[^1]:0} ms; {load.Lost} posts of others found their ping lost with it");
            waits[^1].ShouldBeLessThan(60_000);
            foreach (var told in load.Told) output.WriteLine(told);
            await load.StopAsync();
            sold = load.Sold + own.Length;
        }
        // Every sale that was answered is there, and no person was sold twice. The load may have left with a post on its way.
        (await PostgresCluster.ReadAsync(cluster.Database, "SELECT count(*) FROM copy WHERE state = 3 AND campaign = 'killed'")).ShouldBeInRange(sold, sold + 24);
        (await PostgresCluster.ReadAsync(cluster.Database, "SELECT count(*) FROM (SELECT lead_id FROM copy WHERE state = 3 GROUP BY lead_id HAVING count(*) > 1) twice")).ShouldBe(0);
    }

    [Fact]
    public async Task RollingRestart_UnderLoad_FailsNoRequest()
    {
        await cluster[0].ApplyAsync(Catalog("[ { per: total, leads: 1000000 } ]", "rolling"));
        var key = await servers.KeyAsync("pub");
        await ServedAsync("rolling", key);
        var kept = new List<string>();
        foreach (var server in cluster.All) kept.Add((await PingAsync(server, key))["ping_id"]!);
        await using var load = new ClusterLoad(cluster.All, key, 6);
        await ClusterLoad.UntilAsync(() => load.Sold >= 50, "under way");
        for (var i = 0; i < 3; i++)
        {
            (await cluster[i].StopAsync()).ShouldBe(0);
            await cluster.RestartAsync(i);
            var before = load.Sold;
            await ClusterLoad.UntilAsync(() => load.Sold >= before + 50, "after restart");
        }
        output.WriteLine($"rolling restart of three: {load.Requests} requests to servers that said they were ready, {load.Failures} failed");
        load.Failures.ShouldBe(0, string.Join('\n', load.Told));
        load.Lost.ShouldBe(0);
        // Offers made before it are honoured after it, wherever their posts come.
        for (var i = 0; i < 3; i++)
            (await cluster[(i + 1) % 3].SellElsewhereAsync(key, kept[i]))["status"].ShouldBe("sold");
    }

    private static double At(double[] sorted, int percent) => sorted.Length == 0 ? 0 : sorted[Math.Min(sorted.Length - 1, sorted.Length * percent / 100)];

    private static Task<Reply> PingAsync(ExchangeProcess server, string key) => server.PostAsync("/v1/pings", key, new { vertical = "auto", fields = new { zip = "90210", state = "CA" } });

    /// <summary>All have this catalog, and heard of the key.</summary>
    private Task ServedAsync(string campaign, string key) => EverywhereAsync(async server =>
        (await server.GetAsync("/v1/admin/campaigns/" + campaign)).Status == 200 && (await PingAsync(server, key))["status"] == "offered");

    private async Task EverywhereAsync(Func<ExchangeProcess, Task<bool>> holds)
    {
        var clock = Stopwatch.StartNew();
        foreach (var server in cluster.All)
            while (!await holds(server))
            {
                if (clock.Elapsed > TimeSpan.FromSeconds(20)) throw new TimeoutException("not seen by all within 20 s");
                await Task.Delay(20);
            }
    }

    /// <param name="campaign">The only one.</param>
    internal static string Catalog(string caps, string campaign = "camp") => Market.With($$"""
        publishers:
          pub: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer: { credit_limit: unlimited }
        campaigns:
          {{campaign}}: { buyer: buyer, vertical: auto, bid: "10.00", caps: {{caps}} }
        ping_trees:
          tree: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [{{campaign}}] } ] }
        """);
}
