using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Cluster;
using Exchange.System.Tests.Storage;
using Shouldly;

namespace Exchange.System.Tests.Redis;

/// <summary>Two servers that find each other through Redis. What Redis loses is who is there, never what was sold.</summary>
public sealed class RedisMembershipTests : IClassFixture<PostgresCluster>
{
    private const int Cap = 60;

    [Fact]
    public async Task TwoServers_OneKilled_RedisFlushedAndKilled_SellOn_AndTheCapStaysExact()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var cluster = await ClusterProcesses.StartAsync(2, ("Exchange__Redis", redis.Configuration), ("Exchange__Cluster__Membership", "redis"));
        await cluster[0].ApplyAsync(Market.With(
            $$"""
            publishers:
              pub: { verticals: [auto], payout: { share: 80% } }
            buyers:
              buyer: { credit_limit: unlimited }
            campaigns:
              camp: { buyer: buyer, vertical: auto, bid: "10.00", caps: [ { per: total, leads: {{Cap}} } ] }
            ping_trees:
              tree: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [camp] } ] }
            """));
        using var one = await Sender.OfAsync(cluster[0], "pub");
        using var two = new Sender(cluster[1], one.Key);
        await MarketCalls.Until(async () => (await two.PingAsync())["status"] == "offered", "the second serves the catalog", cluster[1]);
        var sold = 0;

        // The ping at one, the post at the other: the second has it from the first, so they know each other.
        for (var i = 0; i < 10; i++)
        {
            await SoldAsync(one, two);
            await SoldAsync(two, one);
        }
        (await redis.CommandAsync("DBSIZE")).ShouldNotBe(":0");

        // Who dies is told by Redis: the other goes on alone.
        cluster[1].Kill();
        for (var i = 0; i < 5; i++) await SoldAsync(one, one);
        await cluster.RestartAsync(1);
        await SoldAsync(one, two);

        // Forgotten while both run: they go by what they know, and sell.
        await redis.CommandAsync("FLUSHALL");
        for (var i = 0; i < 5; i++) await SoldAsync(one, two);
        // Gone: the same.
        redis.Kill();
        for (var i = 0; i < 5; i++) await SoldAsync(two, one);

        // With an empty Redis nobody knows of a death any more: the operator starts all of them again, and they meet anew.
        await redis.RestartAsync();
        foreach (var index in (int[])[0, 1]) cluster[index].Kill();
        foreach (var index in (int[])[0, 1]) await cluster.RestartAsync(index);
        for (var i = 0; i < 2; i++)
        {
            await SoldAsync(one, two);
            await SoldAsync(two, one);
        }
        // What is left of the cap, and not one more, whoever sells it.
        for (var tries = 0; tries < 4 * Cap && sold < Cap; tries++) await TryAsync(tries % 2 == 0 ? one : two, tries % 2 == 0 ? one : two);
        for (var i = 0; i < 10; i++) (await TryAsync(one, one)).ShouldBeFalse();
        sold.ShouldBe(Cap);
        ((int)(await cluster[0].CapAsync("camp", "total.leads"))["used"]!).ShouldBe(Cap);

        // As a publisher does: what asks to come again comes again, with the same key.
        async Task SoldAsync(Sender ping, Sender post) => await MarketCalls.Until(() => TryAsync(ping, post), $"sold ({sold} so far)", cluster[0]);

        async Task<bool> TryAsync(Sender ping, Sender post)
        {
            var offer = await ping.PingAsync();
            if (offer["status"] != "offered") return false;
            var (person, key) = (Sender.NextPerson(), Guid.NewGuid().ToString("N"));
            Reply? reply = null;
            await MarketCalls.Until(async () => (reply = await post.PostAsync(offer["ping_id"]!, person, null, ("Idempotency-Key", key))).Status == 200, $"the post has an end ({reply?.Text})", cluster[0]);
            if (reply!["status"] != "sold") return false;
            sold++;
            return true;
        }
    }
}
