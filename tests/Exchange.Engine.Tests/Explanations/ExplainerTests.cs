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
                if (loser.Reason != Reason.Outbid || loser.BidMore is not { } more || loser.Sharing is not { } sharing || more == Money.Zero) continue;
                IsSoldAt(market, ping, loser, loser.Bid!.Value + more, sharing).ShouldBeTrue($"{loser}");
            }
        }, iter: 5_000);

    private static bool IsSoldAt(Market market, PingInput ping, CampaignExplanation loser, Money bid, Sharing sharing)
    {
        var raised = new Market
        {
            Campaigns =
            [
                .. market.Campaigns.Select(wants => wants.Id != loser.Campaign ? wants
                    : wants.Sharing == Sharing.Either && sharing == Sharing.Shared ? wants with { SharedBid = bid.ToString(), Balance = null }
                    : wants with { Bid = bid.ToString(), Balance = null }),
            ],
            Tiers = market.Tiers, Copies = market.Copies, Step = market.Step, Payout = market.Payout,
        };
        foreach (var (of, sold) in market.Sold) raised.Sold[of] = sold;
        var outcome = raised.Run(ping);
        return outcome.Offers.Any(offer => outcome.Bids[offer.BidIndex].Campaign == loser.Campaign);
    }
}
