using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Children;
using Exchange.LoadTests.Compare;
using Spectre.Console;

namespace Exchange.LoadTests.Swap;

/// <summary>One round: the same stream of pings while nothing changes and while the catalog does, with how long each change took to be applied.</summary>
internal sealed record SwapRound(StreamResult Quiet, StreamResult Changing, IReadOnlyList<double> AppliedMs);

internal static class SwapCommand
{
    public static Command Create()
    {
        var rate = new Option<int>("--rate") { Description = "Pings per second, whatever the server does.", DefaultValueFactory = _ => 1_000 }.AtLeast(1);
        var seconds = new Option<int>("--seconds") { Description = "Time of each half of a round.", DefaultValueFactory = _ => 10 }.AtLeast(1);
        var warmUp = new Option<int>("--warm-up") { Description = "Seconds of the same pings, with changes, before the first round.", DefaultValueFactory = _ => 10 }.AtLeast(0);
        var rounds = new Option<int>("--rounds") { Description = "Quiet and changing halves take turns this often.", DefaultValueFactory = _ => 3 }.AtLeast(1);
        var every = new Option<int>("--every-ms") { Description = "A campaign's bid is changed so often.", DefaultValueFactory = _ => 1_000 }.AtLeast(1);
        var campaigns = new Option<int>("--campaigns") { Description = "Campaigns in the one vertical.", DefaultValueFactory = _ => 10_000 }.AtLeast(1);
        var server = new Option<string?>("--server") { Description = "The server's exchange.dll to start. Default: the one built in this repository." };
        var command = new Command("swap",
            "Measures what a pinging publisher sees while an admin changes campaigns of a large catalog: latencies of a steady stream of pings with and without changes, by turns, in one run. Build with -c Release.")
        {
            rate, seconds, warmUp, rounds, every, campaigns, server,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            var console = AnsiConsole.Console;
            var catalog = new ComparedCatalog(parsed.GetValue(campaigns), 20, 1);
            await using var exchange = await ExchangeChild.StartAsync(parsed.GetValue(server), "Production", cancel);
            using var admin = new AdminClient(exchange.Http, exchange.AdminKey);
            await admin.ReplaceCatalogAsync(catalog.Json(), cancel);
            var key = await admin.IssuePublisherKeyAsync(ComparedCatalog.Publisher, cancel);
            using var load = new IntakeLoad(exchange.Grpc, key.Key, connections: 4, seed: 1, firstPerson: 0);
            var run = new Run(admin, load, parsed.GetValue(rate), parsed.GetValue(campaigns), TimeSpan.FromMilliseconds(parsed.GetValue(every)));
            if (parsed.GetValue(warmUp) is > 0 and var warm) await run.ChangingAsync(TimeSpan.FromSeconds(warm), cancel);
            var results = new List<SwapRound>();
            for (var round = 0; round < parsed.GetValue(rounds); round++)
            {
                var time = TimeSpan.FromSeconds(parsed.GetValue(seconds));
                var quiet = await run.QuietAsync(time, cancel);
                var (changing, applied) = await run.ChangingAsync(time, cancel);
                results.Add(new(quiet, changing, applied));
            }
            Print(results, console);
            return results.Any(round => round.Quiet.Errors.Count + round.Changing.Errors.Count > 0 || round.AppliedMs.Count == 0) ? ExitCodes.Failed : 0;
        });
        return command;
    }

    private sealed class Run(AdminClient admin, IntakeLoad load, int rate, int campaigns, TimeSpan every)
    {
        private int changes;

        public Task<StreamResult> QuietAsync(TimeSpan time, CancellationToken cancel) =>
            OpenLoop.RunAsync(rate, time, (number, stop) => load.PingAsync((int)(number % 64), number, stop), cancel);

        public async Task<(StreamResult Pings, IReadOnlyList<double> AppliedMs)> ChangingAsync(TimeSpan time, CancellationToken cancel)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var changing = ChangeAsync(stop.Token);
            var pings = await QuietAsync(time, cancel);
            await stop.CancelAsync();
            return (pings, await changing);
        }

        private async Task<IReadOnlyList<double>> ChangeAsync(CancellationToken stop)
        {
            var applied = new List<double>();
            using var timer = new PeriodicTimer(every);
            try
            {
                while (await timer.WaitForNextTickAsync(stop))
                {
                    var began = Stopwatch.GetTimestamp();
                    var bid = string.Create(CultureInfo.InvariantCulture, $"{5 + changes % 7}.{changes % 100:00}");
                    await admin.ChangeBidAsync(ComparedCatalog.CampaignId(changes++ * 7919 % campaigns), bid, CancellationToken.None);
                    applied.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                }
            }
            catch (OperationCanceledException) { }
            return applied;
        }
    }

    private static void Print(List<SwapRound> rounds, IAnsiConsole console)
    {
        var table = new Table().RoundedBorder().AddColumn("pings");
        foreach (var column in new[] { "p50 ms", "p99 ms", "p99.9 ms", "max ms" }) table.AddColumn(new TableColumn(column).RightAligned());
        Row("nothing changes", [.. rounds.Select(round => round.Quiet)]);
        Row("campaigns change", [.. rounds.Select(round => round.Changing)]);
        console.Write(table);
        var applied = rounds.SelectMany(round => round.AppliedMs).ToArray();
        var ratio = Medians.Of(rounds.Select(round => round.Changing.P99Micros / Math.Max(1, round.Quiet.P99Micros)));
        console.MarkupLine(string.Create(CultureInfo.InvariantCulture,
            $"Medians of {rounds.Count} rounds. p99 while campaigns change over p99 of the same round's quiet half: {ratio:0.00}. {applied.Length} changes, applied in {Medians.Of(applied):0} ms at the median (request to durable and served)."));
        foreach (var (error, count) in rounds.SelectMany(round => round.Quiet.Errors.Concat(round.Changing.Errors)))
            console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"[red]{count:#,##0} errors: {Markup.Escape(error)}[/]"));

        void Row(string name, IReadOnlyList<StreamResult> streams) => table.AddRow(name,
            Milliseconds(streams.Select(stream => stream.P50Micros)), Milliseconds(streams.Select(stream => stream.P99Micros)),
            Milliseconds(streams.Select(stream => stream.P999Micros)), Milliseconds(streams.Select(stream => stream.MaxMicros)));
    }

    private static string Milliseconds(IEnumerable<double> micros) => (Medians.Of(micros) / 1_000).ToString("0.00", CultureInfo.InvariantCulture);
}
