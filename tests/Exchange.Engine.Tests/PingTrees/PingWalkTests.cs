using System.Collections.Frozen;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Schedules;
using Exchange.Engine.Tests.Pricing;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.PingTrees;

public class PingWalkTests
{
    /// <summary>Caps of pings count bid requests that were sent.</summary>
    [Theory]
    [InlineData(Reason.None, 12, true)]
    [InlineData(Reason.NoBid, 3, true)]
    [InlineData(Reason.Timeout, 80, true)]
    [InlineData(Reason.Timeout, 0, false)] // no time was left for one
    [InlineData(Reason.BreakerOpen, 0, false)]
    [InlineData(Reason.PingCap, 0, false)] // its endpoint's own rate
    public void LiveBid_WasCalled_WhereARequestLeft(Reason reason, int tookMs, bool called) =>
        new LiveBid(null!, Sharing.Exclusive, reason) { TookMs = tookMs }.WasCalled.ShouldBe(called);

    [Fact]
    public void Weighted_511_TakesTurnsAABACAA()
    {
        var market = new Market
        {
            Campaigns = [new("a", "9.00") { Weight = 5 }, new("b", "9.00"), new("c", "9.00")], Tiers = [new(TierMethod.Weighted, "a", "b", "c")],
        };
        string.Concat(Enumerable.Range(0, 21).Select(_ => Winner(market))).ShouldBe("aabacaaaabacaaaabacaa");
    }

    [Fact]
    public void RoundRobin_WeightsDiffer_TurnsAreEqual()
    {
        var market = new Market
        {
            Campaigns = [new("a", "9.00") { Weight = 5 }, new("b", "9.00"), new("c", "9.00")], Tiers = [new(TierMethod.RoundRobin, "a", "b", "c")],
        };
        string.Concat(Enumerable.Range(0, 6).Select(_ => Winner(market))).ShouldBe("abcabc");
    }

    [Fact]
    public void Weighted_CappedCampaign_EarnsNothingWhileItIsClosed()
    {
        var market = new Market
        {
            Campaigns = [new("a", "9.00") { DayLeads = 10 }, new("b", "9.00")], Tiers = [new(TierMethod.Weighted, "a", "b")],
        };
        market.Used["c:a:leads:day"] = 10;
        string.Concat(Enumerable.Range(0, 5).Select(_ => Winner(market))).ShouldBe("bbbbb");
        market.Used["c:a:leads:day"] = 0;
        string.Concat(Enumerable.Range(0, 4).Select(_ => Winner(market))).ShouldBe("abab");
    }

    [Fact]
    public void Weighted_NoOfferOrTest_TakesNoTurn()
    {
        var market = new Market { Campaigns = [new("a", "9.00"), new("b", "9.00")], Tiers = [new(TierMethod.Weighted, "a", "b") { Copies = 1 }] };
        for (var i = 0; i < 3; i++)
        {
            market.Run(Market.Ping() with { MinPayout = Money.Parse("100.00") }).Outcome.ShouldBe(Reason.MinPayout);
            market.Run(Market.Ping() with { Test = true }).ShouldSatisfyAllConditions(test => Market.Tell(test).ShouldBe("a 9.00"), test => test.Turns.ShouldBeEmpty());
        }
        string.Concat(Enumerable.Range(0, 4).Select(_ => Winner(market))).ShouldBe("abab");
    }

    [Fact]
    public void Weighted_SeveralCopies_EachIsATurn()
    {
        var market = new Market
        {
            Campaigns = [new("a", "9.00") { Sharing = Sharing.Shared }, new("b", "8.00") { Sharing = Sharing.Shared }, new("c", "7.00") { Sharing = Sharing.Shared }],
            Tiers = [new(TierMethod.RoundRobin, "a", "b", "c") { Copies = 2 }],
        };
        var first = market.Run();
        Market.Tell(first).ShouldBe("a 9.00, b 8.00");
        first.Turns.ShouldBe([new(0, "a"), new(0, "b")]);
        first.Bids.Select(bid => bid.Campaign).ShouldBe(["a", "b", "c"]);
        Market.Tell(market.Run()).ShouldBe("c 7.00, a 9.00");
    }

