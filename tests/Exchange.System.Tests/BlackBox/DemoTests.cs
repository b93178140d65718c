using System.Globalization;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>What a newcomer runs second: the demo starts a server of its own, sends a stream and ends with tables that add up.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task Demo_OnAServerOfItsOwn_EndsWithTotalsThatAgree()
    {
        var rows = (await LoadTool.TablesAsync(TimeSpan.FromSeconds(120), "demo", "--pings", "60", "--concurrency", "4")).Where(cells => cells.Length >= 2).ToList();
        Number("Pings").ShouldBe(60);
        var (offered, sold) = (Number("Offered"), Number("Sold"));
        offered.ShouldBeInRange(1, 60);
        sold.ShouldBeInRange(1, offered);
        var (revenue, payout, margin) = (Number("Revenue"), Number("Payout"), Number("Margin"));
        revenue.ShouldBe(payout + margin);
        payout.ShouldBeGreaterThan(0);

        // campaign, copies, revenue, payout, margin
        var campaigns = rows.Where(cells => cells.Length == 5 && cells[0] != "Campaign").ToList();
        campaigns.Sum(cells => Parse(cells[2])).ShouldBe(revenue);
        campaigns.Sum(cells => Parse(cells[3])).ShouldBe(payout);
        campaigns.Select(cells => Parse(cells[2])).ShouldBe(campaigns.Select(cells => Parse(cells[3]) + Parse(cells[4])));
        campaigns.Sum(cells => Parse(cells[1])).ShouldBeGreaterThanOrEqualTo(sold);

        decimal Number(string name) => Parse(rows.Single(cells => cells.Length == 2 && cells[0] == name)[1]);
        // "8,123.00 USD", "55  (91.7 %)"
        static decimal Parse(string cell) => decimal.Parse(cell.Split(' ')[0], NumberStyles.Number, CultureInfo.InvariantCulture);
    }
}
