using System.Globalization;
using Exchange.LoadTests.Compare;
using Spectre.Console;

namespace Exchange.LoadTests.Live;

/// <param name="Floor">The bare handler.</param>
/// <param name="Fast">The exchange with bidders that answer at once.</param>
/// <param name="SlowFloor">The bare handler with bidders that think.</param>
/// <param name="Slow">The exchange with bidders that think.</param>
/// <param name="Beside">The same while other pings' bidders hang.</param>
internal sealed record LiveRound(LoadResult Floor, LoadResult Fast, LoadResult SlowFloor, LoadResult Slow, LoadResult Beside)
{
    public IEnumerable<LoadResult> All => [Floor, Fast, SlowFloor, Slow, Beside];
}

internal static class LiveReport
{
    public static void Print(IReadOnlyList<LiveRound> rounds, int bidders, int thinkMs, IAnsiConsole console)
    {
        var table = new Table().RoundedBorder().AddColumn("auctions");
        foreach (var column in new[] { "per second", "p50 ms", "p99 ms", "processor µs" }) table.AddColumn(new TableColumn(column).RightAligned());
        Row("bare handler, bidders that answer at once", round => round.Floor);
        Row("exchange, bidders that answer at once", round => round.Fast);
        Row(string.Create(CultureInfo.InvariantCulture, $"bare handler, bidders that take {thinkMs} ms"), round => round.SlowFloor);
        Row(string.Create(CultureInfo.InvariantCulture, $"exchange, bidders that take {thinkMs} ms"), round => round.Slow);
        Row("the same, while other pings' bidders hang", round => round.Beside);
        console.Write(table);
        var ratio = Medians.Of(rounds.Select(round => round.Fast.PerSecond / Math.Max(1, round.Floor.PerSecond)));
        var bare = Medians.Of(rounds.Select(round => round.SlowFloor.P99Micros / 1_000 - thinkMs));
        var over = Medians.Of(rounds.Select(round => round.Slow.P99Micros / 1_000 - thinkMs));
        var added = Medians.Of(rounds.Select(round => (round.Beside.P99Micros - round.Slow.P99Micros) / 1_000));
        console.MarkupLine(string.Create(CultureInfo.InvariantCulture,
            $"Medians of {rounds.Count} rounds, {bidders} bidders each. The exchange makes {ratio:0.00} of the bare handler's auctions; its p99 is {over:0.0} ms over the slow bidders' own time, the bare handler's {bare:0.0} ms; hanging bidders of other pings add {added:0.0} ms to it."));
        foreach (var (what, number) in rounds.SelectMany(round => round.All).SelectMany(load => load.Errors.Concat(load.NotDone)))
            console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"[red]{number:#,##0}: {Markup.Escape(what)}[/]"));

        void Row(string name, Func<LiveRound, LoadResult> of) => table.AddRow(name,
            Medians.Of(rounds.Select(round => of(round).PerSecond)).ToString("#,##0", CultureInfo.InvariantCulture),
            Milliseconds(rounds.Select(round => of(round).P50Micros)), Milliseconds(rounds.Select(round => of(round).P99Micros)),
            Medians.Of(rounds.Select(round => of(round).CpuMicrosPerRequest)).ToString("#,##0", CultureInfo.InvariantCulture));
    }

    private static string Milliseconds(IEnumerable<double> micros) => (Medians.Of(micros) / 1_000).ToString("0.0", CultureInfo.InvariantCulture);
}
