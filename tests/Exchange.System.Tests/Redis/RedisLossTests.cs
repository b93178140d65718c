using Exchange.Storage.Redis;
using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Faults;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;

namespace Exchange.System.Tests.Redis;

/// <summary>Redis is emptied, killed and started again under load: nothing that was answered changes, and nobody buys what another has.</summary>
public sealed class RedisLossTests
{
    [Fact]
    public async Task FlushedKilledAndStarted_UnderLoad_BreaksNothing()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: new Dictionary<string, string>
        {
            // Limits that nobody comes near: every fiftieth call asks Redis for more of them.
            ["Exchange__Redis"] = redis.Configuration, ["Exchange__Intake__PingsPerSecond"] = "1000", ["Exchange__Intake__PostsPerSecond"] = "1000",
        });
        await using var load = await FaultLoad.StartAsync(exchange, buyers);
        for (var round = 0; round < 3; round++)
        {
            await load.SellAsync(40, "with Redis");
            await redis.CommandAsync("FLUSHALL");
            await load.SellAsync(40, "after it forgot everything");
            redis.Kill();
            await load.SellAsync(40, "without it");
            await redis.RestartAsync();
        }
        await load.SellAsync(40, "with Redis again");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        (await exchange.MetricsAsync()).ShouldMatch("(?m)^leadexchange_redis_failures_total [1-9]", "it was asked while it was away");
    }

    /// <summary>As what was being sent when its connection was lost.</summary>
    [Fact]
    public async Task Question_CancelledOnItsWay_HasNoAnswer_AndCountsAsAFailure()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var link = await RedisLink.OpenAsync(redis.Configuration, TimeProvider.System, NullLogger.Instance);

        (await link.AskAsync(static _ => Task.FromCanceled<int>(new CancellationToken(canceled: true)))).HasValue.ShouldBeFalse();

        link.Failures.ShouldBe(1);
    }
}
