using Exchange.Engine.Caps;
using Exchange.Engine.Values;
using Exchange.Grains.Limits;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>
/// A day of pings under a paced cap: uneven traffic, offers of which only some are posted, minutes later. Never over the cap, full by the end where
/// demand suffices, and no hour more than its share of what was left when it began.
/// </summary>
public sealed class PacingSimulationTests
{
    private static readonly DateTimeOffset Midnight = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Pings an hour: a working day, with a flood at noon.</summary>
    private static readonly int[] Day = [40, 20, 10, 10, 20, 60, 200, 500, 900, 1_200, 1_500, 1_800, 9_000, 1_500, 1_200, 1_200, 1_100, 1_000, 900, 700, 500, 300, 150, 80];

    [Theory]
    // leads a day | open | posted of a hundred offers | sold at least
    [InlineData(240, null, 100, 239)]
    [InlineData(240, null, 30, 236)]
    [InlineData(100, null, 5, 85)] // the last hours bring too few offers for what is left of them
    [InlineData(7, null, 100, 7)]
    [InlineData(200, "08:00-18:00", 100, 199)]
    [InlineData(200, "08:00-18:00", 10, 196)]
    [InlineData(60, "06:00-12:30", 50, 59)]
    public void Day_OfUnevenTraffic_IsFilledEvenly(int leads, string? open, int posted, int least)
    {
        var day = Run(new CapMarket($$"""{ "per": "day", "leads": {{leads}}, "pace": "even" }""", open: open), Day, posted, seed: leads + posted);
        day.Sold.ShouldBeLessThanOrEqualTo(leads);
        day.Sold.ShouldBeGreaterThanOrEqualTo(least);
        foreach (var hour in day.Hours) ((double)hour.Sold).ShouldBeLessThanOrEqualTo(hour.Share + Bound(hour.Share, posted), $"{hour}");
    }

    [Fact]
    public void Hours_InWhichNobodyCame_AreMadeUpForEvenly()
    {
        int[] traffic = [.. Enumerable.Range(0, 24).Select(hour => hour < 12 ? 0 : 600)];
        var day = Run(new CapMarket("""{ "per": "day", "leads": 240, "pace": "even" }"""), traffic, 100, seed: 5);
        day.Sold.ShouldBeInRange(239, 240);
        day.Hours.Skip(12).ShouldAllBe(hour => hour.Sold >= 19 && hour.Sold <= 21);
    }

    [Fact]
    public void Demand_ThatDoesNotSuffice_IsTakenAlmostWhole()
    {
        // 10 pings an hour against 20 places an hour: a place is lost only where two come at once.
        var day = Run(new CapMarket("""{ "per": "day", "leads": 480, "pace": "even" }"""), [.. Enumerable.Repeat(10, 24)], 100, seed: 9);
        day.Sold.ShouldBeGreaterThan(day.Pings / 2);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(20)]
    public void Spend_OfUnevenPrices_IsSpreadByMoney(int posted)
    {
        var day = Run(new CapMarket("""{ "per": "day", "spend": "2400.00", "pace": "even" }"""), Day, posted, seed: 3, price: random => 5_000_000 + random.Next(16) * 1_000_000L);
        day.Sold.ShouldBeInRange(2_340_000_000, 2_400_000_000);
        foreach (var hour in day.Hours) ((double)hour.Sold).ShouldBeLessThanOrEqualTo(hour.Share + 20_000_000 + (posted == 100 ? 20_000_000 : hour.Share), $"{hour}");
    }

