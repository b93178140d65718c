using Exchange.Engine.Caps;
using Exchange.Engine.Tests.Catalog;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Caps;

/// <summary>A stored take knows its limit's id alone; that must say whether the price is what it counts.</summary>
public sealed class LimitIdPriceTests
{
    private const string Caps = """
        [ { "per": "day", "leads": 9 }, { "per": "day", "spend": "9.00" }, { "per": "total", "spend": "99.00", "each": "publisher" }, { "per": "hour", "spend": "9.00", "count": "kept" },
          { "per": "week", "leads": 9, "when": { "field": "state", "is": "CA" } }, { "per": "month", "spend": "99.00", "when": { "field": "state", "is": "CA" } } ]
        """;

    [Fact]
    public void CountsPrice_IsWhetherAnotherPriceTakesAnotherAmount()
    {
        var limits = new[] { "campaigns acme-a caps", "buyers acme caps", "publishers search caps", "ping_trees auto-main caps" }
            .SelectMany(keys => Catalogs.Compile(Catalogs.With(keys, keys.StartsWith("publishers", StringComparison.Ordinal) ? Caps.Replace("\"each\": \"publisher\"", "\"warn_at\": \"90%\"", StringComparison.Ordinal) : Caps)).Model!.Limits).ToList();
        limits.Count(limit => limit is { Kind: LimitKind.Cap, Metric: CapMetric.Spend }).ShouldBeGreaterThan(12);
        foreach (var limit in limits.Where(limit => limit.IsTake))
            LimitNames.CountsPrice(limit.Id).ShouldBe(limit.AmountOf(Money.Parse("9"), Money.Parse("5")) != limit.AmountOf(Money.Parse("8"), Money.Parse("5")), limit.Id);
    }
}
