using CsCheck;
using Exchange.Engine.Catalog;
using Exchange.Engine.Explanations;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Schedules;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Explanations;

public class ExplainerTests
{
    [Theory]
    //          why             verdict           reason                      what would have sold it
    [InlineData("paused",       Verdict.Excluded, Reason.CampaignPaused,      "the campaign active")]
    [InlineData("buyer paused", Verdict.Excluded, Reason.BuyerPaused,         "the buyer active")]
    [InlineData("state",        Verdict.Excluded, Reason.Filter,              "state is NY (value CA)")]
    [InlineData("schedule",     Verdict.Excluded, Reason.ScheduleClosed,      "opens 2026-11-23 08:00 America/New_York")]
    [InlineData("cap",          Verdict.Excluded, Reason.CapDay,              "1 more place in day.leads, which resets 2026-11-24 00:00 UTC")]
    [InlineData("balance",      Verdict.Excluded, Reason.Balance,             "0.01 more funds of buyer a")]
    [InlineData("seller",       Verdict.Excluded, Reason.SoldElsewhere,       "not sold to this seller elsewhere")]
    [InlineData("copies",       Verdict.Excluded, Reason.SharingMismatch,     "a shared bid")]
    [InlineData("no bid",       Verdict.Declined, Reason.NoBid,               "a price for this lead")]
    [InlineData("floor",        Verdict.Lost,     Reason.BelowFloor,          "bid +0.60")]
    [InlineData("outbid",       Verdict.Lost,     Reason.Outbid,              "bid +0.51")]
    [InlineData("later tier",   Verdict.Lost,     Reason.TierFilled,          "no copy sold by an earlier tier")]
    public void Campaign_DidNotBuy_ToldWhyAndWhatWouldHaveSoldIt(string why, Verdict verdict, Reason reason, string text)
    {
        IReadOnlyList<OpenHours> eight = [new(480, 1110)];
        var a = new Wants("a", "11.40");
        a = why switch
        {
            "paused" => a with { Paused = true },
            "buyer paused" => a with { BuyerPaused = true },
            "state" => a with { State = "NY" },
            "schedule" => a with { Schedule = new Schedule(TimeZoneInfo.FindSystemTimeZoneById("America/New_York"), [eight, eight, eight, eight, eight, [], []], [], null, null) },
            "cap" => a with { DayLeads = 100 },
            "balance" => a with { Balance = "11.39" },
            "seller" => a with { Seller = "A Ltd" },
            "no bid" => a with { Bid = null },
            _ => a,
        };
        var ping = Market.Ping() with
        {
            SoldElsewhereSellers = why == "seller" ? ["A Ltd"] : [], SoldElsewhereCopies = why == "copies" ? 1 : 0,
        };
        var first = why == "later tier" ? new Tier(TierMethod.Priority, "b") : new Tier(TierMethod.Auction, "a", "b") { Floor = why == "floor" ? "12.00" : null };
        var market = new Market
        {
            Campaigns = [a, new("b", why is "outbid" or "later tier" ? "11.90" : null)], Tiers = why == "later tier" ? [first, new(TierMethod.Auction, "a")] : [first],
        };
        market.Used["c:a:leads:day"] = 100;
        var told = Explainer.Explain(market.Model, Market.Record(ping, market.Run(ping))).Campaigns.Single(campaign => campaign.Campaign == "a");
        (told.Verdict, told.Reason, told.Text).ShouldBe((verdict, reason, text));
        if (why == "cap") told.Limit.ShouldBe(new LimitNumbers("c:a:leads:day", 100, 100, 0, 1, false, "UTC")
        {
            Name = "day.leads", ResetsAt = new DateTimeOffset(2026, 11, 24, 0, 0, 0, TimeSpan.Zero),
        });
        if (why == "floor") (told.Bid, told.Floor).ShouldBe((Money.Parse("11.40"), Money.Parse("12.00")));
    }

    [Fact]
    public void Winner_SecondPrice_ToldThePriceRulesSum()
    {
        var market = new Market
        {
            Campaigns = [new("acme", "12.50"), new("best-auto", "11.00")],
            Tiers = [new(TierMethod.Auction, "acme", "best-auto") { Pricing = TierPricing.SecondPrice, Floor = "5.00" }],
        };
        var told = Explainer.Explain(market.Model, Market.Record(Market.Ping(), market.Run())).Campaigns[0];
        (told.Verdict, told.Price, told.Payout).ShouldBe((Verdict.Won, Money.Parse("11.00"), Money.Parse("8.80")));
        told.Text.ShouldBe("the highest of the next exclusive bid 11.00, the floor 5.00: 11.00 of 12.50; payout 8.80, margin 2.20");
    }

    [Fact]
    public void MinPayout_WhoWouldHaveWon_IsToldIt()
    {
        var market = new Market { Campaigns = [new("a", "12.50"), new("b", "11.00")], Tiers = [new(TierMethod.Auction, "a", "b")] };
        var ping = Market.Ping() with { MinPayout = Money.Parse("99.00") };
        Explainer.Explain(market.Model, Market.Record(ping, market.Run(ping))).Campaigns.Select(told => told.Reason).ShouldBe([Reason.MinPayout, Reason.Outbid]);
    }

