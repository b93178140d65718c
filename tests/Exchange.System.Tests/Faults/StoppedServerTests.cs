using System.Diagnostics;
using Exchange.System.Tests.BlackBox;
using Shouldly;

namespace Exchange.System.Tests.Faults;

/// <summary>I3, I4, I12, I17: a server over the embedded database that stands still (SIGSTOP) with calls, batches and buyers' answers in mid-flight, and goes on.</summary>
public sealed class StoppedServerTests
{
    [Fact]
    public async Task StoppedAndContinued_UnderLoad_NothingIsLostOrDoubled()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync();
        await using var load = await FaultLoad.StartAsync(exchange, buyers);
        for (var round = 0; round < 3; round++)
        {
            await load.SellAsync(30, "before it stands still");
            await exchange.SignalAsync("STOP");
            try
            {
                // As long as leases, buyers' time-outs (5 s) and publishers' patience are touched by it.
                await Task.Delay(TimeSpan.FromSeconds(round == 2 ? 11 : 3));
            }
            finally
            {
                await exchange.SignalAsync("CONT");
            }
        }
        await load.SellAsync(30, "after it");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        load.Lost.ShouldBe(0, "it answers late, not never");
    }
}
