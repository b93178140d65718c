using System.Net.Sockets;
using Exchange.System.Tests.BlackBox;
using Shouldly;

namespace Exchange.System.Tests.Faults;

/// <summary>I3, I4: a server that may open no more files or connections refuses what it cannot do, loses nothing, does not end, and goes on when there is room.</summary>
public sealed class OpenFilesTests
{
    private const int Most = 400;

    [Fact]
    public async Task NoFileLeftToOpen_UnderLoad_NothingIsLost_AndAllGoesOnWhenThereIs()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(through: ["prlimit", $"--nofile={Most}:{Most}"]);
        await using var load = await FaultLoad.StartAsync(exchange, buyers);
        for (var round = 0; round < 2; round++)
        {
            await load.SellAsync(30, "before");
            var idle = new List<Socket>();
            try
            {
                // More than it may open: the last of them wait in the kernel.
                for (var i = 0; i < Most + 50; i++)
                {
                    var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    idle.Add(socket);
                    await socket.ConnectAsync("127.0.0.1", exchange.HttpPort).WaitAsync(TimeSpan.FromSeconds(10));
                }
                await MarketCalls.Until(() => Open(exchange) >= Most - 5, "no file is left", exchange);
                // A while, in which batches are written and buyers called.
                await Task.Delay(TimeSpan.FromSeconds(3));
            }
            finally
            {
                foreach (var socket in idle) socket.Dispose();
            }
        }
        await load.SellAsync(30, "afterwards");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        (await exchange.CliAsync("audit")).Output.ShouldContain("Clean");
    }

    private static int Open(ExchangeProcess exchange) => Directory.GetFileSystemEntries($"/proc/{Market.Text(exchange.ProcessId)}/fd").Length;
}
