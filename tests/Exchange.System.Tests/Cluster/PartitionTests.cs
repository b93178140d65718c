using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;
using Npgsql;
using Shouldly;
using Xunit.Abstractions;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.Cluster;

/// <summary>
/// One server of two loses its way to PostgreSQL (nothing comes back, no connection ends): it says so, and ends, so that the other gets its leads; nothing is
/// lost and nothing is sold twice. Nor where both reach PostgreSQL and not each other.
/// </summary>
public sealed class PartitionTests(ITestOutputHelper output) : IClassFixture<PostgresCluster>
{
    [Fact]
    public async Task OneServerWithoutItsDatabase_EndsItself_TheOtherSells_AndBothDoAfterwards()
    {
        await using var network = new SlowProxy(PostgresCluster.Port);
        await using var cluster = await ClusterProcesses.StartAsync(1);
        await cluster.AddAsync(("Exchange__Postgres", new NpgsqlConnectionStringBuilder(cluster.Database) { Port = network.Port }.ConnectionString));
        await cluster[0].ApplyAsync(ThreeServersTests.Catalog("[ { per: total, leads: 1000000 } ]"));
        var key = await cluster[0].KeyAsync("publisher", "pub");
        await Until(async () => (await cluster[1].PostAsync("/v1/pings", key, new { vertical = "auto", fields = new { zip = "90210", state = "CA" } }))["status"] == "offered", "both serve the catalog");
        await using (var load = new ClusterLoad(cluster.All, key, 8))
        {
            for (var round = 0; round < 2; round++)
            {
                var before = load.Sold;
                await ClusterLoad.UntilAsync(() => load.Sold >= before + 100, "both sell");
                var clock = Stopwatch.StartNew();
                network.Hold();
                using var heals = new Healing(network);
                await Until(async () => !await IsReadyAsync(cluster[1]), "it says that it is not ready", cluster[1]);
                await ClusterLoad.UntilAsync(() => cluster[1].HasExited, "it ends");
                output.WriteLine($"ended after {clock.Elapsed.TotalSeconds:0.0} s");
                var sold = load.Sold;
                await ClusterLoad.UntilAsync(() => load.Sold >= sold + 100, "the other goes on");
                output.WriteLine($"100 more were sold {clock.Elapsed.TotalSeconds:0.0} s after it was cut off");
                heals.Dispose();
                await cluster.RestartAsync(1);
                await Until(async () => await IsReadyAsync(cluster[1]), "it is ready again", cluster[1]);
            }
            await load.StopAsync();
            (await PostgresCluster.ReadAsync(cluster.Database, "SELECT count(*) FROM copy WHERE state = 3")).ShouldBeGreaterThanOrEqualTo(load.Sold, "what was answered is there");
        }
        foreach (var server in cluster.All) (await server.AdminAsync("audit"))["clean"]!.GetValue<bool>().ShouldBeTrue();
    }

