extern alias server;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Exchange.System.Tests.BlackBox;
using Shouldly;
using server::Exchange.Server.Hosting;

namespace Exchange.System.Tests.Faults;

/// <summary>I3, I4, I30: a process that may open no file any more, sockets and threads among them.</summary>
public sealed class NoFilesLeftTests
{
    /// <summary>The runtime itself may end the process then ("Out of memory."), as if it were killed.</summary>
    [Fact]
    public async Task NoFileLeftToOpen_UnderLoad_ItServesOrDies_AndLosesNothing()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync();
        await using var load = await FaultLoad.StartAsync(exchange, buyers);
        await load.SellAsync(50, "with files");
        var before = (await LimitAsync(exchange, "--nofile", "--raw", "--noheadings", "--output=SOFT")).ShouldNotBeNull(exchange.Output);

        for (var round = 0; round < 2; round++)
        {
            // Below what is open already: not one more.
            (await LimitAsync(exchange, "--nofile=10:")).ShouldNotBeNull(exchange.Output);
            // New connections stand before the door meanwhile; those that are there are served, and want threads and files.
            var asked = AskAsync(exchange);
            await Task.Delay(TimeSpan.FromSeconds(3));
            await LimitAsync(exchange, $"--nofile={before}:");
            var statuses = await asked;
            // Also a moment later.
            await MarketCalls.Until(async () => exchange.HasExited || await IsReadyAsync(exchange), "it has ended, or is ready", exchange);
            var died = exchange.HasExited;
            statuses.ShouldAllBe(status => status == 200 || status == 503 || status == 0 && died);
            if (died) await exchange.RestartAsync();
            await load.SellAsync(50, "with files again");
        }

        // As many reads at once as there are threads for them.
        (await AskAsync(exchange)).ShouldAllBe(static status => status == 200);
        (await exchange.CliAsync("audit")).Output.ShouldContain("Clean");
        await load.StopAsync();
        await load.CheckAsync(buyers);
        (await exchange.StopAsync()).ShouldBe(0, exchange.Output);
    }

    [Fact]
    public async Task FloodOfConnections_IsClosed_AndLeavesFilesForTheRest()
    {
        // 33 connections a port are left of these.
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(through: ["prlimit", "--nofile=600"]);
        var key = await new BuyerMarkets(buyers).Webhook("told").ApplyAsync(exchange);
        var flood = new List<Socket>();
        try
        {
            for (var number = 0; number < 200; number++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, exchange.HttpPort);
                flood.Add(socket);
            }
            await MarketCalls.Until(() => flood.Count(IsClosed) >= 200 - 33, "what is too many is closed", exchange);
            flood.Count(IsClosed).ShouldBeLessThan(200, "what came first stays");
            // Its connection was there before.
            (await exchange.PostAsync("/v1/pings", key, new { vertical = "told", fields = new { state = "CA" } })).Status.ShouldBe(200);
            using var metrics = await exchange.Http.GetAsync(new Uri($"http://127.0.0.1:{exchange.ManagementPort}/metrics"));
            (await metrics.Content.ReadAsStringAsync()).ShouldContain("kestrel_rejected_connections");
        }
        finally
        {
            foreach (var socket in flood) socket.Dispose();
        }
        using var fresh = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{exchange.HttpPort}") };
        await MarketCalls.Until(async () =>
        {
            try { return (await fresh.GetAsync(new Uri("/v1/admin/leads", UriKind.Relative))).StatusCode == HttpStatusCode.Unauthorized; }
            catch (Exception fault) when (fault is HttpRequestException or SocketException) { return false; }
        }, "a new connection is served", exchange);
        exchange.Output.ShouldNotContain("Too many open files");

        static bool IsClosed(Socket socket) => socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;
    }

    [Theory]
    [InlineData("Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\n", 174)]
    [InlineData("Max open files            1048576              1048576              files\n", 20_000)]
    [InlineData("Max open files            256                  256                  files\n", 32)]
    [InlineData("Max open files            unlimited            unlimited            files\n", 20_000)]
    [InlineData("", 20_000)]
    public void ConnectionsOfAPort_FollowFromTheFiles(string limits, int connections) => OpenFiles.ConnectionsPerPort(limits).ShouldBe(connections);

    [Theory]
    [InlineData("0")]
    [InlineData("many")]
    public async Task MaxConnections_OutOfRange_IsToldAtTheStart(string value)
    {
        var (code, _, error) = await ExchangeProcess.CliAsync(new Dictionary<string, string> { ["Exchange__MaxConnections"] = value });
        code.ShouldNotBe(0);
        error.ShouldContain("Exchange:MaxConnections");
    }

    /// <summary>Reads that want a thread and a connection to the database each. 0: nobody answered.</summary>
    private static async Task<int[]> AskAsync(ExchangeProcess exchange) => await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
    {
        try { return (await exchange.GetAsync("/v1/admin/leads?limit=500")).Status; }
        catch (Exception fault) when (fault is HttpRequestException or SocketException) { return 0; }
    }));

    private static async Task<bool> IsReadyAsync(ExchangeProcess exchange)
    {
        try
        {
            using var reply = await exchange.Http.GetAsync(new Uri($"http://127.0.0.1:{exchange.ManagementPort}/health/ready"));
            return reply.IsSuccessStatusCode;
        }
        catch (Exception fault) when (fault is HttpRequestException or SocketException) { return false; }
    }

    /// <summary>What <c>prlimit</c> says of the server's process; null: there is none any more.</summary>
    private static async Task<string?> LimitAsync(ExchangeProcess exchange, params string[] arguments)
    {
        var start = new ProcessStartInfo("prlimit", ["--pid", exchange.ProcessId.ToString(CultureInfo.InvariantCulture), .. arguments]) { RedirectStandardOutput = true };
        using var run = Process.Start(start)!;
        var text = await run.StandardOutput.ReadToEndAsync();
        await run.WaitForExitAsync();
        return run.ExitCode == 0 ? text.Trim() : null;
    }
}
