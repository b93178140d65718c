using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.PingTrees;
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

    private static string Next(Market market, string offerId, string fallen, string[]? named = null)
    {
        var ping = Market.Ping();
        var record = Market.Record(ping, market.Run(ping));
        var offer = record.Offers.Single(offer => offer.OfferId == offerId);
        var holding = record.Offers.Where(other => other.OfferId != offerId).Select(other => record.Bids[other.BidIndex].Company).ToArray();
        var unavailable = Enumerable.Range(0, record.Bids.Length)
            .Where(i => fallen.Split(' ').Contains(record.Bids[i].Campaign) || holding.Contains(record.Bids[i].Company)).ToHashSet();
        return FallThrough.Next(market.Model, record, unavailable, offer, TestSubject.Of(), named) is NextRank next
            ? $"{record.Bids[next.BidIndex].Campaign} {next.Price}" : "-";
    }
}