    [Fact]
    public async Task NoWayBetweenTwoServers_BothReachTheDatabase_OneIsDeclaredDeadAndEnds_NothingIsSoldTwice_AndNoCapIsBroken()
    {
        var ports = (FreePorts.Next(), FreePorts.Next());
        await using var toFirst = new SlowProxy(ports.Item1);
        await using var toSecond = new SlowProxy(ports.Item2);
        await using var cluster = await ClusterProcesses.StartAsync(0);
        await cluster.AddAsync(("Exchange__Silo__Port", Market.Text(ports.Item1)), ("Exchange__Silo__AdvertisedPort", Market.Text(toFirst.Port)));
        await cluster.AddAsync(("Exchange__Silo__Port", Market.Text(ports.Item2)), ("Exchange__Silo__AdvertisedPort", Market.Text(toSecond.Port)));
        await cluster[0].ApplyAsync(Capped);
        var key = await cluster[0].KeyAsync("publisher", "pub");
        await Until(async () => (await cluster[1].PostAsync("/v1/pings", key, new { vertical = "auto", fields = new { zip = "90210", state = "CA" } }))["status"] == "offered", "both serve the catalog");
        const string sales = "SELECT count(*) FROM copy WHERE state = 3", capped = sales + " AND campaign = 'capped'";
        await using (var load = new ClusterLoad(cluster.All, key, 8))
        {
            await ClusterLoad.UntilAsync(() => load.Sold >= 200, "both sell");
            var cap = await PostgresCluster.ReadAsync(cluster.Database, capped) + 150;
            await cluster[0].PatchAsync("campaigns/capped", new { caps = new[] { new { per = "total", leads = cap } } });
            var clock = Stopwatch.StartNew();
            toFirst.Hold();
            toSecond.Hold();
            using (new Healing(toFirst))
            using (new Healing(toSecond))
            {
                var before = await PostgresCluster.ReadAsync(cluster.Database, sales);
                var longest = TimeSpan.Zero;
                var (last, lastAt) = (before, clock.Elapsed);
                while (clock.Elapsed < TimeSpan.FromSeconds(20))
                {
                    await Task.Delay(250);
                    var now = await PostgresCluster.ReadAsync(cluster.Database, sales);
                    if (now > last) (last, lastAt) = (now, clock.Elapsed);
                    if (clock.Elapsed - lastAt > longest) longest = clock.Elapsed - lastAt;
                    if (cluster.All.Any(server => server.HasExited) && ends is null) ends = clock.Elapsed;
                }
                output.WriteLine($"apart for {clock.Elapsed.TotalSeconds:0.0} s: {last - before} sold, longest without a sale {longest.TotalSeconds:0.0} s, ended: {Ended()} after {ends?.TotalSeconds:0.0} s");
                last.ShouldBeGreaterThan(before, "at least one of them sells");
            }
            await Until(async () => { await RestartAsync(); return await IsReadyAsync(cluster[0]) && await IsReadyAsync(cluster[1]); }, "both are ready again");
            output.WriteLine($"both are ready {clock.Elapsed.TotalSeconds:0.0} s after they were parted; started again: {string.Join(' ', restarted)}");
            foreach (var server in cluster.All) await Until(() => TradesAsync(server), "it trades again", server);
            var sold = load.Sold;
            await ClusterLoad.UntilAsync(() => load.Sold >= sold + 100, "and goes on");
            await Until(async () => await PostgresCluster.ReadAsync(cluster.Database, capped) >= cap, "the cap is sold");
            await load.StopAsync();
            foreach (var told in load.Told) output.WriteLine(told);
            output.WriteLine($"{load.Sold} sold, {load.Requests} requests, {load.Failures} failed, longest outage of a key {load.Outages.DefaultIfEmpty().Max().TotalSeconds:0.0} s");
            (await PostgresCluster.ReadAsync(cluster.Database, sales)).ShouldBeGreaterThanOrEqualTo(load.Sold, "what was answered is there");
            (await PostgresCluster.ReadAsync(cluster.Database, capped)).ShouldBe(cap);
            (await PostgresCluster.ReadAsync(cluster.Database, "SELECT count(*) FROM (SELECT lead_id FROM copy WHERE state = 3 GROUP BY lead_id HAVING count(*) > 1) twice")).ShouldBe(0);
        }
        foreach (var server in cluster.All) (await server.AdminAsync("audit"))["clean"]!.GetValue<bool>().ShouldBeTrue();

        async Task<bool> TradesAsync(ExchangeProcess server)
        {
            try
            {
                return await server.PostAsync("/v1/pings", key, new { vertical = "auto", fields = new { zip = "90210", state = "CA" } }) is { Status: 200 } ping && ping["status"] == "offered"
                    && await server.PostAsync("/v1/posts", key, new { ping_id = ping["ping_id"], fields = Sender.NextPerson() }) is { Status: 200 } post && post["status"] == "sold";
            }
            // Declared dead, it may learn of it only now.
            catch (Exception fault) when (fault is HttpRequestException or SocketException)
            {
                await RestartAsync();
                return false;
            }
        }

        string Ended() => string.Join(' ', Enumerable.Range(0, 2).Where(index => cluster[index].HasExited));

        // As a supervisor does.
        async Task RestartAsync()
        {
            for (var index = 0; index < 2; index++)
            {
                if (!cluster[index].HasExited) continue;
                restarted.Add(index);
                await cluster.RestartAsync(index);
            }
        }
    }

    private readonly List<int> restarted = [];
    private TimeSpan? ends;

    /// <summary>A campaign with a cap, and one that takes what is beyond it.</summary>
    private static string Capped => Market.With("""
        publishers:
          pub: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer: { credit_limit: unlimited }
          other: { credit_limit: unlimited }
        campaigns:
          capped: { buyer: buyer, vertical: auto, bid: "10.00", caps: [ { per: total, leads: 1000000 } ] }
          open: { buyer: other, vertical: auto, bid: "5.00" }
        ping_trees:
          tree: { vertical: auto, tiers: [ { name: one, method: priority, campaigns: [capped, open] } ] }
        """);

    /// <summary>Also where the test fails, so that its servers can be looked at and end.</summary>
    private sealed class Healing(SlowProxy network) : IDisposable
    {
        public void Dispose() => network.Release();
    }

    /// <summary>As a load balancer sees it, which does not wait long.</summary>
    private static async Task<bool> IsReadyAsync(ExchangeProcess server)
    {
        try
        {
            using var reply = await server.Http.GetAsync(new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{server.ManagementPort}/health/ready"))).WaitAsync(TimeSpan.FromSeconds(5));
            return reply.IsSuccessStatusCode;
        }
        // It may have ended already.
        catch (Exception fault) when (fault is TimeoutException or HttpRequestException or SocketException) { return false; }
    }
}