    [Fact]
    public void CapRaisedInAPause_IsFeltAtOnce_AndLoweredSlowsDown()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 2, "pace": "even" }""");
        var counts = new PingCounts(market.Live);
        counts.CountOffer(market.Campaign, market.Subject(), new Money(5), new Money(4), market.NowMs);
        Wait(market).ShouldBe(TimeSpan.FromHours(6)); // twelve hours left, two places
        market.Apply("""{ "per": "day", "leads": 200, "pace": "even" }""");
        Wait(market).ShouldBe(TimeSpan.FromMinutes(3.6));
        market.Time.Now += TimeSpan.FromMinutes(4);
        Wait(market).ShouldBe(TimeSpan.Zero);
        market.Apply("""{ "per": "day", "leads": 1, "pace": "even" }""");
        counts.CountOffer(market.Campaign, market.Subject(), new Money(5), new Money(4), market.NowMs);
        Wait(market).ShouldBeGreaterThan(TimeSpan.FromHours(5));
    }

    [Fact]
    public void Values_ArePacedForThemselves()
    {
        var market = new CapMarket("""{ "per": "day", "leads": 24, "pace": "even", "each": "state" }""");
        new PingCounts(market.Live).CountOffer(market.Campaign, market.Subject("CA"), new Money(5), new Money(4), market.NowMs);
        Wait(market, "CA").ShouldBe(TimeSpan.FromMinutes(30));
        Wait(market, "NV").ShouldBe(TimeSpan.Zero);
        var state = market.Live.Report(market.Cap("day.leads.by.state"), market.NowMs, "CA").Pace.ShouldNotBeNull();
        (state.EveryMs, state.NextMs - market.NowMs, state.TurnedAway).ShouldBe((1_800_000, 1_800_000, Pacing.One));
    }

    private static TimeSpan Wait(CapMarket market, string? value = null)
    {
        var until = market.Live.PacedUntilMs(market.Campaign.Takes.Single(limit => limit.Paced), value, market.NowMs);
        return TimeSpan.FromMilliseconds(Math.Max(0, until - market.NowMs));
    }

    /// <summary>Whoever is posted for sure comes on time; else chance has its part: three times the spread of so many draws, and the first guess.</summary>
    private static double Bound(double share, int posted) => posted == 100 ? 2 : 3 * Math.Sqrt(share) + 3;

    private sealed record Hour(int Of, long Sold, double Share);

    private sealed record Outcome(long Sold, int Pings, List<Hour> Hours);

    private static Outcome Run(CapMarket market, int[] traffic, int posted, int seed, Func<Random, long>? price = null)
    {
        var (random, counts, cap) = (new Random(seed), new PingCounts(market.Live), market.Campaign.Takes.Single(limit => limit.Paced));
        var posts = new PriorityQueue<long, long>();
        var (hours, sold, pings) = (new List<Hour>(), 0L, 0);
        var stretches = Pacing.OpenStretches(Pacing.SchedulesOf(cap, market.Model), new Window(Midnight.ToUnixTimeSeconds(), Midnight.ToUnixTimeSeconds() + 86_400));
        for (var hour = 0; hour < 24; hour++)
        {
            var start = Midnight.AddHours(hour).ToUnixTimeMilliseconds();
            var (before, open) = (sold, Pacing.OpenLeftMs(stretches, start));
            var share = open == 0 ? 0 : (double)(cap.Limit - sold) * (open - Pacing.OpenLeftMs(stretches, start + 3_600_000)) / open;
            foreach (var at in Enumerable.Range(0, traffic[hour]).Select(_ => start + random.Next(3_600_000)).Order())
            {
                Post(at);
                pings++;
                market.Time.Now = DateTimeOffset.FromUnixTimeMilliseconds(at);
                if (market.Campaign.Schedule?.IsOpen(market.Time.Now) == false) continue;
                var amount = price?.Invoke(random) ?? 1;
                if (market.Read(cap).Left < amount || market.Live.PacedUntilMs(cap, null, at) > at) continue;
                counts.CountOffer(market.Campaign, market.Subject(), new Money(price is null ? 5 : amount), new Money(4), at);
                if (random.Next(100) < posted) posts.Enqueue(amount, at + random.Next(posted == 100 ? 1_000 : 180_000));
            }
            Post(start + 3_600_000);
            hours.Add(new(hour, sold - before, share));
        }
        return new(sold, pings, hours);

        void Post(long until)
        {
            while (posts.TryPeek(out var amount, out var at) && at <= until)
            {
                posts.Dequeue();
                // The row is the fence.
                if (sold + amount > cap.Limit) continue;
                sold += amount;
                market.Hear(cap, sold, at: Midnight.ToUnixTimeSeconds());
            }
        }
    }
}
