using System.Diagnostics;
using System.Globalization;
using Exchange.System.Tests.BlackBox;
using Shouldly;

namespace Exchange.System.Tests.Faults;

/// <summary>
/// I3, I4, I30: a disk that fails a write, as told by the system (a limit on the size of files, which needs no right and no mount: every write beyond it is
/// an error, and none that says the disk is full). What is durable is known only to whoever reads it again: the store stops writing until then.
/// </summary>
public sealed class FailingDiskTests
{
    [Fact]
    public async Task WriteFails_TheStoreStopsWriting_ReadsGoOn_AndARestartFindsAllThatWasAnswered()
    {
        await using var buyers = await BuyerApp.StartAsync();
        // The signal that goes with the error would end the process.
        await using var exchange = await ExchangeProcess.StartAsync(through: ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
        await using var load = await FaultLoad.StartAsync(exchange, buyers);
        await load.SellAsync(50, "before");
        var lead = (await exchange.AdminAsync("leads?status=sold&limit=1"))["leads"]![0].Text("lead_id")!;

        await LimitFilesAsync(exchange, "4096");
        await load.RefusedAsync(20, "by a disk that fails");
        await LimitFilesAsync(exchange, "unlimited");

        // It does not try again by itself: what it would write on, nobody knows.
        var sold = load.Sold;
        await load.RefusedAsync(50, "by a store that has stopped");
        load.Sold.ShouldBeLessThanOrEqualTo(sold + 6, "answered before, heard late");
        await MarketCalls.Until(() => exchange.Output.Contains("restart to read what is durable", StringComparison.Ordinal), "it is said", exchange);
        (await exchange.GetAsync($"/v1/admin/leads/{lead}")).Status.ShouldBe(200);
        (await HealthAsync("live"), await HealthAsync("ready")).ShouldBe((200, 503));

        await exchange.KillAndRestartAsync();
        await load.SellAsync(50, "after the restart");
        await load.StopAsync();
        await load.CheckAsync(buyers);

        async Task<int> HealthAsync(string which)
        {
            using var reply = await exchange.Http.GetAsync(new Uri($"http://127.0.0.1:{exchange.ManagementPort}/health/{which}"));
            return (int)reply.StatusCode;
        }
    }

    private static async Task LimitFilesAsync(ExchangeProcess exchange, string bytes)
    {
        using var limit = Process.Start("prlimit", ["--pid", exchange.ProcessId.ToString(CultureInfo.InvariantCulture), $"--fsize={bytes}:"]);
        await limit.WaitForExitAsync();
        limit.ExitCode.ShouldBe(0);
    }
}
