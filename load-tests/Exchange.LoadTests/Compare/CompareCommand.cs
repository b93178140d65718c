using System.CommandLine;
using System.Globalization;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Children;
using Spectre.Console;

namespace Exchange.LoadTests.Compare;

/// <summary>How the comparison is run.</summary>
internal sealed record CompareOptions(int Concurrency, int Connections, int Seconds, int WarmUpSeconds, int Rounds, int Campaigns, int Eligible, int Seed, string? Server);

/// <summary>One round: the same load on the bare echo, on pings, on ping + post pairs.</summary>
internal sealed record CompareRound(LoadResult Echo, LoadResult Pings, LoadResult Pairs);

internal static class CompareCommand
{
    public static Command Create()
    {
        var concurrency = new Option<int>("--concurrency") { Description = "Requests in flight.", DefaultValueFactory = _ => 128 }.AtLeast(1);
        var connections = new Option<int>("--connections") { Description = "HTTP/2 connections they share.", DefaultValueFactory = _ => 4 }.AtLeast(1);
        var seconds = new Option<int>("--seconds") { Description = "Measured time of each load.", DefaultValueFactory = _ => 10 }.AtLeast(1);
        var warmUp = new Option<int>("--warm-up") { Description = "Seconds of the same load before each measurement; a fresh process compiles its hot paths meanwhile.", DefaultValueFactory = _ => 10 }.AtLeast(0);
        var rounds = new Option<int>("--rounds") { Description = "Echo and exchange take turns this often, each time as new processes.", DefaultValueFactory = _ => 3 }.AtLeast(1);
        var campaigns = new Option<int>("--campaigns") { Description = "Campaigns in the one vertical.", DefaultValueFactory = _ => 1_000 }.AtLeast(1);
        var eligibleCampaigns = new Option<int>("--eligible") { Description = "How many of them are eligible for a ping on average.", DefaultValueFactory = _ => 20 }.AtLeast(1);
        var seed = new Option<int>("--seed") { Description = "The same seed makes the same catalog and pings.", DefaultValueFactory = _ => 1 };
        var json = new Option<FileInfo?>("--json") { Description = "Also writes every round as JSON to this file." };
        var server = new Option<string?>("--server") { Description = "The server's exchange.dll to start. Default: the one built in this repository." };
        var command = new Command("compare",
            "Measures what the exchange costs beyond the transport: a bare gRPC echo service and this exchange are started in turn and loaded the same way, on one machine in one run. Prints requests per second, latencies, the server's CPU per request and the ratios. Build with -c Release.")
        {
            concurrency, connections, seconds, warmUp, rounds, campaigns, eligibleCampaigns, seed, json, server,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var options = new CompareOptions(
                parsed.GetValue(concurrency), parsed.GetValue(connections), parsed.GetValue(seconds), parsed.GetValue(warmUp), parsed.GetValue(rounds),
                parsed.GetValue(campaigns), parsed.GetValue(eligibleCampaigns), parsed.GetValue(seed), parsed.GetValue(server));
            var console = AnsiConsole.Console;
            var catalog = new ComparedCatalog(options.Campaigns, options.Eligible, options.Seed);
            var eligible = Enumerable.Range(0, 4_096).Average(index => (double)catalog.Eligible(ComparedCatalog.Ping(options.Seed, index)));
            console.MarkupLine(string.Create(CultureInfo.InvariantCulture,
                $"{options.Campaigns:#,##0} campaigns, {eligible:0.0} eligible for a ping on average; {options.Concurrency} in flight over {options.Connections} connections; {Environment.ProcessorCount} processors shared by client and server."));
            var results = new List<CompareRound>();
            for (var round = 1; round <= options.Rounds; round++)
            {
                var echo = await LoadEchoAsync(options, console, round, cancel);
                var (pings, pairs) = await LoadExchangeAsync(options, catalog, console, round, cancel);
                results.Add(new CompareRound(echo, pings, pairs));
            }

            CompareReport.Print(results, console);
            if (parsed.GetValue(json) is { } file)
            {
                await CompareReport.WriteJsonAsync(options, eligible, results, file, cancel);
            }

            return results.SelectMany(round => new[] { round.Echo, round.Pings, round.Pairs }).Any(load => load.Errors.Count > 0 || load.Done == 0)
                ? ExitCodes.Failed
                : 0;
        });
        return command;
    }

    private static async Task<LoadResult> LoadEchoAsync(CompareOptions options, IAnsiConsole console, int round, CancellationToken cancel)
    {
        var port = FreePorts.Find(1)[0];
        await using var echo = ChildProcess.Start(
            typeof(CompareCommand).Assembly.Location, ["echo-server", "--port", port.ToString(CultureInfo.InvariantCulture)], new Dictionary<string, string>());
        using var load = new IntakeLoad(new Uri($"http://localhost:{port}"), "none", options.Connections, options.Seed, firstPerson: 0);
        await WaitForAnswerAsync(load, echo, cancel);
        return await RunAsync("echo", options, load.PingAsync, () => echo.ProcessorTime, console, round, cancel);
    }

    private static async Task<(LoadResult Pings, LoadResult Pairs)> LoadExchangeAsync(
        CompareOptions options, ComparedCatalog catalog, IAnsiConsole console, int round, CancellationToken cancel)
    {
        await using var exchange = await ExchangeChild.StartAsync(options.Server, "Production", cancel);
        using var admin = new AdminClient(exchange.Http, exchange.AdminKey);
        await admin.ReplaceCatalogAsync(catalog.Json(), cancel);
        var key = await admin.IssuePublisherKeyAsync(ComparedCatalog.Publisher, cancel);
        using var load = new IntakeLoad(exchange.Grpc, key.Key, options.Connections, options.Seed, firstPerson: 0);
        var pings = await RunAsync("pings", options, load.PingAsync, () => exchange.ProcessorTime, console, round, cancel);
        var pairs = await RunAsync("pairs", options, load.PairAsync, () => exchange.ProcessorTime, console, round, cancel);
        return (pings, pairs);
    }

    private static async Task<LoadResult> RunAsync(
        string name, CompareOptions options, Func<int, long, CancellationToken, Task<string?>> ask, Func<TimeSpan> serverCpu, IAnsiConsole console, int round, CancellationToken cancel)
    {
        var result = await ClosedLoop.RunAsync(
            options.Concurrency, TimeSpan.FromSeconds(options.WarmUpSeconds), TimeSpan.FromSeconds(options.Seconds), ask, serverCpu, cancel);
        console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"round {round}, {name}: {result.PerSecond:#,##0}/s"));
        return result;
    }

    private static async Task WaitForAnswerAsync(IntakeLoad load, ChildProcess server, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await load.PingAsync(0, 0, cancel);
                return;
            }
            catch (Grpc.Core.RpcException) when (!cancel.IsCancellationRequested && attempt < 100 && !server.HasExited)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), cancel);
            }
        }
    }
}
