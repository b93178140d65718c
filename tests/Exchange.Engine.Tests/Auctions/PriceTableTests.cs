using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Auctions;

/// <summary>One tier, one auction, read as people in the trade write it: "excl 62, shared 27 24": bids x1, x2 … and s1, s2 … in that order.</summary>
public class PriceTableTests
{
    [Theory]
    //          exclusive       shared         copies floor   pricing        who pays what
    [InlineData("12.50 11.00", "",             1, "5.00",  "second_price", "x1 11.00")]
    [InlineData("12.50",       "",             1, "5.00",  "second_price", "x1 5.00")]
    [InlineData("12.50",       "",             1, null,    "second_price", "x1 12.50")]
    [InlineData("12.50 11.00", "",             1, null,    "second_price", "x1 11.00")]
    [InlineData("12.50 11.00", "",             1, "11.40", "second_price", "x1 11.40")] // the other is below the floor: it does not count
    [InlineData("12.50 12.50", "",             1, null,    "second_price", "x? 12.50")]
    [InlineData("12.50 11.00", "",             1, "5.00",  "first_price",  "x1 12.50")]
    [InlineData("62",          "27 24 21 19",  3, "15.00", "first_price",  "s1 27.00, s2 24.00, s3 21.00")]
    [InlineData("62",          "27 24 21 19",  3, "15.00", "second_price", "s1 20.67, s2 20.67, s3 20.67")]
    [InlineData("75",          "27 24 21 19",  3, "15.00", "second_price", "x1 72.00")]
    [InlineData("72",          "27 24 21 19",  3, "15.00", "second_price", "x1 72.00")] // equal = exclusive
    [InlineData("75 74",       "27 24 21 19",  3, "15.00", "second_price", "x1 74.00")]
    [InlineData("70",          "27 24 21 19",  3, "15.00", "second_price", "s1 25.00, s2 24.00, s3 21.00")] // nobody pays more than its bid
    [InlineData("",            "27 24 21 19",  3, "15.00", "second_price", "s1 19.00, s2 19.00, s3 19.00")]
    [InlineData("",            "27 24 21",     3, "15.00", "second_price", "s1 15.00, s2 15.00, s3 15.00")]
    [InlineData("",            "27 24 21",     3, null,    "second_price", "s1 27.00, s2 24.00, s3 21.00")]
    [InlineData("",            "27 24 21",     1, null,    "second_price", "s1 24.00")]
    [InlineData("27",          "27",           1, null,    "second_price", "x1 27.00")]
    [InlineData("",            "",             1, null,    "first_price",  "no_eligible_campaign")]
    [InlineData("4.00 3.00",   "",             1, "5.00",  "first_price",  "all_below_floor")]
    public void Auction_BidsFloorAndPricing_GivePrices(string exclusive, string shared, int copies, string? floor, string pricing, string told)
    {
        var bids = Split(exclusive).Select((bid, i) => new Wants($"x{i + 1}", bid))
            .Concat(Split(shared).Select((bid, i) => new Wants($"s{i + 1}", bid) { Sharing = Sharing.Shared })).ToArray();
        var market = new Market
        {
            Campaigns = bids,
            Tiers =
            [
                new(TierMethod.Auction, [.. bids.Select(bid => bid.Id)])
                {
                    Pricing = pricing == "second_price" ? TierPricing.SecondPrice : TierPricing.FirstPrice, Floor = floor, Copies = copies,
                },
            ],
        };
        var found = Market.Tell(market.Run());
        if (told.StartsWith("x?", StringComparison.Ordinal)) found = "x?" + found[2..];
        found.ShouldBe(told);
    }

    [Fact]
    public void SecondPrice_PublisherAt80Percent_IsPromised880OfPrice11()
    {
        var offer = Second(new Wants("acme", "12.50"), new Wants("best-auto", "11.00")).Run().Offers.ShouldHaveSingleItem();
        offer.ShouldBe(new Offer("1", 0, Sharing.Exclusive, Money.Parse("11.00"), Money.Parse("8.80"), null, true));
    }

