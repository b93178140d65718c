using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Exchange.LoadTests.Admin;
using Exchange.LoadTests.Children;
using Exchange.LoadTests.Compare;
using Exchange.LoadTests.Overload;
using Spectre.Console;

namespace Exchange.LoadTests.Outage;

/// <summary>What a PostgreSQL that is stopped and started again does to a server under load: how soon after it is back as much is sold as before.</summary>
internal static class OutageCommand
{
    private const double AsBefore = 0.95;
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(500), Patience = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        var callers = new Option<int>("--callers") { Description = "Pairs of ping and post in flight.", DefaultValueFactory = _ => 64 }.AtLeast(1);
        var seconds = new Option<int>("--seconds") { Description = "Measured time before each stop.", DefaultValueFactory = _ => 8 }.AtLeast(2);
        var down = new Option<int>("--down") { Description = "Seconds without the database.", DefaultValueFactory = _ => 3 }.AtLeast(0);
        var rounds = new Option<int>("--rounds") { Description = "Stops and starts.", DefaultValueFactory = _ => 5 }.AtLeast(1);
        var warmUp = new Option<int>("--warm-up") { Description = "Most seconds of load before anything is measured; shorter when it has stopped growing.", DefaultValueFactory = _ => 40 }.AtLeast(0);
        var server = new Option<string?>("--server") { Description = "The server's exchange.dll to start. Default: the one built in this repository." };
        var command = new Command("outage",
            "Stops a PostgreSQL of the run's own at once (no checkpoint) while pairs of ping and post are sold, starts it again, and measures from the moment it answers until sales are at 95 % of before. Build with -c Release.")
        {
            callers, seconds, down, rounds, warmUp, server,
        };
        command.SetAction(async (parsed, cancel) =>
        {
            await using var postgres = await PrivatePostgres.StartAsync(cancel);
            await using var exchange = await ExchangeChild.StartAsync(parsed.GetValue(server), "Production", cancel, postgres.Settings());
            using var admin = new AdminClient(exchange.Http, exchange.AdminKey);
            await admin.ReplaceCatalogAsync(new ComparedCatalog(100, 10, 1).Json(), cancel);
            var key = await admin.IssuePublisherKeyAsync(ComparedCatalog.Publisher, cancel);
            using var intake = new RawIntake(exchange.Grpc, key.Key, 4, 1);
            var load = new Load(intake, pingOnly: false);
            await WarmUp.UntilCalmAsync(TimeSpan.FromSeconds(parsed.GetValue(warmUp)), async slice =>
            {
                load.Tally.Take();
                await load.ClosedAsync(parsed.GetValue(callers), slice);
                return load.Tally.Take().PerSecond;
            });

            var table = new Table().RoundedBorder().AddColumns("round", "before /s", "first sale after s", "95 % after s", "refused meanwhile");
            var returns = new List<double>();
            for (var round = 1; round <= parsed.GetValue(rounds); round++)
            {
                using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                var publishers = load.ClosedAsync(parsed.GetValue(callers), over.Token);
                load.Tally.Take();
                await Task.Delay(TimeSpan.FromSeconds(parsed.GetValue(seconds)), cancel);
                var before = load.Tally.Take();
                await postgres.StopImmediatelyAsync();
                await Task.Delay(TimeSpan.FromSeconds(parsed.GetValue(down)), cancel);
                await postgres.StartServerAsync(cancel);
                var ready = Stopwatch.GetTimestamp();
                var (refused, first, back) = (load.Tally.Take(), (double?)null, (double?)null);
                while (back is null && Stopwatch.GetElapsedTime(ready) < Patience)
                {
                    await Task.Delay(Slice, cancel);
                    var slice = load.Tally.Take();
                    var now = Stopwatch.GetElapsedTime(ready).TotalSeconds;
                    if (slice.Done > 0) first ??= now;
                    if (slice.PerSecond >= before.PerSecond * AsBefore) back = now;
                }
                await over.CancelAsync();
                await publishers;
                returns.Add(back ?? double.PositiveInfinity);
                table.AddRow(Text(round), Text(before.PerSecond), Seconds(first), Seconds(back), Text(refused.PingsRefused + refused.PostsRefused));
            }
            AnsiConsole.Write(table);
            AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Sales are at 95 % of before {Medians.Of(returns):0.0} s after the database answers (median of {returns.Count}; longest {returns.Max():0.0}), looked at each half second."));
            if (intake.FirstFailure is { } failure) AnsiConsole.MarkupLine($"[red]{Markup.Escape(failure)}[/]");
            var clean = await BooksAudit.IsCleanAsync(exchange, cancel);
            return returns.All(double.IsFinite) && intake.FirstFailure is null && clean ? 0 : ExitCodes.Failed;

            static string Text(double number) => number.ToString("#,##0", CultureInfo.InvariantCulture);

            static string Seconds(double? seconds) => seconds is { } some ? some.ToString("0.0", CultureInfo.InvariantCulture) : "-";
        });
        return command;
    }
}
