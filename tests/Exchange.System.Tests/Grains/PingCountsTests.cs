using Exchange.Engine.Caps;
using Exchange.Engine.Values;
using Exchange.Grains.Limits;
using Exchange.Storage;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>Pings and offers: seen at once, written a little later, never counted twice.</summary>
public sealed class PingCountsTests
{
    [Fact]
    public async Task Pings_OfManyAtOnce_NeverTakeMoreThanTheCap()
    {
        var market = new CapMarket(publisherCaps: """{ "per": "day", "pings": 500 }, { "per": "minute", "pings": 700 }, { "per": "day", "pings": 300, "each": "state" }""");
        var counts = new PingCounts(market.Live);
        var publisher = market.Model.Publishers["pub"];
        var taken = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < 200; i++)
                if (counts.TryCountPing(publisher, market.Subject(i % 2 == 0 ? "CA" : "NV"), market.NowMs) is null) Interlocked.Increment(ref taken);
        })));
        taken.ShouldBe(500);
        market.Read(market.Cap("day.pings")).Used.ShouldBe(500);
        market.Read(market.Cap("minute.pings")).Used.ShouldBe(500); // who is refused by one cap is counted by none
        var values = market.Live.ValuesOf(market.Cap("day.pings.by.state"), market.NowMs, 9);
        values.Sum(value => value.Used).ShouldBe(500);
        values.ShouldAllBe(value => value.Used <= 300);
    }

    [Fact]
    public void Ping_BeyondTheCap_IsToldWhichAndWhose()
    {
        var market = new CapMarket(publisherCaps: """{ "per": "minute", "pings": 1, "each": "sub_id" }""");
        var counts = new PingCounts(market.Live);
        var publisher = market.Model.Publishers["pub"];
        counts.TryCountPing(publisher, market.Subject(subId: "kw-1"), market.NowMs).ShouldBeNull();
        counts.TryCountPing(publisher, market.Subject(subId: "kw-2"), market.NowMs).ShouldBeNull();
        var full = counts.TryCountPing(publisher, market.Subject(subId: "KW-1"), market.NowMs).ShouldNotBeNull();
        (full.Reason, full.LimitId, full.Value, full.Limit, full.Used, full.Needed).ShouldBe((Engine.Reason.PublisherCap, "p:pub:pings:minute:UTC:by:sub_id", "kw-1", 1, 1, 1));
        market.Time.Now += TimeSpan.FromMinutes(1);
        counts.TryCountPing(publisher, market.Subject(subId: "kw-1"), market.NowMs).ShouldBeNull();
    }

    [Fact]
    public void CampaignCaps_CountWhoWasAskedAndWhatWasOffered()
    {
        var market = new CapMarket(
            """{ "per": "day", "pings": 9, "when": { "field": "state", "is": "CA" } }, { "per": "day", "offers": 9 }""", buyerCaps: """{ "per": "hour", "offers": 9, "each": "publisher" }""");
        var counts = new PingCounts(market.Live);
        counts.CountAsked(market.Campaign, market.Subject("CA"), market.NowMs);
        counts.CountAsked(market.Campaign, market.Subject("NV"), market.NowMs);
        counts.CountOffer(market.Campaign, market.Subject("NV"), new Money(5), new Money(4), market.NowMs);
        market.Model.Campaigns["one"].Counted.Select(cap => market.Live.ValuesOf(cap, market.NowMs, 9).Sum(value => value.Used) + market.Read(cap).Used).ShouldBe([1, 1, 1]);
        market.Read(market.Cap("hour.offers.by.publisher"), "pub").Used.ShouldBe(1);
    }

    [Fact]
    public async Task Counts_AreWrittenOnce_AndReadRightAllTheWhile()
    {
        var market = new CapMarket("""{ "per": "hour", "offers": 100 }""");
        var (counts, rows) = (new PingCounts(market.Live), new Rows(market));
        var cap = market.Cap("hour.offers");
        for (var round = 0; round < 5; round++)
        {
            Offer(3);
            // Told by the commit before the writer hears of it, and healed by a full read in between.
            rows.Meanwhile = () =>
            {
                market.Read(cap).Used.ShouldBe(3 + round * 5);
                Offer(2);
                rows.Tell();
                market.Read(cap).Used.ShouldBe(5 + round * 5);
            };
            await market.Live.WriteCountsAsync(rows, default);
            rows.Tell();
            market.Read(cap).Used.ShouldBe(5 + round * 5);
        }
        rows.Meanwhile = null;
        await market.Live.WriteCountsAsync(rows, default);
        rows.Sum(cap).ShouldBe(25);
        await market.Live.WriteCountsAsync(rows, default);
        rows.Sum(cap).ShouldBe(25);

        void Offer(int times)
        {
            for (var i = 0; i < times; i++) counts.CountOffer(market.Campaign, market.Subject(), new Money(5), new Money(4), market.NowMs);
        }
    }

    [Fact]
    public async Task Counts_OfAWindowThatEnded_GoToItsRow()
    {
        var market = new CapMarket("""{ "per": "hour", "offers": 100, "each": "state" }""");
        var (counts, rows) = (new PingCounts(market.Live), new Rows(market));
        var cap = market.Cap("hour.offers.by.state");
        Offer("CA");
        market.Time.Now += TimeSpan.FromHours(1);
        Offer("CA");
        rows.Meanwhile = () =>
        {
            market.Time.Now += TimeSpan.FromHours(1);
            Offer("CA");
        };
        await market.Live.WriteCountsAsync(rows, default);
        rows.Meanwhile = null;
        await market.Live.WriteCountsAsync(rows, default);
        rows.All.Select(row => row.Amount).ShouldBe([1, 1, 1]);
        rows.All.Select(row => row.Key).ShouldBe(Enumerable.Range(0, 3).Select(hour => cap.KeyAt(CapMarket.Noon.ToUnixTimeSeconds() + hour * 3600, out _, "CA")), ignoreOrder: true);

        void Offer(string state) => counts.CountOffer(market.Campaign, market.Subject(state), new Money(5), new Money(4), market.NowMs);
    }

    [Theory]
    [InlineData(true, 1)] // surely not written: again
    [InlineData(false, 0)] // nobody knows: rather too little than twice
    public async Task Counts_ThatWereNotWritten_ComeAgainIfThatIsSure(bool busy, int again)
    {
        var market = new CapMarket("""{ "per": "hour", "offers": 100 }""");
        var (counts, rows) = (new PingCounts(market.Live), new Rows(market));
        counts.CountOffer(market.Campaign, market.Subject(), new Money(5), new Money(4), market.NowMs);
        rows.Meanwhile = () => throw (busy ? new StorageBusyException("full") : new StorageFailedException("disk"));
        await Should.ThrowAsync<Exception>(() => market.Live.WriteCountsAsync(rows, default));
        rows.Meanwhile = null;
        await market.Live.WriteCountsAsync(rows, default);
        rows.All.Count.ShouldBe(again);
        market.Read(market.Cap("hour.offers")).Used.ShouldBe(1);
    }

    /// <summary>Rows that add what they are given, and tell it like a commit.</summary>
    private sealed class Rows(CapMarket market) : ILimitCounts
    {
        public List<LimitCount> All { get; } = [];
        public Action? Meanwhile { get; set; }

        public long Sum(LimitModel cap) => All.Where(count => count.LimitId == cap.Id).Sum(count => count.Amount);

        public void Tell() => market.Live.Apply(
            [.. All.GroupBy(count => count.Key).Select(of => new CounterValue(of.Key, of.First().LimitId, 100, of.Sum(count => count.Amount), 0))]);

        public Task AddAsync(IReadOnlyList<LimitCount> counts, CancellationToken cancel)
        {
            Meanwhile?.Invoke();
            All.AddRange(counts);
            Tell();
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<SoldCount>> SoldSinceAsync(long sinceMs, CancellationToken cancel) => Task.FromResult<IReadOnlyList<SoldCount>>([]);
        public Task<IReadOnlyList<KnownPerson>> RecentPersonsAsync(int atMost, CancellationToken cancel) => Task.FromResult<IReadOnlyList<KnownPerson>>([]);
    }
}
