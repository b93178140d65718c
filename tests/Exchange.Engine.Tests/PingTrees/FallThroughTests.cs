using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Tests.Pricing;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.PingTrees;

public class FallThroughTests
{
    [Theory]
    //          who fell out        who is next, at which price
    [InlineData("a",                "b 11.00")] // it pays at least what the promise of 8.80 costs
    [InlineData("a b",              "-")]       // 9.50 cannot pay 8.80
    public void Exclusive_SecondPrice_NextPaysThePromise(string fallen, string next) =>
        Next(new Market
        {
            Campaigns = [new("a", "12.50"), new("b", "11.00"), new("c", "9.50")],
            Tiers = [new(TierMethod.Auction, "a", "b", "c") { Pricing = TierPricing.SecondPrice }],
        }, "1", fallen).ShouldBe(next);

    [Theory]
    [InlineData("a",     "b 11.00")] // above what the promise (4.00 = 80% of 5.00) asks: each pays its bid
    [InlineData("a b",   "c 9.50")]
    [InlineData("a b c", "-")]
    public void Exclusive_Priority_NextPaysItsBid(string fallen, string next) =>
        Next(new Market { Campaigns = [new("a", "5.00"), new("b", "11.00"), new("c", "9.50")], Tiers = [new(TierMethod.Priority, "a", "b", "c")] }, "1", fallen)
            .ShouldBe(next);

    [Theory]
    [InlineData("a",       "d 12.00")] // shared bids never take an exclusive copy; then the later tiers in walk order
    [InlineData("a d",     "e 20.00")]
    [InlineData("a d e",   "-")]
    public void Exclusive_TierIsAtItsEnd_LaterTiersFollow(string fallen, string next) =>
        Next(new Market
        {
            Campaigns =
            [
                new("a", "12.00"), new("b", "11.90") { Sharing = Sharing.Shared }, new("c", "11.00"), new("d", "12.00"), new("e", "20.00"),
            ],
            Tiers = [new(TierMethod.Auction, "a", "b", "c"), new(TierMethod.Priority, "d", "e")],
        }, "1", fallen).ShouldBe(next);

    [Theory]
    [InlineData("3", "s3",       "s4 19.00")] // 19.00 pays the copy at 19.00 …
    [InlineData("1", "s1",       "-")]        // … but not the one at 27.00, which is dropped
    [InlineData("3", "s3 s4",    "-")]        // s1b would pay, but its company holds a copy
    public void Shared_Refused_GoesToTheNextThatPaysThisCopy(string offer, string fallen, string next) =>
        Next(new Market
        {
            Campaigns =
            [
                new("s1", "27.00") { Sharing = Sharing.Shared, Company = "one" }, new("s1b", "26.00") { Sharing = Sharing.Shared, Company = "one" },
                new("s2", "24.00") { Sharing = Sharing.Shared }, new("s3", "19.00") { Sharing = Sharing.Shared }, new("s4", "19.00") { Sharing = Sharing.Shared, Weight = 0 },
                new("x", "60.00"),
            ],
            Tiers = [new(TierMethod.Auction, "s1", "s1b", "s2", "s3", "s4", "x") { Copies = 3 }],
        }, offer, fallen).ShouldBe(next);

    [Fact]
    public void Named_SellerWasNotNamedInTheConsent_IsPassedOver()
    {
        var market = new Market
        {
            Campaigns =
            [
                new("a", "12.00") { Seller = "A Ltd", Consent = ConsentLevel.Named }, new("b", "12.00") { Seller = "B Ltd", Consent = ConsentLevel.Named, Weight = 0 },
                new("c", "12.00") { Seller = "C Ltd", Consent = ConsentLevel.Named },
            ],
            Tiers = [new(TierMethod.Priority, "a", "b", "c")],
        };
        market.Run().Offers.ShouldHaveSingleItem().Seller.ShouldBe("A Ltd");
        Next(market, "1", "a", ["a ltd", "c ltd"]).ShouldBe("c 12.00");
    }

    [Theory]
    // Ranks: a 12.50; b 15.00 × 0.8 = 12.00; c 9.00. The offer is a at 12.00 (plus the increment), the promise four fifths of it.
    //          increment  b pays its bid  fallen  next
    [InlineData("0.00",    false,          "a",    "b 12.00")] // the rule asks 9.00 ÷ 0.8 = 11.25, the promise of 9.60 costs 12.00
    [InlineData("2.00",    false,          "a",    "b 13.75")] // (9.00 + 2.00) ÷ 0.8; the promise of 10.00 would cost 12.50
    [InlineData("4.00",    false,          "a",    "b 15.00")] // 16.25 is above its bid
    [InlineData("0.00",    true,           "a",    "b 15.00")]
    [InlineData("0.00",    false,          "a b",  "-")]
    public void Exclusive_SecondPrice_NextPaysTheRuleOrThePromiseWhicheverIsMore(string increment, bool paysBid, string fallen, string next) =>
        Next(new Market
        {
            Campaigns = [new("a", "12.50"), new("b", "15.00") { Handicap = "20%", PaysBid = paysBid }, new("c", "9.00")],
            Tiers = [new(TierMethod.Auction, "a", "b", "c") { Pricing = TierPricing.SecondPrice, Increment = increment }],
        }, "1", fallen).ShouldBe(next);

