using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;
using Shouldly;

namespace Exchange.System.Tests.Faults;

/// <summary>
/// I3, I4, I30: a disk whose fsync fails (EIO). After one such failure nobody knows what the disk has, and a second try that succeeds proves nothing: no yes
/// is said from then on, until a restart has read what is there.
/// </summary>
public sealed class FailingSyncTests
{
    [Fact]
    public async Task SyncFails_NothingIsAnsweredSold_NorAfterItWorksAgain_AndARestartFindsAllThatWasAnswered()
    {
        using var machine = new FaultyMachine();
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(through: machine.Into);
        await using var load = await FaultLoad.StartAsync(exchange, buyers);
        await load.SellAsync(50, "before");

        machine.FailSyncs();
        await load.RefusedAsync(20, "by a disk that cannot sync");
        var sold = load.Sold;
        machine.HealSyncs();
        await load.RefusedAsync(50, "by a store that has stopped");
        load.Sold.ShouldBeLessThanOrEqualTo(sold + 6, "answered before, heard late");
        await MarketCalls.Until(() => exchange.Output.Contains("restart to read what is durable", StringComparison.Ordinal), "it is said", exchange);

        await exchange.KillAndRestartAsync();
        await load.SellAsync(50, "after the restart");
        await load.StopAsync();
        await load.CheckAsync(buyers);
    }

    /// <summary>PostgreSQL ends all its processes by its own rule, and does not come up again on such a disk.</summary>
    [Fact]
    public async Task SyncsOfPostgresFail_NothingIsAnsweredSold_AndAllGoesOnWhenItIsStartedOnAGoodDisk()
    {
        using var machine = new FaultyMachine(clock: false);
        await using var postgres = await PostgresServer.StartAsync(machine: machine);
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: await PostgresFaultTests.SettingsAsync(postgres));
        // Many: those whose commits are unknown wait for the database, and somebody has to be left who can be refused.
        await using var load = await FaultLoad.StartAsync(exchange, buyers, workers: 32);
        await load.SellAsync(50, "before");

        machine.FailSyncs();
        await load.RefusedAsync(10, "by a database that cannot sync");
        var sold = load.Sold;
        await load.RefusedAsync(10, "by it, or without it");
        load.Sold.ShouldBeLessThanOrEqualTo(sold + 32, "answered before, heard late");

        machine.HealSyncs();
        // It has ended itself, or does so in a moment, or was just about to come up again.
        await MarketCalls.Until(async () =>
        {
            if (postgres.HasEnded) await postgres.StartAgainAsync();
            return load.Sold > sold + 32;
        }, $"it sells again ({load.Text})", exchange);
        await load.SellAsync(50, "after the start");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        load.Lost.ShouldBe(0, "the server itself never went away");
        (await exchange.CliAsync("audit")).Output.ShouldContain("Clean");
    }
}
