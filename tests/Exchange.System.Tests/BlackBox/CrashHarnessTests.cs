using System.Globalization;
using Exchange.Engine;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// The crash harness (<c>load-tests/Exchange.LoadTests -- crash</c>) for as long as a test run has time. It kills real servers under load and exits 0
/// only if what was answered, what buyers received and what is stored are one story. I1 to I5, I10 to I12, I16, I17.
/// </summary>
public sealed class CrashHarnessTests
{
    [Theory]
    // Few publishers: more would take the processor from the servers that start, and from the tests beside this one.
    [InlineData("--cycles", "16", "--points", "--seed", "1", "--workers", "3")]
    public async Task Killed_AtRandomMomentsAndAtEachFaultPoint_LosesNothingAndSellsNothingTwice(params string[] arguments)
    {
        var tables = await LoadTool.TablesAsync(TimeSpan.FromMinutes(15), ["crash", "--server", ExchangeProcess.ServerDll(), .. arguments]);
        var rows = tables.Where(cells => cells.Length == 2).ToDictionary(cells => cells[0], cells => cells[1]);
        rows["Fault points"].ShouldBe(string.Create(CultureInfo.InvariantCulture, $"{FaultPoints.All.Count} of {FaultPoints.All.Count}"));
        // Before a fault point is armed its server is killed once more, and then dies at it.
        Number("Kills").ShouldBe(Number("Cycles") + 2 * FaultPoints.All.Count);
        rows["Audit"].ShouldBe("clean");
        foreach (var kind in (string[])["Acknowledged sales lost", "Sold twice", "Caps broken", "Answers differ", "Deliveries lost", "Not settled", "Returns lost", "Copies differ", "Postbacks lost"])
            Number(kind).ShouldBe(0, kind);
        // A run in which nothing was sold, cut off or sent again would prove nothing.
        foreach (var load in (string[])["Sold", "Unknown", "Copies that buyers' servers saw", "Copies sent again", "Postbacks that the publisher's server saw"]) Number(load).ShouldBeGreaterThan(0, load);

        int Number(string name) => int.Parse(rows[name], NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
    }
}