    [Theory]
    //          share of b  next
    [InlineData("80%",      "b 20.00")] // 16.00 ÷ 0.8
    [InlineData("50%",      "b 31.99")] // half of it is 15.995, which is paid as 16.00
    [InlineData("40%",      "b 39.99")]
    [InlineData("39%",      "-")]       // 41.02 is above its bid
    public void Exclusive_PayoutRulesByCampaign_PriceIsTheLowestWhosePayoutIsThePromise(string share, string next) =>
        Next(new Market
        {
            Campaigns = [new("a", "21.00"), new("b", "40.00") { Handicap = "50%" }, new("c", "5.00")],
            Tiers = [new(TierMethod.Auction, "a", "b", "c") { Pricing = TierPricing.SecondPrice }],
            Payout = new([new(new When(subject => subject.Campaign == "b"), PayoutTerms.Share(Percent.TryParse(share, out var part) ? part : default))],
                PayoutTerms.Share(new(800_000)), Money.Zero),
        }, "1", fallen: "a").ShouldBe(next);

    [Theory]
    // Ranks 27, 24, 21 win three copies at one level; s4 bids 25.00 with a handicap of 24%, so 19.00 in rank; s5 18.00.
    //          exclusive  offer, who fell out, next
    [InlineData(null,      "1", "s1",    "s4 23.69")] // what beats 18.00: ÷ 0.76
    [InlineData(null,      "1", "s1 s4", "-")]        // 18.00 cannot pay the payout of 19.00
    [InlineData("62.00",   "1", "s1",    "s4 25.00")] // together with 24 and 21 it must match 62
    public void Shared_SecondPrice_NextPaysTheLevelOfThoseThatRemain(string? exclusive, string offer, string fallen, string next) =>
        Next(new Market
        {
            Campaigns =
            [
                new("s1", "27.00") { Sharing = Sharing.Shared }, new("s2", "24.00") { Sharing = Sharing.Shared }, new("s3", "21.00") { Sharing = Sharing.Shared },
                new("s4", "25.00") { Sharing = Sharing.Shared, Handicap = "24%" }, new("s5", "18.00") { Sharing = Sharing.Shared }, new("x", exclusive),
            ],
            Tiers = [new(TierMethod.Auction, "s1", "s2", "s3", "s4", "s5", "x") { Pricing = TierPricing.SecondPrice, Copies = 3 }],
        }, offer, fallen).ShouldBe(next);

    [Fact]
    public void Shared_AnotherCopyHasMovedOn_TheLevelIsThatOfWhoHoldsItNow()
    {
        var market = new Market
        {
            Campaigns =
            [
                new("s1", "30.00") { Sharing = Sharing.Shared }, new("s2", "20.00") { Sharing = Sharing.Shared },
                new("s3", "21.00") { Sharing = Sharing.Shared, Handicap = "20%" }, new("s4", "49.00") { Sharing = Sharing.Shared, Handicap = "60%" }, new("x", "36.00"),
            ],
            Tiers = [new(TierMethod.Auction, "s1", "s2", "s3", "s4", "x") { Pricing = TierPricing.SecondPrice, Copies = 2 }],
        };
        // In rank s4 stands at 19.60, s3 at 16.80. Beside 30.00 a level of 18.00 matches 36: 45.00 in its money.
        Next(market, "2", "s2").ShouldBe("s4 45.00");
        // Beside s3, who gives 16.80 at most, it takes 19.20.
        Next(market, "2", "s1 s2", holding: ["s3"]).ShouldBe("s4 48.00");
    }

    [Theory]
    //          copies of the later tier  of its group  next
    [InlineData(1,                        20,           "-")] // it has sold one to b: that is all it may sell
    [InlineData(2,                        20,           "c 10.00")]
    [InlineData(2,                        1,            "-")]
    [InlineData(2,                        2,            "c 10.00")]
    public void Shared_LaterTier_SellsNoMoreThanItsTierAndGroupMay(int copies, int ofGroup, string next) =>
        Next(new Market
        {
            Campaigns =
            [
                new("a", "10.00") { Sharing = Sharing.Shared }, new("b", "10.00") { Sharing = Sharing.Shared }, new("c", "10.00") { Sharing = Sharing.Shared },
            ],
            Tiers =
            [
                new(TierMethod.Priority, "a"), new(TierMethod.Priority, "b", "c") { Copies = copies, Group = new Group("inner") { Copies = ofGroup } },
            ],
            Copies = 2,
        }, "1", "a").ShouldBe(next);

    [Fact]
    public void Exclusive_TierOfATreeThatATierAsks_PaysByItsOwnRule() =>
        Next(new Market
        {
            Campaigns = [new("a", "10.00"), new("b", "14.00"), new("c", "11.00")],
            Tiers =
            [
                new(TierMethod.Priority, "a"),
                new(TierMethod.Auction, "b", "c") { Pricing = TierPricing.SecondPrice, Increment = "0.25", Group = new Group("inner") },
            ],
        }, "1", "a").ShouldBe("b 11.25");

    /// <param name="holding">Who has the other copies; null: those whom the ping offered them.</param>
    private static string Next(Market market, string offerId, string fallen, string[]? named = null, string[]? holding = null)
    {
        var ping = Market.Ping();
        var record = Market.Record(ping, market.Run(ping));
        var offer = record.Offers.Single(offer => offer.OfferId == offerId);
        var gone = fallen.Split(' ');
        var holders = Enumerable.Range(0, record.Bids.Length).Where(i => holding is not null
            ? holding.Contains(record.Bids[i].Campaign)
            : record.Offers.Any(other => other.OfferId != offerId && other.BidIndex == i && !gone.Contains(record.Bids[i].Campaign))).ToArray();
        var unavailable = Enumerable.Range(0, record.Bids.Length)
            .Where(i => gone.Contains(record.Bids[i].Campaign) || holders.Any(holder => record.Bids[holder].Company == record.Bids[i].Company)).ToHashSet();
        return FallThrough.Next(market.Model, record, unavailable, holders, offer, TestSubject.Of(), named) is NextRank next
            ? $"{record.Bids[next.BidIndex].Campaign} {next.Price}" : "-";
    }
}