    [Theory]
    //          a        b       c            copies  sold
    [InlineData("x 9",   "x 12",  "s 8",       1, "a 9.00")]
    [InlineData("- 0",   "x 12",  "s 8",       1, "b 12.00")]
    [InlineData("s 9",   "x 12",  "s 8",       2, "a 9.00, c 8.00")] // an exclusive one is passed over once a copy is sold
    [InlineData("x 9",   "s 12",  "s 8",       3, "a 9.00")]         // an exclusive one ends it
    [InlineData("s 9",   "s 12",  "s 8",       2, "a 9.00, b 12.00")]
    public void Priority_InTheirOrder_UntilCopiesAreSold(string a, string b, string c, int copies, string told)
    {
        Wants Of(string id, string wants) => new(id, wants[0] == '-' ? null : wants[2..] + ".00") { Sharing = wants[0] == 's' ? Sharing.Shared : Sharing.Exclusive };
        Market.Tell(new Market { Campaigns = [Of("a", a), Of("b", b), Of("c", c)], Tiers = [new(TierMethod.Priority, "a", "b", "c") { Copies = copies }] }.Run())
            .ShouldBe(told);
    }

    [Fact]
    public void Tiers_LaterOnesFillWhatEarlierOnesLeft_WithSharedBids() =>
        Market.Tell(new Market
        {
            Campaigns =
            [
                new("a", "20.00") { Sharing = Sharing.Shared, Company = "one" }, new("b", "19.00") { Sharing = Sharing.Shared },
                new("x", "30.00"), new("a2", "18.00") { Sharing = Sharing.Shared, Company = "one" }, new("c", "17.00") { Sharing = Sharing.Shared },
            ],
            Tiers = [new(TierMethod.Auction, "a", "b") { Copies = 2 }, new(TierMethod.Auction, "x", "a2", "c") { Copies = 2 }], Copies = 3,
        }.Run()).ShouldBe("a 20.00, b 19.00, c 17.00");

    [Fact]
    public void Tiers_FirstHasNoBid_NextIsTried() =>
        Market.Tell(new Market
        {
            Campaigns = [new("a", "3.00"), new("b", "4.00")],
            Tiers = [new(TierMethod.Auction, "a") { Floor = "5.00" }, new(TierMethod.Priority, "b")],
        }.Run()).ShouldBe("b 4.00");

    [Fact]
    public void OffersAll_EveryBidThatClears_BestFirst()
    {
        var outcome = new Market
        {
            Campaigns =
            [
                new("x", "62.00"), new("s1", "27.00") { Sharing = Sharing.Shared }, new("s2", "24.00") { Sharing = Sharing.Shared },
                new("s3", "21.00") { Sharing = Sharing.Shared }, new("low", "3.00") { Sharing = Sharing.Shared },
            ],
            Tiers = [new(TierMethod.Auction, "x", "s1", "s2", "s3", "low") { Copies = 3, Floor = "12.00", ExclusiveFloor = "50.00" }], OffersAll = true,
            Payout = new PayoutModel([new(When.Exclusive, PayoutTerms.Share(new(820_000)))], PayoutTerms.Share(new(750_000)), Money.Parse("1.50")),
        }.Run();
        Market.Tell(outcome).ShouldBe("s1 27.00, s2 24.00, s3 21.00, x 62.00 (also)");
        outcome.Offers.Select(offer => offer.Payout.ToString()).ShouldBe(["20.25", "18.00", "15.75", "50.84"]);
        outcome.Offers.Select(offer => offer.OfferId).ShouldBe(["1", "2", "3", "4"]);
    }

    [Fact]
    public void MaxCopies_OfThePublisher_LimitsTheSet() =>
        Market.Tell(new Market
        {
            Campaigns = [new("a", "20.00") { Sharing = Sharing.Shared }, new("b", "19.00") { Sharing = Sharing.Shared }, new("x", "25.00")],
            Tiers = [new(TierMethod.Auction, "a", "b", "x") { Copies = 2 }],
        }.Run(Market.Ping() with { MaxCopies = 1 })).ShouldBe("x 25.00");

    [Fact]
    public void Either_OneOfItsBidsDoesNotFitTheBalance_TheOtherStands()
    {
        var market = new Market
        {
            Campaigns = [new("a", "62.00") { Sharing = Sharing.Either, SharedBid = "27.00", Balance = "30.00" }], Tiers = [new(TierMethod.Auction, "a")],
        };
        var outcome = market.Run();
        Market.Tell(outcome).ShouldBe("a 27.00");
        outcome.Notes.Select(note => (note.Campaign, note.Reason, note.LimitId, note.Limit, note.Used, note.Held, note.Needed))
            .ShouldBe([("a", Reason.Balance, "bal:a", 30_000_000, 0, 0, 62_000_000)]);
    }

    // Each campaign fails by one thing; alone in the tree it decides the ping's outcome.
    public static TheoryData<string> Excluded => ["paused", "buyer paused", "publisher", "state", "schedule", "cap", "spend", "balance", "seller", "consent", "copies"];

