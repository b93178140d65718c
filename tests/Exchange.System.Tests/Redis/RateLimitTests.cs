using System.Diagnostics;
using Exchange.Grains.Cluster;
using Exchange.Grains.Feed;
using Exchange.Grains.Intake;
using Exchange.Storage.Redis;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Grains;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Redis;

/// <summary>How many calls a publisher may make: alone, with Redis, and when Redis goes.</summary>
public sealed class RateLimitTests
{
    [Fact]
    public async Task Calls_BeyondASecondsWorth_AreToldToWait_EachPublisherAndKindByItself()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000));
        var limits = new RateLimits(new(10, 3), null, static () => 1, time);
        (await AdmittedAsync(limits, "a", 30)).ShouldBe(10);
        (await AdmittedAsync(limits, "b", 30)).ShouldBe(10);
        (await AdmittedAsync(limits, "a", 30, CallKind.Post)).ShouldBe(3);
        var refused = (await limits.AdmitAsync("a", CallKind.Ping)).ShouldNotBeNull();
        (refused.Status, refused.Code, refused.RetryAfterSeconds).ShouldBe((429, "rate_limited", 1));
        time.Advance(TimeSpan.FromMilliseconds(500));
        (await AdmittedAsync(limits, "a", 30)).ShouldBe(5);
        time.Advance(TimeSpan.FromHours(1));
        (await AdmittedAsync(limits, "a", 30)).ShouldBe(10);
        // A clock that is set back gives nothing away and takes nothing.
        time.AdjustTime(time.GetUtcNow() - TimeSpan.FromMinutes(1));
        (await AdmittedAsync(limits, "a", 30)).ShouldBe(0);
    }

    [Fact]
    public async Task Calls_WithoutRedis_AreSharedAmongTheSilos()
    {
        var limits = new RateLimits(new(30, 0), null, static () => 3, new FakeTimeProvider(DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000)));
        (await AdmittedAsync(limits, "a", 100)).ShouldBe(10);
        (await AdmittedAsync(limits, "a", 100, CallKind.Post)).ShouldBe(100);
    }

    [Fact]
    public async Task Calls_OfTwoSilosOverOneRedis_DrawFromOneBucket()
    {
        await using var redis = await RedisServer.StartAsync();
        // However busy this machine is: nobody falls back to a bucket of its own.
        await using var one = await OpenAsync(redis.Configuration, TimeSpan.FromSeconds(20));
        await using var two = await OpenAsync(redis.Configuration, TimeSpan.FromSeconds(20));
        var (first, second) = (With(one, 200), With(two, 200));
        var clock = Stopwatch.StartNew();
        var admitted = (await Task.WhenAll(AdmittedAsync(first, "a", 2_000), AdmittedAsync(second, "a", 2_000))).Sum();
        // A second's worth at once, and what flowed in meanwhile.
        admitted.ShouldBeInRange(200, 200 + (int)(clock.Elapsed.TotalSeconds * 200) + 20);
        one.Failures.ShouldBe(0);
        // Forgotten is full: nobody is refused for it.
        await redis.CommandAsync("FLUSHALL");
        await UntilAsync(async () => await AdmittedAsync(first, "a", 200) > 0);
    }

    [Fact]
    public async Task Redis_Killed_CostsOneShortWait_AndIsUsedAgainWhenItIsBack()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var link = await OpenAsync(redis.Configuration);
        var limits = With(link, 1_000, silos: 2);
        (await AdmittedAsync(limits, "a", 10)).ShouldBe(10);
        redis.Kill();
        (await AdmittedAsync(limits, "b", 400)).ShouldBe(400);
        link.Failures.ShouldBeInRange(1, 10);
        await redis.RestartAsync();
        await UntilAsync(async () =>
        {
            await AdmittedAsync(limits, "c", 1);
            return (await redis.CommandAsync("EXISTS exchange:rate:pings:c")) == ":1";
        });
    }

    /// <summary>A clock that was set back, or a replica's that is behind: what was written by the one before it would refuse everybody until then.</summary>
    [Fact]
    public async Task Tokens_OfABucketFromALaterTime_AreGranted()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var link = await OpenAsync(redis.Configuration, TimeSpan.FromSeconds(20));
        var tokens = new RedisTokens(link);
        (await tokens.TakeAsync("a", 1, 10, 8)).ShouldBe(8);
        (await tokens.TakeAsync("a", 1, 10, 8)).ShouldNotBeNull().ShouldBeLessThan(8);
        var inAnHour = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds() * 1_000;
        await redis.CommandAsync($"SET exchange:rate:a {Market.Text(inAnHour)}");
        (await tokens.TakeAsync("a", 1, 10, 8)).ShouldBe(8);
    }

    [Fact]
    public async Task Redis_Slow_IsNotWaitedForAgainAndAgain()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var proxy = new SlowProxy(redis.Port);
        await using var link = await OpenAsync("127.0.0.1:" + Market.Text(proxy.Port));
        var limits = With(link, 1_000);
        (await AdmittedAsync(limits, "a", 10)).ShouldBe(10);
        proxy.Delay = TimeSpan.FromSeconds(2);
        (await AdmittedAsync(limits, "b", 400)).ShouldBe(400);
        link.Failures.ShouldBeInRange(1, 10);
    }

    /// <summary>A clock that is set back by an hour would keep a server from its Redis for an hour.</summary>
    [Fact]
    public async Task Link_WhoseClockIsSet_AsksAgainAfterItsPause_NoSoonerAndNoLater()
    {
        var clocks = new LeadIdsTests.Clocks();
        await using var link = await RedisLink.OpenAsync("127.0.0.1:" + Market.Text(FreePorts.Next()), clocks, NullLogger.Instance);
        link.IsAsked.ShouldBeTrue();
        (await link.PublishAsync("nobody", [1])).ShouldBeFalse();
        link.IsAsked.ShouldBeFalse();
        clocks.Wall += TimeSpan.FromHours(1);
        link.IsAsked.ShouldBeFalse();
        clocks.Wall -= TimeSpan.FromHours(2);
        clocks.Went += RedisLink.Pause;
        link.IsAsked.ShouldBeTrue();
    }

    [Fact]
    public async Task Feed_ThroughRedis_ReachesOtherSilos_AndNotItsSenderTwice()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var link = await OpenAsync(redis.Configuration, TimeSpan.FromSeconds(20));
        var (mine, other) = (new LiveFeed(TimeProvider.System), new LiveFeed(TimeProvider.System));
        var (from, to) = (new RedisFeed(link, mine, new(1, "one")), new RedisFeed(link, other, new(2, "two")));
        var (heardHere, heardThere) = (mine.Watch(out _)!, other.Watch(out _)!);
        await from.ListenAsync();
        await to.ListenAsync();
        (await from.TryPublishAsync([new("ping", "{\"n\":1}"u8.ToArray()), new("lead", "{\"n\":2}"u8.ToArray())])).ShouldBeTrue();
        var told = new List<string>();
        await UntilAsync(() =>
        {
            while (heardThere.TryRead(out var next)) told.Add(next.Kind + global::System.Text.Encoding.UTF8.GetString(next.Json));
            return Task.FromResult(told.Count == 2);
        });
        told.ShouldBe(["ping{\"n\":1}", "lead{\"n\":2}"]);
        heardHere.TryRead(out _).ShouldBeFalse();
        redis.Kill();
        await UntilAsync(async () => !await from.TryPublishAsync([new("ping", "{}"u8.ToArray())]));
    }

    [Fact]
    public async Task Server_WithARateAndARedisThatIsKilled_Answers429InContractForm_AndSellsOn()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: new Dictionary<string, string>
        {
            ["Exchange__Redis"] = redis.Configuration, ["Exchange__Intake__PingsPerSecond"] = "20",
        });
        await exchange.ApplyAsync(Market.With(
            """
            publishers:
              pub: { verticals: [auto], payout: { share: 80% } }
            buyers:
              buyer: { credit_limit: unlimited }
            campaigns:
              camp: { buyer: buyer, vertical: auto, bid: "10.00", caps: [ { per: total, leads: 5 } ] }
            ping_trees:
              tree: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [camp] } ] }
            """));
        using var publisher = await Sender.OfAsync(exchange, "pub");
        for (var withRedis = true; ; withRedis = false)
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => publisher.PingAsync()));
            replies.Select(reply => reply.Status).Distinct().Order().ShouldBe([200, 429]);
            var refused = replies.First(reply => reply.Status == 429);
            (refused.Code, refused.Headers["Retry-After"]).ShouldBe(("rate_limited", "1"));
            if (!withRedis) break;
            // A question that took too long is followed by a pause.
            await UntilAsync(async () =>
            {
                await publisher.PingAsync();
                return await redis.CommandAsync("EXISTS exchange:rate:pings:pub") == ":1";
            });
            redis.Kill();
        }
        var sold = 0;
        for (var tries = 0; tries < 12; tries++)
        {
            Reply ping;
            while ((ping = await publisher.PingAsync()).Status == 429) await Task.Delay(50);
            if (ping["status"] == "offered" && (await publisher.PostAsync(ping["ping_id"]!))["status"] == "sold") sold++;
        }
        sold.ShouldBe(5);
    }

    private static RateLimits With(RedisLink link, int perSecond, int silos = 1) => new(new(perSecond, 0), new(link), () => silos, TimeProvider.System);

    private static Task<RedisLink> OpenAsync(string configuration, TimeSpan? patience = null) => RedisLink.OpenAsync(configuration, TimeProvider.System, NullLogger.Instance, patience);

    private static async Task<int> AdmittedAsync(RateLimits limits, string publisher, int calls, CallKind kind = CallKind.Ping)
    {
        var admitted = 0;
        for (var i = 0; i < calls; i++) if (await limits.AdmitAsync(publisher, kind) is null) admitted++;
        return admitted;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var clock = Stopwatch.StartNew();
        while (!await holds())
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(20)) throw new TimeoutException("not within 20 s");
            await Task.Delay(20);
        }
    }
}