    [Theory]
    // Ranks 12.50 × 0.9 = 11.25 against 11.00 × 1: what just beats 11.00 is 12.2222, raised to a cent.
    [InlineData("12.50", "10%", "11.00", "0%", "a 12.23")]
    // 11.70 × 0.9 = 10.53 loses; the winner pays that rank in its own money.
    [InlineData("11.70", "10%", "11.00", "0%", "b 10.53")]
    public void SecondPrice_Handicaps_RankIsTurnedBackIntoTheWinnersMoney(string a, string handicapA, string b, string handicapB, string told) =>
        Market.Tell(Second(new Wants("a", a) { Handicap = handicapA }, new Wants("b", b) { Handicap = handicapB }).Run()).ShouldBe(told);

    [Fact]
    public void SecondPrice_OtherBidsOfTheSameCompany_DoNotCount() =>
        Market.Tell(Second(new Wants("a1", "12.00") { Company = "a" }, new Wants("a2", "11.00") { Company = "a" }, new Wants("b", "7.00")).Run())
            .ShouldBe("a1 7.00");

    [Fact]
    public void Either_BidsTwice_ItsExclusiveBidStandsAgainstItsOwnSharedOne() =>
        Market.Tell(new Market
        {
            Campaigns =
            [
                new("a", "30.00") { Sharing = Sharing.Either, SharedBid = "18.00" },
                new("b", "15.00") { Sharing = Sharing.Shared },
            ],
            Tiers = [new(TierMethod.Auction, "a", "b") { Copies = 2 }],
        }.Run()).ShouldBe("a 18.00, b 15.00");

    [Fact]
    public void SharedSet_OneCompany_HasOneCopyOnly() =>
        Market.Tell(new Market
        {
            Campaigns =
            [
                new("a1", "27.00") { Sharing = Sharing.Shared, Company = "a" }, new("a2", "26.00") { Sharing = Sharing.Shared, Company = "a" },
                new("b", "9.00") { Sharing = Sharing.Shared },
            ],
            Tiers = [new(TierMethod.Auction, "a1", "a2", "b") { Copies = 2 }],
        }.Run()).ShouldBe("a1 27.00, b 9.00");

    [Fact]
    public void Bids_BelowTheStep_AreCutBeforeTheyRank() =>
        Market.Tell(new Market
        {
            Campaigns = [new("a", "10.09"), new("b", "10.01")], Step = "0.10",
            Tiers = [new(TierMethod.Auction, "a", "b") { Pricing = TierPricing.SecondPrice }],
        }.Run())[1..].ShouldBe(" 10.00");

    [Fact]
    public void EqualBids_AreDrawnByWeight_FromTheSeed()
    {
        var market = new Market
        {
            Campaigns = [new("a", "10.00") { Weight = 3 }, new("b", "10.00") { Weight = 1 }, new("never", "10.00") { Weight = 0 }],
            Tiers = [new(TierMethod.Auction, "a", "b", "never")],
        };
        var won = Enumerable.Range(0, 4_000)
            .Select(seed => market.Run(Market.Ping() with { Seed = (ulong)seed }).Bids.Select(bid => bid.Campaign).ToArray()).ToArray();
        won.Count(order => order[0] == "a").ShouldBeInRange(2_880, 3_120);
        won.ShouldAllBe(order => order[2] == "never");
        market.Run(Market.Ping() with { Seed = 99 }).Bids.ShouldBe(market.Run(Market.Ping() with { Seed = 99 }).Bids);
    }

    private static Market Second(params Wants[] campaigns) => new()
    {
        Campaigns = campaigns, Tiers = [new(TierMethod.Auction, [.. campaigns.Select(wants => wants.Id)]) { Pricing = TierPricing.SecondPrice }],
    };

    private static string[] Split(string bids) => bids.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
