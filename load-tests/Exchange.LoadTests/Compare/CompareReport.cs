using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Spectre.Console;

namespace Exchange.LoadTests.Compare;

/// <summary>Medians over the rounds; ratios are taken within a round first, so that a slow minute of the machine hits both sides.</summary>
internal static class CompareReport
{
    private const double PingAim = 0.6;
    private const double PairAim = 0.15;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static void Print(IReadOnlyList<CompareRound> rounds, IAnsiConsole console)
    {
        var table = new Table().RoundedBorder().AddColumn("");
        foreach (var column in new[] { "per second", "p50 ms", "p99 ms", "CPU µs each", "of echo", "aim" })
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        Row(table, "bare echo", [.. rounds.Select(round => round.Echo)], 1, null);
        Row(table, "pings", [.. rounds.Select(round => round.Pings)], PingRatio(rounds), PingAim);
        Row(table, "durable pairs", [.. rounds.Select(round => round.Pairs)], PairRatio(rounds), PairAim);
        console.Write(table);
        console.MarkupLine("A pair is a ping and its post, sold and on disk. Ratio: per second over the echo's per second of the same round.");
        foreach (var (round, index) in rounds.Select((round, index) => (round, index + 1)))
        {
            Trouble(console, index, "echo", round.Echo);
            Trouble(console, index, "pings", round.Pings);
            Trouble(console, index, "pairs", round.Pairs);
        }
    }

    public static async Task WriteJsonAsync(CompareOptions options, double eligible, IReadOnlyList<CompareRound> rounds, FileInfo file, CancellationToken cancel)
    {
        var report = new
        {
            Machine = new { Processors = Environment.ProcessorCount, System = RuntimeInformation.OSDescription, Runtime = RuntimeInformation.FrameworkDescription },
            Options = new { options.Concurrency, options.Connections, options.Seconds, options.WarmUpSeconds, options.Rounds, options.Campaigns, options.Seed, EligibleOnAverage = eligible },
            Ratios = new { Pings = PingRatio(rounds), Pairs = PairRatio(rounds) },
            Rounds = rounds.Select(round => new { Echo = Load(round.Echo), Pings = Load(round.Pings), Pairs = Load(round.Pairs) }),
        };
        await using var stream = file.Create();
        await JsonSerializer.SerializeAsync(stream, report, Indented, cancel);
    }

    private static object Load(LoadResult load) => new
    {
        load.PerSecond,
        load.P50Micros,
        load.P99Micros,
        load.CpuMicrosPerRequest,
        load.Done,
        load.NotDone,
        load.Errors,
    };

    private static void Row(Table table, string name, IReadOnlyList<LoadResult> loads, double ratio, double? aim) => table.AddRow(
        name,
        Number(Medians.Of(loads.Select(load => load.PerSecond)), "#,##0"),
        Number(Medians.Of(loads.Select(load => load.P50Micros)) / 1_000, "0.00"),
        Number(Medians.Of(loads.Select(load => load.P99Micros)) / 1_000, "0.00"),
        Number(Medians.Of(loads.Select(load => load.CpuMicrosPerRequest)), "0.0"),
        Number(ratio, "0.00"),
        aim is { } wanted ? Number(wanted, "0.00") : "");

    private static void Trouble(IAnsiConsole console, int round, string name, LoadResult load)
    {
        foreach (var (reason, count) in load.NotDone)
        {
            console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"Round {round}, {name}: {count:#,##0} not offered or not sold, so not counted: {Markup.Escape(reason)}"));
        }

        foreach (var (error, count) in load.Errors)
        {
            console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"[red]Round {round}, {name}: {count:#,##0} errors: {Markup.Escape(error)}[/]"));
        }

        if (load.Done == 0)
        {
            console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"[red]Round {round}, {name}: nothing was done.[/]"));
        }
    }

    private static double PingRatio(IReadOnlyList<CompareRound> rounds) => Medians.Of(rounds.Select(round => Ratio(round.Pings, round.Echo)));

    private static double PairRatio(IReadOnlyList<CompareRound> rounds) => Medians.Of(rounds.Select(round => Ratio(round.Pairs, round.Echo)));

    private static double Ratio(LoadResult load, LoadResult echo) => echo.Done == 0 ? 0 : load.PerSecond / echo.PerSecond;

    private static string Number(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}