    [Fact]
    public void Explanation_AnyMarket_AgreesWithTheWalk() =>
        Gen.Select(RandomMarkets.All, RandomMarkets.Pings.Array[3]).Sample((drawn, pings) =>
        {
            foreach (var ping in pings)
            {
                var outcome = drawn.Market.Run(ping);
                var record = Market.Record(ping, outcome);
                // What state said then is in the notes; what it says now must not matter.
                drawn.Market.Used["c:a:leads:day"] = 3;
                var told = Explainer.Explain(drawn.Market.Model, record);
                drawn.Market.Used.Clear();
                told.Campaigns.Count.ShouldBe(drawn.Market.Tiers.Sum(tier => tier.Campaigns.Length));
                told.Campaigns.Where(campaign => campaign.Verdict == Verdict.Won).Select(campaign => $"{campaign.Tier}{campaign.Campaign} {campaign.Sharing} {campaign.Price}").Order()
                    .ShouldBe(outcome.Offers.Select(offer => (Bid: outcome.Bids[offer.BidIndex], offer.Price))
                        .Select(sold => $"{sold.Bid.Tier}{sold.Bid.Campaign} {sold.Bid.Sharing} {sold.Price}").Order());
                foreach (var campaign in told.Campaigns)
                {
                    var cleared = outcome.Bids.Any(bid => bid.Tier == campaign.Tier && bid.Campaign == campaign.Campaign);
                    campaign.Text.ShouldNotBeEmpty();
                    if (campaign.Verdict == Verdict.Won) continue;
                    ((int)campaign.Reason / 100).ShouldBe(campaign.Verdict switch { Verdict.Excluded => 2, Verdict.Declined => 3, _ => 4 });
                    (campaign.Reason is Reason.Outbid or Reason.TierFilled or Reason.MinPayout || campaign.Reason == Reason.Rotation).ShouldBe(
                        cleared || campaign.Reason == Reason.Rotation);
                    foreach (var note in outcome.Notes.Where(note => note.Campaign == campaign.Campaign && !cleared && campaign.Limit is not null))
                        outcome.Notes.Select(known => known.LimitId).ShouldContain(campaign.Limit!.LimitId);
                }
            }
        }, iter: 5_000);

    [Fact]
    public void BidMore_AnyLoser_WinsWithItAndNotWithoutIt() =>
        Gen.Select(RandomMarkets.All, RandomMarkets.Pings).Sample((drawn, ping) =>
        {
            ping = ping with { MinPayout = Money.Zero };
            var market = drawn.Market;
            var record = Market.Record(ping, market.Run(ping));
            foreach (var loser in Explainer.Explain(market.Model, record).Campaigns)
            {
                if (loser.Reason != Reason.Outbid || loser.BidMore is not { } more || loser.Sharing is not { } sharing) continue;
                more.ShouldBeGreaterThan(Money.Zero);
                // A higher bid in an earlier tier may change whose turn it is there.
                if (market.Tiers.Count(tier => tier.Campaigns.Contains(loser.Campaign)) > 1) continue;
                IsSoldAt(market, ping, loser, loser.Bid!.Value + more, sharing).ShouldBeTrue($"{loser}");
            }
        }, iter: 5_000);

    /// <summary>Everything told as missing, done together, sells: paused is active, closed open, full has room, a leaf is met, a bid is raised.</summary>
    [Fact]
    public void Changes_OfAnyCampaignThatDidNotBuy_SellToItTogether()
    {
        var kinds = new HashSet<ChangeNeeded>();
        Gen.Select(RandomMarkets.All, RandomMarkets.Pings, Gen.Int[0, 11].Array[8]).Sample((drawn, ping, odd) =>
        {
            ping = ping with { MinPayout = Money.Zero };
            var market = Copy(drawn.Market, (wants, i) => odd[i] switch
            {
                0 => wants with { Schedule = Closed }, 1 => wants with { DayLeads = 2 }, 2 => wants with { DaySpend = "2.50" }, 3 => wants with { BuyerPaused = true },
                4 => wants with { Publishers = new PublisherSet(false, System.Collections.Frozen.FrozenSet<string>.Empty) }, 5 => wants with { Seller = wants.Id },
                _ => wants,
            });
            for (var i = 0; i < market.Campaigns.Length; i++)
            {
                if (odd[i] == 1) market.Used[$"c:{market.Campaigns[i].Id}:leads:day"] = 2;
                if (odd[i] == 2) market.Used[$"c:{market.Campaigns[i].Id}:spend:day"] = Money.Parse("1.10").Micros;
            }
            ping = ping with { SoldElsewhereSellers = ["a", "b"] };
            foreach (var told in Explainer.Explain(market.Model, Market.Record(ping, market.Run(ping))).Campaigns)
            {
                if (told.Verdict == Verdict.Won)
                {
                    told.Changes.ShouldBeEmpty();
                    continue;
                }
                told.Changes.ShouldNotBeEmpty();
                told.Text.ShouldBe(string.Join(", and ", told.Changes.Select(change => change.Text)));
                if (told.Changes.Any(change => change.Kind is ChangeNeeded.Turn or ChangeNeeded.Place or ChangeNeeded.Weight or ChangeNeeded.Price)) continue;
                // A tree that is asked again brings others with it.
                if (told.Changes.Any(change => change.Text.Contains("the tree", StringComparison.Ordinal))) continue;
                // Whose turn it is changes with who else may have it.
                if (market.Tiers.Count(tier => tier.Campaigns.Contains(told.Campaign)) > 1) continue;
                var changed = Copy(market, (wants, _) => wants.Id == told.Campaign ? With(wants, told) : wants);
                var free = ping with { SoldElsewhereSellers = [.. ping.SoldElsewhereSellers.Where(seller => seller != told.Campaign)] };
                var outcome = changed.Run(free);
                outcome.Offers.Any(offer => outcome.Bids[offer.BidIndex].Campaign == told.Campaign).ShouldBeTrue($"{told.Campaign} in tier {told.Tier}: {told.Text}");
                lock (kinds) foreach (var change in told.Changes) kinds.Add(change.Kind);
            }
        }, iter: 5_000);
        kinds.ShouldBe(
            [
                ChangeNeeded.Bid, ChangeNeeded.Funds, ChangeNeeded.Opening, ChangeNeeded.Room, ChangeNeeded.Pause, ChangeNeeded.Publisher, ChangeNeeded.Condition,
                ChangeNeeded.Lead,
            ], ignoreOrder: true);
    }

