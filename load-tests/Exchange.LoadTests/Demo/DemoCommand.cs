using System.CommandLine;
using System.CommandLine.Parsing;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Children;
using Spectre.Console;

namespace Exchange.LoadTests.Demo;

/// <summary>What the demo was asked for.</summary>
internal sealed record DemoOptions(int Pings, int Concurrency, int Seed);

internal static class DemoCommand
{
    public static Command Create()
    {
        var pings = new Option<int>("--pings") { Description = "How many pings to send.", DefaultValueFactory = _ => 2_000 }.AtLeast(1);
        var concurrency = new Option<int>("--concurrency") { Description = "How many consumers are in flight at once.", DefaultValueFactory = _ => 16 }.AtLeast(1);
        var seed = new Option<int?>("--seed") { Description = "The same seed makes the same leads. Default: 1 for a server of its own, else by the clock." };
        var url = new Option<Uri?>("--url")
        {
            Description = "A running exchange to use, such as http://localhost:8080, instead of starting one. Needs --key.",
            CustomParser = result => Address(result),
        };
        var key = new Option<string?>("--key") { Description = "An admin key of the running exchange." };
        var server = new Option<string?>("--server") { Description = "The server's exchange.dll to start. Default: the one built in this repository." };
        var command = new Command("demo",
            "Sends a bounded stream of made-up pings and posts over HTTP and ends with what was sold and earned. Starts a server of its own with an empty temporary data folder, which it removes again; with --url and --key it uses a running one.")
        {
            pings, concurrency, seed, url, key, server,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(url) is null != result.GetResult(key) is null)
            {
                result.AddError("--url and --key belong together.");
            }
        });
        command.SetAction(async (parsed, cancel) =>
        {
            var running = parsed.GetValue(url);
            var options = new DemoOptions(
                parsed.GetValue(pings),
                parsed.GetValue(concurrency),
                parsed.GetValue(seed) ?? (running is null ? 1 : unchecked((int)TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds())));
            if (running is not null)
            {
                return await RunAsync(running, parsed.GetValue(key)!, options, cancel);
            }

            var console = AnsiConsole.Console;
            console.MarkupLine("Starting an exchange with an empty data folder …");
            await using var exchange = await ExchangeChild.StartAsync(parsed.GetValue(server), "Development", cancel);
            return await RunAsync(exchange.Http, exchange.AdminKey, options, cancel);
        });
        return command;
    }

    private static Uri? Address(ArgumentResult result)
    {
        if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            return url;
        }

        result.AddError("--url is an address such as http://localhost:8080.");
        return null;
    }

    private static async Task<int> RunAsync(Uri exchange, string adminKey, DemoOptions options, CancellationToken cancel)
    {
        using var admin = new AdminClient(exchange, adminKey);
        var outcome = await DemoRun.RunAsync(exchange, admin, options, AnsiConsole.Console, cancel);
        DemoReport.Print(outcome, AnsiConsole.Console);
        return outcome.IsClean ? 0 : ExitCodes.Failed;
    }
}
