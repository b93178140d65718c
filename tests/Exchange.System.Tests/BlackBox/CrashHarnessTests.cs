using System.Globalization;
using System.Text.Json.Nodes;
using Exchange.Engine;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// The crash harness (<c>load-tests/Exchange.LoadTests -- crash</c>) for as long as a test run has time. It kills real servers under load and exits 0
/// only if what was answered, what buyers received and what is stored are one story. I1 to I5, I10 to I12, I16, I17, I25.
/// </summary>
public sealed class CrashHarnessTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("exchange-wire-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Few publishers: more would take the processor from the servers that start, and from the tests beside this one.
    private static readonly string[] Always = ["--cycles", "200", "--workers", "3"];

    [Fact]
    public async Task Killed_AtRandomMomentsAndAtEachFaultPoint_LosesNothingAndSellsNothingTwice()
    {
        var log = Path.Combine(folder, "wire.jsonl");
        var run = await RunAsync("--minutes", "1", "--points", "--seed", "1", "--log", log);
        run["Fault points"].ShouldBe(string.Create(CultureInfo.InvariantCulture, $"{FaultPoints.All.Count} of {FaultPoints.All.Count}"));
        // Before the first fault point is armed the server is killed once more.
        Number(run, "Kills").ShouldBe(Number(run, "Cycles") + FaultPoints.All.Count + 1);
        // Both ends' words are there, whole.
        var lines = (await File.ReadAllLinesAsync(log)).Select(static line => JsonNode.Parse(line)!).ToLookup(static line => line.Text("end")!);
        lines["publisher"].Count(static line => line.Text("what")!.StartsWith("sent", StringComparison.Ordinal) && line.Text("text")!.Contains('@')).ShouldBeGreaterThanOrEqualTo(Number(run, "Sent"));
        lines.Where(static end => end.Key.StartsWith("server of", StringComparison.Ordinal)).SelectMany(static end => end).Where(static line => line.Text("what")!.StartsWith("got POST", StringComparison.Ordinal))
            .Select(static line => JsonNode.Parse(line.Text("text")!)!.Text("copy_id")).Distinct().Count().ShouldBe(Number(run, "Copies that buyers' servers saw"));
    }

    [Fact]
    public async Task ThreeServersOnPostgres_KilledAtRandomMoments_LoseNothingAndSellNothingTwice()
    {
        var run = await RunAsync("--minutes", "1", "--postgres", "--silos", "3", "--seed", "2");
        Number(run, "Kills").ShouldBe(Number(run, "Cycles"));
    }

    /// <summary>A run without a violation, as its table.</summary>
    private static async Task<Dictionary<string, string>> RunAsync(params string[] arguments)
    {
        var tables = await LoadTool.TablesAsync(TimeSpan.FromMinutes(15), ["crash", "--server", ExchangeProcess.ServerDll(), .. Always, .. arguments]);
        var rows = tables.Where(cells => cells.Length == 2).ToDictionary(cells => cells[0], cells => cells[1]);
        rows["Audit"].ShouldBe("clean");
        foreach (var kind in (string[])["Acknowledged sales lost", "Sold twice", "Caps broken", "Answers differ", "Deliveries lost", "Not settled", "Returns lost", "Copies differ", "Postbacks lost", "Erasures undone", "Offers lost", "Sent again after they arrived"])
            Number(rows, kind).ShouldBe(0, kind);
        // A run in which nothing was sold, cut off, sent again or forgotten would prove nothing.
        foreach (var load in (string[])["Cycles", "Sold", "Unknown", "Copies that buyers' servers saw", "Copies sent again", "Postbacks that the publisher's server saw", "Persons who were forgotten", "Doubts ended by the operator", "Payments of the buyer that runs dry"])
            Number(rows, load).ShouldBeGreaterThan(0, load);
        // The last one is when all load has ended.
        Number(rows, "Looks into the books meanwhile").ShouldBeGreaterThan(1);
        return rows;
    }

    private static int Number(Dictionary<string, string> rows, string name) => int.Parse(rows[name], NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
}