    private static readonly Schedule Closed = new(TimeZoneInfo.Utc, [[], [], [], [], [], [], []], [], null, null);

    private static Wants With(Wants wants, CampaignExplanation told)
    {
        // Of several full limits the first is noted; of a campaign that was not asked none: what they said then is not known.
        var full = told.Limit?.LimitId;
        if (full != $"c:{wants.Id}:leads:day") wants = wants with { DayLeads = null };
        if (full != $"c:{wants.Id}:spend:day") wants = wants with { DaySpend = null };
        if (full != $"bal:{wants.Id}") wants = wants with { Balance = null };
        foreach (var change in told.Changes)
        {
            wants = change.Kind switch
            {
                ChangeNeeded.Bid => Raised(wants, told, change.Amount!.Value),
                ChangeNeeded.Funds => wants with { Balance = (Money.Parse(wants.Balance!) + change.Amount!.Value).ToString() },
                ChangeNeeded.Opening => wants with { Schedule = null },
                ChangeNeeded.Room when change.Amount is { } more => wants with { DaySpend = (Money.Parse(wants.DaySpend!) + more).ToString() },
                ChangeNeeded.Room => wants with { DayLeads = wants.DayLeads + change.Count },
                ChangeNeeded.Pause when change.Text == "the buyer active" => wants with { BuyerPaused = false },
                ChangeNeeded.Pause => wants with { Paused = false },
                ChangeNeeded.Publisher => wants with { Publishers = PublisherSet.All },
                ChangeNeeded.Condition => wants with { State = null },
                ChangeNeeded.Lead when change.Text == "a shared bid" => wants with { Sharing = Sharing.Shared },
                _ => wants,
            };
        }
        return wants;
    }

    // Of a campaign that bids twice the bid meant is not told where it was not asked: then both are raised. What a higher bid needs of limits is another question.
    private static Wants Raised(Wants wants, CampaignExplanation told, Money more)
    {
        var both = told.Sharing is null;
        var isShared = wants.SharedBid is not null && (both || wants.Bid is null || told.Sharing == Sharing.Shared);
        return wants with
        {
            SharedBid = isShared ? (Money.Parse(wants.SharedBid!) + more).ToString() : wants.SharedBid,
            Bid = wants.Bid is not null && (both || !isShared) ? (Money.Parse(wants.Bid) + more).ToString() : wants.Bid,
            Balance = null, DaySpend = null,
        };
    }

    private static Market Copy(Market market, Func<Wants, int, Wants> change)
    {
        var copy = new Market
        {
            Campaigns = [.. market.Campaigns.Select(change)], Tiers = market.Tiers, Copies = market.Copies, Step = market.Step, Payout = market.Payout,
        };
        foreach (var (id, used) in market.Used) copy.Used[id] = used;
        foreach (var (of, sold) in market.Sold) copy.Sold[of] = sold;
        return copy;
    }

    private static bool IsSoldAt(Market market, PingInput ping, CampaignExplanation loser, Money bid, Sharing sharing)
    {
        var raised = Copy(market, (wants, _) => wants.Id != loser.Campaign ? wants
            : wants.Sharing == Sharing.Either && sharing == Sharing.Shared ? wants with { SharedBid = bid.ToString(), Balance = null }
            : wants with { Bid = bid.ToString(), Balance = null });
        var outcome = raised.Run(ping);
        return outcome.Offers.Any(offer => outcome.Bids[offer.BidIndex].Campaign == loser.Campaign);
    }
}
