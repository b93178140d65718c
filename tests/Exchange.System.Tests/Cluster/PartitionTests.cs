using System.Diagnostics;
using System.Globalization;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;
using Npgsql;
using Shouldly;
using Xunit.Abstractions;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.Cluster;

/// <summary>
/// One server of two loses its way to PostgreSQL (nothing comes back, no connection ends): it says so, and ends, so that the other gets its leads; nothing is
/// lost and nothing is sold twice.
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
        catch (TimeoutException) { return false; }
    }
}
