using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.Faults;

/// <summary>I1, I17, I20: the wall clock of a server's machine jumps an hour, forward and back, while it runs.</summary>
public sealed class ClockJumpTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task AnHourForwardAndBack_CapsKeepTheirPeriods_OffersTheirLives_SalesTheirAnswers()
    {
        using var machine = new FaultyMachine();
        await using var exchange = await ExchangeProcess.StartAsync(through: machine.Into);
        await exchange.ApplyAsync(Market.With(
            $$"""
            publishers:
              pub: { verticals: [auto], payout: { share: 80% } }
            buyers:
              buyer: { credit_limit: "500.00" }
            campaigns:
              hourly: { buyer: buyer, vertical: auto, bid: "10.00", caps: [ { per: hour, leads: 3 }, { per: day, time_zone: {{Market.ZoneAtDaytime()}}, leads: 5 } ] }
            ping_trees:
              tree: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [hourly] } ] }
            """));
        using var publisher = await Sender.OfAsync(exchange, "pub");
        // The hour does not end among the sales.
        while (TimeProvider.System.GetUtcNow().Minute == 59) await Task.Delay(250);
        var before = await publisher.OfferedAsync();
        (await SoldAsync()).ShouldBe(3);

        machine.Jump(Hour);
        // Another hour, the same day: two of the day's five are left. What was offered an hour ago is over.
        (await publisher.PostAsync(before)).Code.ShouldBe("ping_expired");
        var ahead = await publisher.OfferedAsync();
        (await SoldAsync()).ShouldBe(2);

        machine.Jump(TimeSpan.Zero);
        // The hour that was full is full, and the day too: going back gives nothing back.
        (await SoldAsync()).ShouldBe(0);
        // An offer from an hour ahead is one yet, and what sells no more is the cap.
        var reply = await publisher.PostAsync(ahead);
        (reply.Status, reply["status"]).ShouldBe((200, "unsold"), reply.Text);
        ((int)(await exchange.CapAsync("hourly", "day.leads"))["used"]!).ShouldBe(5);

        await exchange.KillAndRestartAsync();
        (await SoldAsync()).ShouldBe(0);

        async Task<int> SoldAsync()
        {
            var sold = 0;
            for (var tries = 0; tries < 8; tries++)
                if (await publisher.PingAsync() is var ping && ping["status"] == "offered" && (await publisher.PostAsync(ping["ping_id"]!))["status"] == "sold") sold++;
            return sold;
        }
    }

    [Fact]
    public async Task JumpsUnderLoad_EveryPostHasOneAnswer_NoLeadHasTwoBuyers()
    {
        using var machine = new FaultyMachine();
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(through: machine.Into);
        await using var load = await FaultLoad.StartAsync(exchange, buyers, allowExpired: true);
        foreach (var hours in (int[])[1, 0, -1, 0])
        {
            await load.SellAsync(30, "before the clock jumps");
            machine.Jump(hours * Hour);
        }
        await load.SellAsync(30, "at the end");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        load.Lost.ShouldBe(0);
    }

    [Fact]
    public async Task AnHourAwayFromTheDatabase_IsNotReady_AndGoesByTheDatabasesTime()
    {
        using var machine = new FaultyMachine();
        await using var postgres = await PostgresServer.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: await PostgresFaultTests.SettingsAsync(postgres), through: machine.Into);
        await using var buyers = await BuyerApp.StartAsync();
        var key = await new BuyerMarkets(buyers).Webhook("told").ApplyAsync(exchange);
        buyers["told"].AnswersStatus(204);
        foreach (var hours in (int[])[1, -1])
        {
            machine.Jump(hours * Hour);
            await Until(async () => await ReadyAsync() == 503, "it is not ready", exchange);
            await Until(() => exchange.Output.Contains("away from the database's", StringComparison.Ordinal), "it is said", exchange);
            // Who sends nevertheless is served by the database's time: the offer made now can be posted now.
            var ping = await exchange.PingAsync(key, "told");
            (await exchange.SellAsync(key, PostBody(ping)))["status"].ShouldBe("sold");
            machine.Jump(TimeSpan.Zero);
            await Until(async () => await ReadyAsync() == 200, "it is ready again", exchange);
        }

        async Task<int> ReadyAsync()
        {
            using var reply = await exchange.Http.GetAsync(new Uri($"http://127.0.0.1:{exchange.ManagementPort}/health/ready"));
            return (int)reply.StatusCode;
        }
    }
}
