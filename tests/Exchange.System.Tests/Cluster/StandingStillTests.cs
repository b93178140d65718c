using System.Diagnostics;
using System.Net.Sockets;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;
using Shouldly;
using Xunit.Abstractions;

namespace Exchange.System.Tests.Cluster;

/// <summary>A server that stands still (SIGSTOP) while its buyer has the lead: another takes the lease over, and the first one's word is dropped.</summary>
public sealed class StandingStillTests(ITestOutputHelper output) : IClassFixture<PostgresCluster>
{
    [Fact]
    public async Task Stopped_InTheMiddleOfACall_IsTakenOver_SameBuyerSameId_AndSoldOnce()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var cluster = await ClusterProcesses.StartAsync(2);
        buyers["slow-one"].Hangs().Accepts();
        buyers["slow-two"].Accepts();
        var key = await new BuyerMarkets(buyers).Three("slow").ApplyAsync(cluster[0]);
        await MarketCalls.Until(async () => (await cluster[1].PostAsync("/v1/pings", key, new { vertical = "slow", fields = new { state = "CA" } })).Status == 200, "both serve the catalog");
        var ping = await cluster[0].PingAsync(key, "slow");

        // Long enough, as the buyer's own time is, for a server that has just started on a busy machine to come as far as its buyer: where no byte
        // left in that time, the next buyer is asked.
        var post = cluster[0].SellAsync(key, MarketCalls.PostBody(ping, deadlineMs: 25_000));
        await ClusterLoad.UntilAsync(() => buyers["slow-one"].Requests.Count == 1 || post.IsCompleted, "the buyer is called");
        buyers["slow-one"].Requests.Count.ShouldBe(1, post.IsCompleted ? (await post).Text : null);
        await cluster[0].SignalAsync("STOP");
        var clock = Stopwatch.StartNew();
        try
        {
            await ClusterLoad.UntilAsync(() => buyers["slow-one"].Requests.Count == 2, "the other server asks the same buyer");
            output.WriteLine($"the lease of the server that stands still was taken over after {clock.ElapsedMilliseconds} ms");
            await SoldAsync();
        }
        finally
        {
            await cluster[0].SignalAsync("CONT");
        }
        // Whatever it was told or thinks it knows: it is too late, and the answer of its own call is sold or none.
        try { (await post)["status"].ShouldBeOneOf("sold", "pending", "in_doubt"); }
        catch (Exception fault) when (fault is HttpRequestException or SocketException) { output.WriteLine("the server ended itself when it saw that it was declared dead"); }
        await SoldAsync();
        buyers["slow-one"].Requests.Select(request => request.Id).Distinct().ShouldHaveSingleItem();
        buyers["slow-two"].Requests.ShouldBeEmpty();
        (await cluster[1].CopiesAsync(ping)).ShouldBe(["slow-one 11.00 8.80 sold captured"]);
        (await cluster[1].BookingsAsync(ping)).ShouldBe(["buyer:slow-one house 2.20", "buyer:slow-one publisher:search 8.80"]);

        Task SoldAsync() => MarketCalls.Until(async () => await cluster[1].GetAsync($"/v1/leads/{ping}", key) is { Status: 200 } lead && lead["status"] == "sold", "sold");
    }
}
