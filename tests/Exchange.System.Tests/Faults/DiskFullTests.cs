using Exchange.Storage.Sqlite;
using Exchange.System.Tests.BlackBox;
using Microsoft.Data.Sqlite;
using Shouldly;

namespace Exchange.System.Tests.Faults;

/// <summary>I3, I4, I16, I30: a disk without room refuses and loses nothing, and goes on when there is room.</summary>
public sealed class DiskFullTests
{
    [SmallDiskFact]
    public async Task NoRoomLeft_PostsAreRefused_ReadsGoOn_AndAllGoesOnWhenThereIsRoom()
    {
        await using var disk = await SmallDisk.MakeAsync(megabytes: 64);
        await using var buyers = await BuyerApp.StartAsync();
        var settings = new Dictionary<string, string> { ["Exchange__Data"] = disk.Place };
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings, through: disk.Into);
        await using (var load = await FaultLoad.StartAsync(exchange, buyers))
        {
            await load.SellAsync(50, "with room");
            var lead = (await exchange.AdminAsync("leads?status=sold&limit=1"))["leads"]![0].Text("lead_id")!;

            disk.Fill();
            await load.RefusedAsync(50, "without room");
            (await exchange.GetAsync($"/v1/admin/leads/{lead}")).Status.ShouldBe(200);
            using (var live = await exchange.Http.GetAsync(new Uri($"http://127.0.0.1:{exchange.ManagementPort}/health/live"))) live.IsSuccessStatusCode.ShouldBeTrue();
            disk.Free();
            await load.SellAsync(50, "with room again");
            (await exchange.CliAsync("audit")).Output.ShouldContain("Clean");

            // Dies without room.
            disk.Fill();
            await load.RefusedAsync(20, "without room");
            exchange.Kill();
            disk.Free();
            await exchange.RestartAsync(settings);
            await load.SellAsync(50, "after a kill");
            await load.StopAsync();
            await load.CheckAsync(buyers);
        }
        (await exchange.StopAsync()).ShouldBe(0, exchange.Output);
        // The database finds its way out of the small disk by its links; copies stay where they are. What is in the folder is audited at the end.
        foreach (var file in Directory.GetFiles(disk.Folder)) File.Copy(file, Path.Combine(exchange.Folder, Path.GetFileName(file)));
        foreach (var file in (string[])[SqliteStore.FactsFile, "pings.db"]) Integrity(Path.Combine(exchange.Folder, file)).ShouldBe("ok");
    }

    internal static string Integrity(string file)
    {
        using var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA integrity_check";
        return (string)command.ExecuteScalar()!;
    }
}
