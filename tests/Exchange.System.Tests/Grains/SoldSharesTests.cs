using CsCheck;
using Exchange.Engine;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Storage;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>What even tiers sold within their look-back, and that even is even.</summary>
public sealed class SoldSharesTests
{
    private const string Even = "\"method\": \"even\", \"over\": \"24h\"";
    private static readonly string[] Ids = ["one", "two", "three"];

    [Fact]
    public void Copies_CountWhileTheyAreInTheLookBack_AndNotWhenVoided()
    {
        var market = new CapMarket(tier: "\"method\": \"even\", \"over\": \"8h\"");
        var at = market.NowMs;
        Sell(market, "one", at);
        Sell(market, "one", at + 60_000);
        Sell(market, "two", at);
        Of(market, at + 60_000).ShouldBe([2, 1, 0]);
        Sell(market, "one", at, count: -1); // a void takes back the copy where it was counted
        Of(market, at + 60_000).ShouldBe([1, 1, 0]);
        // 8 h in steps of a minute: a step falls out as a whole.
        Of(market, at + 8 * 3_600_000 - 1).ShouldBe([1, 1, 0]);
        Of(market, at + 8 * 3_600_000).ShouldBe([1, 0, 0]);
        Of(market, at + 8 * 3_600_000 + 60_000).ShouldBe([0, 0, 0]);
        Sell(market, "two", at); // too late to matter
        Of(market, at + 8 * 3_600_000 + 60_000).ShouldBe([0, 0, 0]);
    }

    [Fact]
    public void Counts_OfRandomSalesAndVoids_AreThoseOfANaiveList() =>
        Gen.Select(Gen.Int[1, 200], Gen.Select(Gen.Int[0, 2], Gen.Long[0, 400_000], Gen.Bool, Gen.Long[0, 3_000_000]).List[1, 120]).Sample((minutes, moves) =>
        {
            var market = new CapMarket(tier: $"\"method\": \"percent\", \"over\": \"{minutes}m\"");
            var over = minutes * 60_000L;
            var step = Math.Max(1, (over + 479_999) / 480_000) * 1000;
            var now = market.NowMs;
            var list = new List<(int Of, long At)>();
            foreach (var (of, ahead, sells, back) in moves)
            {
                now += ahead;
                var voided = sells ? -1 : list.FindIndex(copy => copy.Of == of);
                if (voided >= 0)
                {
                    Sell(market, Ids[of], list[voided].At, count: -1);
                    list.RemoveAt(voided);
                }
                else
                {
                    var at = now - back % (over * 2);
                    Sell(market, Ids[of], at);
                    list.Add((of, at));
                }
                var steps = (over + step - 1) / step;
                Of(market, now).ShouldBe([.. Ids.Select((_, index) => (long)list.Count(copy => copy.Of == index && copy.At / step > now / step - steps))]);
            }
        }, iter: 200);

    [Fact]
    public async Task Tier_ThatIsNew_CountsWhatWasSoldBefore_ReadAgainWhereSomethingWasSoldMeanwhile()
    {
        var market = new CapMarket(tier: Even);
        var store = new Sold { Rows = [new("main/market", "one", market.NowMs - 5_000, 3), new("main/market", "two", market.NowMs - 90_000_000, 9), new("other/market", "two", market.NowMs, 9)] };
        store.Meanwhile = () =>
        {
            // It is told, and it is in the rows.
            store.Meanwhile = null;
            Sell(market, "three", market.NowMs);
            store.Rows.Add(new("main/market", "three", market.NowMs / 1000 * 1000, 1));
        };
        await market.Live.LoadAsync(store, market.NowMs, default);
        store.Reads.ShouldBe(2);
        Of(market, market.NowMs).ShouldBe([3, 0, 1]);
        await market.Live.LoadAsync(store, market.NowMs, default);
        store.Reads.ShouldBe(2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Even_LeadByLead_StraysByAtMostOne(int seed)
    {
        var market = new CapMarket(tier: Even);
        var (random, rotations, sold) = (new Random(seed), new TierRotations(), new int[3]);
        for (var lead = 0; lead < 400; lead++)
        {
            market.Time.Now += TimeSpan.FromMilliseconds(random.Next(120_000));
            var outcome = PingWalk.Run(market.Model, Ping(market, (ulong)random.NextInt64()), market.Live, rotations);
            outcome.Outcome.ShouldBe(Reason.None);
            var campaign = outcome.Bids[outcome.Offers[0].BidIndex].Campaign;
            // One sale in ten falls through: taken back, it counts no more.
            Sell(market, campaign, market.NowMs);
            if (random.Next(10) == 0) Sell(market, campaign, market.NowMs, count: -1);
            else sold[Array.IndexOf(Ids, campaign)]++;
            (sold.Max() - sold.Min()).ShouldBeLessThanOrEqualTo(1);
        }
    }

    [Fact]
    public void Even_WhenOneWasAwayForAWhile_GivesHimWhatTheOthersHadInTheLookBack()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 1000 }""", tier: Even);
        for (var lead = 0; lead < 10; lead++) Sell(market, lead % 2 == 0 ? "two" : "three", market.NowMs + lead);
        market.Time.Now += TimeSpan.FromMinutes(10);
        for (var lead = 0; lead < 5; lead++)
        {
            var outcome = PingWalk.Run(market.Model, Ping(market, (ulong)lead), market.Live, new TierRotations());
            outcome.Bids[outcome.Offers[0].BidIndex].Campaign.ShouldBe("one");
            Sell(market, "one", market.NowMs);
        }
        Of(market, market.NowMs).ShouldBe([5, 5, 5]);
    }

    private static PingInput Ping(CapMarket market, ulong seed) => new()
    {
        Publisher = "pub", Vertical = "auto", Values = [default, default], Now = market.Time.Now, Seed = seed, MinPayout = Money.Zero,
    };

    private static void Sell(CapMarket market, string campaign, long atMs, int count = 1) => market.Live.Apply(new SoldNews([new("main/market", campaign, atMs, count)], []));

    private static long[] Of(CapMarket market, long nowMs)
    {
        var tier = market.Model.Trees["main"].Tiers[0];
        return [.. Ids.Select(id => market.Live.SoldBy(tier, market.Model.Campaigns[id], nowMs))];
    }

    private sealed class Sold : ILimitCounts
    {
        public List<SoldCount> Rows { get; init; } = [];
        public Action? Meanwhile { get; set; }
        public int Reads { get; private set; }

        public Task AddAsync(IReadOnlyList<LimitCount> counts, CancellationToken cancel) => Task.CompletedTask;

        public Task<IReadOnlyList<SoldCount>> SoldSinceAsync(long sinceMs, CancellationToken cancel)
        {
            Reads++;
            Meanwhile?.Invoke();
            return Task.FromResult<IReadOnlyList<SoldCount>>([.. Rows.Where(row => row.AtMs >= sinceMs)]);
        }

        public Task<IReadOnlyList<KnownPerson>> RecentPersonsAsync(int atMost, CancellationToken cancel) => Task.FromResult<IReadOnlyList<KnownPerson>>([]);
    }
}
