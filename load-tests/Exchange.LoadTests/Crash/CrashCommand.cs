using System.CommandLine;
using System.Globalization;
using Exchange.Engine;
using Spectre.Console;

namespace Exchange.LoadTests.Crash;

internal static class CrashCommand
{
    private const int ViolationsTold = 30;

    public static Command Create()
    {
        var cycles = new Option<int>("--cycles") { Description = "kill -9 at so many random moments.", DefaultValueFactory = _ => 40 }.AtLeast(0);
        var minutes = new Option<int?>("--minutes") { Description = "Go on to what follows the random moments after this time, however many cycles there were." };
        var points = new Option<bool>("--points") { Description = "Then die once at each named fault point as well." };
        var postgres = new Option<bool>("--postgres") { Description = "On a PostgreSQL of the run's own instead of the embedded database." };
        var silos = new Option<int>("--silos") { Description = "Server processes; more than one needs --postgres.", DefaultValueFactory = _ => 1 }.AtLeast(1);
        var seed = new Option<int>("--seed") { Description = "Of the moments, the load and the buyers' minds. Threads and processes are not seeded: the same seed is the same plan, not the same run.", DefaultValueFactory = _ => 1 }.AtLeast(0);
        var workers = new Option<int>("--workers") { Description = "Publishers that ping and post.", DefaultValueFactory = _ => 8 }.AtLeast(1);
        var server = new Option<string?>("--server") { Description = "The server's exchange.dll to start. Default: the one built in this repository." };
        var history = new Option<string?>("--history") { Description = "A file for everything that is known of each post, a line of JSON each. Default: none, and one among the temporary files where anything was wrong." };
        var log = new Option<string?>("--log") { Description = "A file for every request and answer as both ends saw them, a line of JSON each. Default: none; a minute of three publishers makes some ten megabytes." };
        var command = new Command("crash",
            "Kills servers under load, restarts them, and judges afterwards: what was answered, what buyers received and what is stored must be one story. Exit code 0: no violation.")
        {
            cycles, minutes, points, postgres, silos, seed, workers, server, history, log,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(silos) > 1 && !result.GetValue(postgres)) result.AddError("--silos needs --postgres: the embedded database serves one process.");
        });
        command.SetAction(async (parsed, cancel) =>
        {
            var options = new CrashOptions(parsed.GetValue(cycles), parsed.GetValue(minutes) is { } most ? TimeSpan.FromMinutes(most) : TimeSpan.MaxValue, parsed.GetValue(points), parsed.GetValue(postgres), parsed.GetValue(silos), parsed.GetValue(seed), parsed.GetValue(workers), parsed.GetValue(server), parsed.GetValue(history), parsed.GetValue(log));
            var console = AnsiConsole.Console;
            var outcome = await new CrashRun(options, step => console.MarkupLine($"[grey]{Markup.Escape(step)}[/]")).RunAsync(cancel);
            Print(outcome, console);
            return outcome.IsClean ? 0 : ExitCodes.Failed;
        });
        return command;
    }

    private static void Print(CrashOutcome outcome, IAnsiConsole console)
    {
        var posts = outcome.Posts;
        var table = new Table().RoundedBorder().HideHeaders().AddColumn("").AddColumn(new TableColumn("").RightAligned());
        Row("Database", outcome.Options.Postgres ? "PostgreSQL" : "SQLite");
        Row("Processes", Text(outcome.Options.Silos));
        Row("Seed", Text(outcome.Options.Seed));
        Row("Cycles", Text(outcome.Cycles));
        Row("Kills", Text(outcome.Kills));
        if (outcome.Options.Points) Row("Fault points", $"{outcome.Reached} of {FaultPoints.All.Count}");
        Row("Pings", Text(outcome.Pings));
        Row("Posts", Text(posts.Count));
        Row("Sent", Text(posts.Sum(post => post.Sent)));
        Row("Unknown", Text(posts.Sum(post => post.Unknown)));
        Row("Sold", Text(posts.Count(post => post.Final?.Status == "sold")));
        Row("Unsold", Text(posts.Count(post => post.Final?.Status == "unsold")));
        Row("Answers that rose", Text(posts.Count(static post => post.Told.Where(static told => told.Reply.Ended == Ended.Ok).Select(static told => told.Reply.PayoutMicros).Distinct().Count() > 1)));
        Row("Sold of the cap that was raised", string.Create(CultureInfo.InvariantCulture, $"{outcome.AtCap} of {outcome.Cap}"));
        Row("Looks into the books meanwhile", Text(outcome.Looks));
        Row("Payments of the buyer that runs dry", Text(outcome.Payments));
        Row("Pings lost with their server", Text(outcome.LostPingsMs.Count));
        Row("Of them older than 100 ms", Text(outcome.LostPingsMs.Count(static age => age > 100)));
        var oldest = outcome.LostPingsMs.DefaultIfEmpty(0).Max();
        Row("The oldest of them, ms", double.IsFinite(oldest) ? Text((long)oldest) : "its server lived");
        Row("Offers that ran out unposted", Text(posts.Count(static post => post.Refused == "ping_expired")));
        Row("Copies that buyers' servers saw", Text(outcome.Received));
        Row("Copies sent again", Text(outcome.Repeats));
        Row("Postbacks that the publisher's server saw", Text(outcome.Told));
        Row("Persons who were forgotten", Text(outcome.Forgotten));
        Row("Doubts ended by the operator", Text(outcome.Resolved));
        Row("Of them in the end", Text(outcome.Settled));
        Row("Ready after, median ms", outcome.ReadyMs.Count == 0 ? "-" : Text((long)Medians.Of(outcome.ReadyMs)));
        Row("Ready after, longest ms", outcome.ReadyMs.Count == 0 ? "-" : Text((long)outcome.ReadyMs.Max()));
        foreach (var kind in Judge.Kinds) Row(char.ToUpperInvariant(kind[0]) + kind[1..], Text(outcome.Violations.Count(violation => violation.Kind == kind)));
        Row("Audits", Text(outcome.Audits));
        Row("Audit", outcome.Audit == CrashOutcome.Clean ? outcome.Audit : "findings");
        Row("Took, s", Text((long)outcome.Took.TotalSeconds));
        console.Write(table);
        foreach (var missed in outcome.Missed) console.MarkupLine($"[red]never passed: {missed}[/]");
        foreach (var violation in outcome.Violations.Take(ViolationsTold)) console.MarkupLine($"[red]{violation.Kind}: {Markup.Escape(violation.What)}[/]");
        if (outcome.Audit != CrashOutcome.Clean) console.WriteLine(outcome.Audit);

        void Row(string name, string value) => table.AddRow(name, value);
    }

    private static string Text(long number) => number.ToString("#,##0", CultureInfo.InvariantCulture);
}