    [Theory]
    [MemberData(nameof(Excluded))]
    public void Campaign_ExcludedByOneThing_IsNotOffered(string why)
    {
        var wants = new Wants("a", "9.00");
        var closed = new Schedule(TimeZoneInfo.Utc, [[], [], [], [], [], [], []], [], null, null);
        wants = why switch
        {
            "paused" => wants with { Paused = true },
            "buyer paused" => wants with { BuyerPaused = true },
            "publisher" => wants with { Publishers = new(true, new[] { "p" }.ToFrozenSet()) },
            "state" => wants with { State = "NY" },
            "schedule" => wants with { Schedule = closed },
            "cap" => wants with { DayLeads = 0 },
            "spend" => wants with { DaySpend = "8.99" },
            "balance" => wants with { Balance = "8.99" },
            "consent" => wants with { Consent = ConsentLevel.Named },
            _ => wants with { Seller = "A Ltd" },
        };
        var ping = Market.Ping() with
        {
            SoldElsewhereSellers = why == "seller" ? ["a ltd"] : [], SoldElsewhereCopies = why == "copies" ? 1 : 0,
        };
        var outcome = new Market { Campaigns = [wants], Tiers = [new(TierMethod.Auction, "a")] }.Run(ping);
        outcome.Outcome.ShouldBe(Reason.NoEligibleCampaign);
        outcome.Notes.Length.ShouldBe(why is "cap" or "spend" or "balance" ? 1 : 0);
    }

    [Fact]
    public void Spend_BidFitsExactly_IsEligible() =>
        Market.Tell(new Market { Campaigns = [new("a", "9.00") { DaySpend = "9.00", Balance = "9.00" }], Tiers = [new(TierMethod.Auction, "a")] }.Run())
            .ShouldBe("a 9.00");

    [Fact]
    public void Ping_NobodyHasAPrice_IsNoBids() =>
        new Market { Campaigns = [new("a", null), new("b", "9.00") { State = "NY" }], Tiers = [new(TierMethod.Auction, "a", "b")] }.Run().Outcome
            .ShouldBe(Reason.NoBids);

    [Fact]
    public void Ping_OnlyBidsBelowPayoutAndMargin_IsAllBelowFloor() =>
        new Market { Campaigns = [new("a", "6.49")], Tiers = [new(TierMethod.Auction, "a")], Payout = new([], PayoutTerms.Fixed(Money.Parse("5.00")), Money.Parse("1.50")) }
            .Run().Outcome.ShouldBe(Reason.AllBelowFloor);

    [Fact]
    public void SecondPrice_LoneBid_PaysPayoutPlusMarginAsItsFloor() =>
        Market.Tell(new Market
        {
            Campaigns = [new("a", "12.00")], Tiers = [new(TierMethod.Auction, "a") { Pricing = TierPricing.SecondPrice, Floor = "6.00" }],
            Payout = new([], PayoutTerms.Fixed(Money.Parse("5.00")), Money.Parse("1.50")),
        }.Run()).ShouldBe("a 6.50");

    [Theory]
    [InlineData("8.80", "a 11.00")]
    [InlineData("8.81", "min_payout")] // it refuses, it never raises a price
    public void MinPayout_IsAboveWhatTheAuctionGives_Refuses(string minPayout, string told) =>
        Market.Tell(new Market
        {
            Campaigns = [new("a", "12.50"), new("b", "11.00")], Tiers = [new(TierMethod.Auction, "a", "b") { Pricing = TierPricing.SecondPrice }],
        }.Run(Market.Ping() with { MinPayout = Money.Parse(minPayout) })).ShouldBe(told);

    [Fact]
    public void Publisher_FilterOrCap_RefusesTheWholePing()
    {
        Wants[] campaigns = [new("a", "9.00")];
        Tier[] tiers = [new(TierMethod.Auction, "a")];
        new Market { Campaigns = campaigns, Tiers = tiers, PublisherFilter = new When(_ => false) }.Run().Outcome.ShouldBe(Reason.PublisherFilter);
        new Market { Campaigns = campaigns, Tiers = tiers, PublisherLeads = 0 }.Run().Outcome.ShouldBe(Reason.PublisherCap);
        new Market { Campaigns = campaigns, Tiers = tiers, PublisherSpend = "7.19" }.Run().Outcome.ShouldBe(Reason.PublisherCap);
        new Market { Campaigns = campaigns, Tiers = tiers, PublisherSpend = "7.20" }.Run().Outcome.ShouldBe(Reason.None);
    }

    private static string Winner(Market market) => market.Run() is { Offers: [var offer, ..] } outcome ? outcome.Bids[offer.BidIndex].Campaign : "-";
}
