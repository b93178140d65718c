using Exchange.Engine.Caps;
using Exchange.Grains.Limits;
using Exchange.Storage;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class CapAlertsTests
{
    [Fact]
    public async Task Alert_IsRaisedOncePerWindowAndLevel()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 10, "soft": true, "warn_at": "80%" }""");
        await market.Live.LoadAsync(new NoRows(), market.NowMs, default);
        var cap = market.Cap("day.leads");
        foreach (var used in (long[])[7, 8, 9, 10, 11, 12]) market.Hear(cap, used);
        market.Hear(cap, used: 7); // a void takes back; it was told
        market.Hear(cap, used: 9);
        Told(market).ShouldBe([(AlertLevel.Warned, 8, 10, null), (AlertLevel.Reached, 10, 10, null)]);
        market.Alerts.Newest(9).Select(alert => alert.Level).ShouldBe([AlertLevel.Reached, AlertLevel.Warned]);
        market.Live.Report(cap, market.NowMs).Told.ShouldBe(AlertLevel.Warned | AlertLevel.Reached);
        market.Time.Now += TimeSpan.FromDays(1);
        market.Live.Report(cap, market.NowMs).Told.ShouldBe(AlertLevel.None);
        market.Hear(cap, used: 8);
        Told(market).ShouldBe([(AlertLevel.Warned, 8, 10, null)]);
        market.Alerts.Sums.ShouldBe([new((CapScope.Campaign, AlertLevel.Warned), 2), new((CapScope.Campaign, AlertLevel.Reached), 1)], ignoreOrder: true);
    }

    [Fact]
    public async Task Alert_IsRaisedForEachValue_AndByWhatIsCounted()
    {
        var market = new CapMarket("""{ "per": "day", "offers": 2, "each": "state", "warn_at": "100%" }""");
        await market.Live.LoadAsync(new NoRows(), market.NowMs, default);
        var counts = new PingCounts(market.Live);
        foreach (var state in (string[])["CA", "NV", "CA", "CA", "NV"]) counts.CountOffer(market.Campaign, market.Subject(state), new(5), new(4), market.NowMs);
        Told(market).ShouldBe([(AlertLevel.Warned, 2, 2, "CA"), (AlertLevel.Warned, 2, 2, "NV")]);
    }

    [Fact]
    public async Task Alert_AfterTheCapWasLowered_IsRaisedAtOnce()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 100, "warn_at": "80%" }""");
        await market.Live.LoadAsync(new NoRows(), market.NowMs, default);
        market.Hear(market.Cap("day.leads"), used: 9);
        Told(market).ShouldBeEmpty();
        market.Apply("""{ "per": "day", "leads": 10, "warn_at": "80%" }""");
        Told(market).ShouldBe([(AlertLevel.Warned, 9, 10, null)]);
    }

    [Fact]
    public void Alert_ThatStoodWhenTheProcessStarted_IsListedAndNotToldAgain()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 10, "soft": true }""");
        market.Hear(market.Cap("day.leads"), used: 12);
        market.Alerts.Newest(9).ShouldHaveSingleItem().Used.ShouldBe(12);
        Told(market).ShouldBeEmpty();
        market.Alerts.Sums.ShouldBeEmpty();
    }

    private static List<(AlertLevel, long, long, string?)> Told(CapMarket market)
    {
        var told = new List<(AlertLevel, long, long, string?)>();
        while (market.Alerts.TryTell(out var alert)) told.Add((alert.Level, alert.Used, alert.Max, alert.Value));
        return told;
    }
}

/// <summary>A store in which nothing was ever sold.</summary>
internal sealed class NoRows : ILimitCounts
{
    public Task AddAsync(IReadOnlyList<LimitCount> counts, CancellationToken cancel) => Task.CompletedTask;
    public Task<IReadOnlyList<SoldCount>> SoldSinceAsync(long sinceMs, CancellationToken cancel) => Task.FromResult<IReadOnlyList<SoldCount>>([]);
    public Task<IReadOnlyList<KnownPerson>> RecentPersonsAsync(int atMost, CancellationToken cancel) => Task.FromResult<IReadOnlyList<KnownPerson>>([]);
}
