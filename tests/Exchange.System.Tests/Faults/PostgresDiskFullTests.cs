using Exchange.System.Tests.BlackBox;
using Exchange.System.Tests.Storage;
using Shouldly;

namespace Exchange.System.Tests.Faults;

/// <summary>
/// I3, I4, I16, I30: a PostgreSQL whose disk has no room left. It refuses writes or gives up altogether; the exchange refuses, loses nothing, and goes on when
/// there is room and its operator has started it again.
/// </summary>
public sealed class PostgresDiskFullTests
{
    [SmallDiskFact(NeedsRoot = true)]
    public async Task NoRoomLeft_PostsAreRefused_AndAllGoesOnWhenThereIsRoom()
    {
        await using var disk = await SmallDisk.MakeAsync(megabytes: 256);
        await disk.GiveToAsync("postgres");
        await using var postgres = await PostgresServer.StartAsync(disk);
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: await PostgresFaultTests.SettingsAsync(postgres));
        await using var load = await FaultLoad.StartAsync(exchange, buyers);
        for (var round = 0; round < 2; round++)
        {
            await load.SellAsync(50, "with room");
            disk.Fill();
            await load.RefusedAsync(50, "without room");
            using (var live = await exchange.Http.GetAsync(new Uri($"http://127.0.0.1:{exchange.ManagementPort}/health/live"))) live.IsSuccessStatusCode.ShouldBeTrue();
            disk.Free();
            if (postgres.HasEnded) await postgres.StartAgainAsync();
        }
        await load.SellAsync(50, "with room again");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        load.Lost.ShouldBe(0, "the server itself never went away");
        (await exchange.CliAsync("audit")).Output.ShouldContain("Clean");
    }
}
