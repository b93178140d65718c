using System.Globalization;
using Exchange.System.Tests.BlackBox;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>
/// Two real processes, each with a journal of its own, on the same ten campaigns of one PostgreSQL (<c>load-tests/Exchange.LoadTests -- journal-together</c>, which exits 0
/// only if every table adds up to what was sold, and nothing deadlocked): nothing but the database stands between them.
/// </summary>
[Collection(AloneCollection.Name)]
public sealed class PostgresJournalProcessTests
{
    [Fact]
    public async Task TwoProcesses_TenHotCampaigns_SellExactlyTheCaps_AndTryNothingAgain()
    {
        var rows = await RunAsync("--sales", "3000", "--cap", "200", "--seconds", "120");
        (rows["Sold"], rows["Refused"], rows["Campaigns at their cap"], rows["Retries"]).ShouldBe((2_000, 4_000, 10, 0));
    }

    /// <summary>How long the other waits is recorded in docs/RELIABILITY.md: no test is timed.</summary>
    [Fact]
    public async Task OneProcess_StoppedNowAndThen_TheOtherSellsOnAndAllIsExact()
    {
        var rows = await RunAsync("--seconds", "14", "--stop");
        rows["Stops of one process"].ShouldBeGreaterThanOrEqualTo(1);
        rows["Sold by it"].ShouldBeInRange(1, rows["Sold"] - 1);
    }

    private static async Task<Dictionary<string, int>> RunAsync(params string[] arguments)
    {
        var tables = await LoadTool.TablesAsync(TimeSpan.FromMinutes(4), ["journal-together", .. arguments]);
        return tables.Where(static cells => cells.Length == 2 && cells[0] != "Not exact").ToDictionary(static cells => cells[0], static cells => int.Parse(cells[1], NumberStyles.AllowThousands, CultureInfo.InvariantCulture));
    }
}
