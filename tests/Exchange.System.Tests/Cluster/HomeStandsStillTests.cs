using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;
using Shouldly;
using Xunit.Abstractions;

namespace Exchange.System.Tests.Cluster;

/// <summary>
/// The server that made offers stands still (SIGSTOP) before their records are written, for longer than it takes to be declared dead, and wakes: meanwhile the
/// other never says that there is no such ping, and afterwards each offer is sold once.
/// </summary>
public sealed class HomeStandsStillTests(ITestOutputHelper output) : IClassFixture<PostgresCluster>
{
    /// <summary>In a cluster of two it is declared dead after some 13 s.</summary>
    private static readonly TimeSpan Still = TimeSpan.FromSeconds(17);

    private sealed record Offered(string Ping, string Key, string Body);

    [Fact]
    public async Task Posts_AtTheOther_AreToldToComeAgain_OrSold_AndEachIsSoldOnce()
    {
        await using var cluster = await ClusterProcesses.StartAsync(2);
        await cluster[0].ApplyAsync(ThreeServersTests.Catalog("[ { per: total, leads: 1000000 } ]"));
        var key = await cluster[0].KeyAsync("publisher", "pub");
        await MarketCalls.Until(async () => (await PingAsync(cluster[1], key))["status"] == "offered", "both serve the catalog");

        var offers = new ConcurrentQueue<Offered>();
        var underWay = new ConcurrentQueue<Task<Reply>>();
        var stopped = false;
        // Until it answers no more: of the last ones nobody else knows yet, and some posts are half done.
        var pinging = Task.Run(async () =>
        {
            for (var i = 0; !Volatile.Read(ref stopped); i++)
            {
                var offer = new Offered((await PingAsync(cluster[0], key))["ping_id"]!, "key-" + Market.Text(i), "");
                offer = offer with { Body = JsonSerializer.Serialize(new { ping_id = offer.Ping, fields = Sender.NextPerson() }) };
                if (Volatile.Read(ref stopped)) return;
                offers.Enqueue(offer);
                if (i % 3 == 0) underWay.Enqueue(PostAsync(cluster[0], key, offer));
            }
        });
        await ClusterLoad.UntilAsync(() => offers.Count >= 60, "offers are made");
        await cluster[0].SignalAsync("STOP");
        Volatile.Write(ref stopped, true);
        var clock = Stopwatch.StartNew();
        var said = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        var open = offers.ToArray();
        try
        {
            do
            {
                open = await UnsoldAsync(open);
                await Task.Delay(100);
            }
            while (clock.Elapsed < Still);
            output.WriteLine($"{offers.Count} offers, {open.Length} of them not sold when it wakes after {clock.Elapsed.TotalSeconds:0.0} s: {string.Join(", ", said)}");
            said.Keys.Except(["200 sold", "503 storage_unavailable", "503 overloaded", "409 idempotency_in_progress"]).ShouldBeEmpty();
            if (open.Length > 0) said.ShouldContainKey("503 storage_unavailable", "of some offers only the one that stood still knew");
        }
        finally
        {
            await cluster[0].SignalAsync("CONT");
        }
        await MarketCalls.Until(async () => (await UnsoldAsync([.. offers])).Length == 0 || said.ContainsKey("404 ping_not_found"), "each is sold", cluster[1]);
        output.WriteLine($"after {clock.Elapsed.TotalSeconds:0.0} s: {string.Join(", ", said)}; the home has {(cluster[0].HasExited ? "ended itself" : "gone on")}");
        said.Keys.ShouldNotContain("404 ping_not_found");
        foreach (var post in underWay)
        {
            // The home says nothing else of them when it wakes, if it says anything.
            try { (await post)["status"].ShouldBeOneOf("sold", "503"); }
            catch (Exception fault) when (fault is HttpRequestException or SocketException) { }
        }
        try { await pinging; } catch (Exception fault) when (fault is HttpRequestException or SocketException) { }
        (await PostgresCluster.ReadAsync(cluster.Database, "SELECT count(*) FROM (SELECT lead_id FROM copy WHERE state = 3 GROUP BY lead_id HAVING count(*) > 1) twice")).ShouldBe(0);
        (await PostgresCluster.ReadAsync(cluster.Database, "SELECT count(*) FROM copy WHERE state = 3")).ShouldBe(offers.Count);

        async Task<Offered[]> UnsoldAsync(Offered[] asked)
        {
            var replies = await Task.WhenAll(asked.Select(async offer =>
            {
                var reply = await PostAsync(cluster[1], key, offer);
                said.AddOrUpdate($"{reply.Status} {(reply.Status == 200 ? reply["status"] : reply.Code)}", 1, static (_, count) => count + 1);
                return (offer, IsSold: reply.Status == 200 && reply["status"] == "sold");
            }));
            return [.. replies.Where(reply => !reply.IsSold).Select(reply => reply.offer)];
        }
    }

    private static Task<Reply> PingAsync(ExchangeProcess server, string key) => server.PostAsync("/v1/pings", key, new { vertical = "auto", fields = new { zip = "90210", state = "CA" } });

    private static Task<Reply> PostAsync(ExchangeProcess server, string key, Offered offer) => server.PostAsync("/v1/posts", key, offer.Body, ("Idempotency-Key", offer.Key));
}
