using Exchange.Engine.Catalog;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.PingTrees;
using Shouldly;

namespace Exchange.Engine.Tests.Auctions;

/// <summary>What else an auction's prices are made of: increments, handicaps, buyers who pay their bid, maxima, companies. One tier, one auction.</summary>
public class IncrementTableTests
{
    [Theory]
    //          exclusive                        shared                          copies floor    increment who pays what
    // exclusive: so much more than the best losing side
    [InlineData("12.50, 11.00",                  "",                             1, "5.00",  "0.50", "x1 11.50")]
    [InlineData("11.20, 11.00",                  "",                             1, "5.00",  "0.50", "x1 11.20")]   // nobody pays more than its bid
    [InlineData("11.00, 11.00 handicap 1%",      "",                             1, "5.00",  "0.50", "x1 11.00")]
    [InlineData("12.50, 5.20",                   "",                             1, "5.00",  "0.50", "x1 5.70")]
    [InlineData("12.50, 5.20",                   "",                             1, "6.00",  "0.50", "x1 6.00")]    // the other is below the floor; nothing is added to a floor
    [InlineData("12.50",                         "",                             1, "5.00",  "0.50", "x1 5.00")]
    [InlineData("12.50",                         "",                             1, null,    "0.50", "x1 12.50")]
    [InlineData("75",                            "27, 24, 21, 19",               3, "15.00", "0.50", "x1 72.50")]   // once on the total of a side
    [InlineData("72",                            "27, 24, 21, 19",               3, "15.00", "0.50", "x1 72.00")]
    [InlineData("75, 72.80",                     "27, 24, 21, 19",               3, "15.00", "0.50", "x1 73.30")]
    // shared: each beats the one left out, together they beat the exclusive one
    [InlineData("",                              "27, 24, 21, 19",               3, "15.00", "0.50", "s1 19.50, s2 19.50, s3 19.50")]
    [InlineData("",                              "27, 24, 19.20, 19",            3, "15.00", "0.50", "s1 19.50, s2 19.50, s3 19.20")]
    [InlineData("",                              "27, 24, 21",                   3, "15.00", "0.50", "s1 15.00, s2 15.00, s3 15.00")]
    [InlineData("62",                            "27, 24, 21, 19",               3, "15.00", "0.50", "s1 20.84, s2 20.84, s3 20.84")]
    [InlineData("58.40",                         "27, 24, 21, 19",               3, "15.00", "0.50", "s1 19.64, s2 19.64, s3 19.64")] // 58.50 at 19.50 each is short of 58.90
    [InlineData("58.00",                         "27, 24, 21, 19",               3, "15.00", "0.50", "s1 19.50, s2 19.50, s3 19.50")] // 58.50 is enough
    [InlineData("71.90",                         "27, 24, 21, 19",               3, "15.00", "0.50", "s1 27.00, s2 24.00, s3 21.00")] // all they have
    [InlineData("40",                            "27, 24, 21",                   3, "5.00",  "0.50", "s1 13.50, s2 13.50, s3 13.50")] // nobody left out: only the side is beaten
    // handicaps: ranks are turned back into the winner's own money, the increment with them
    [InlineData("13.00 handicap 10%, 11.00",     "",                             1, null,    "0.50", "x1 12.78")]   // 11.50 ÷ 0.9
    [InlineData("12.50 handicap 10%, 11.00",     "",                             1, null,    "0.50", "x1 12.50")]
    [InlineData("13.00, 13.50 handicap 10%",     "",                             1, null,    "0.50", "x1 12.65")]   // 13.50 × 0.9 + 0.50
    [InlineData("",                              "30 handicap 20%, 20, 18",      2, null,    "0.00", "s1 22.50, s2 18.00")]
    [InlineData("40",                            "30 handicap 20%, 20, 18",      2, null,    "0.00", "s1 25.00, s2 20.00")] // a level of 20 together
    // pays: bid
    [InlineData("12.50 pays bid, 11.00",         "",                             1, "5.00",  "0.00", "x1 12.50")]
    [InlineData("12.50, 11.00 pays bid",         "",                             1, "5.00",  "0.00", "x1 11.00")]   // it counts as it ranks
    [InlineData("12.50 pays bid",                "",                             1, "5.00",  "0.00", "x1 12.50")]
    [InlineData("",                              "27 pays bid, 24, 21, 19",      3, "15.00", "0.00", "s1 27.00, s2 19.00, s3 19.00")]
    [InlineData("62",                            "27 pays bid, 24, 21, 19",      3, "15.00", "0.00", "s1 27.00, s2 20.67, s3 20.67")] // the others pay what they would beside one who pays as they do
    // maxima
    [InlineData("14.00 cut to 12.00, 11.00",     "",                             1, "5.00",  "0.00", "x1 11.00")]
    [InlineData("14.00 cut to 10.00, 11.00",     "",                             1, "5.00",  "0.00", "x2 10.00")]   // what is cut ranks as cut
    [InlineData("14.00 declines above 12.00, 11.00", "",                         1, "5.00",  "0.00", "x2 5.00")]    // it made no bid
    [InlineData("14.00 declines above 12.00",    "",                             1, "5.00",  "0.00", "no_bids")]
    // one company is no competition to itself
    [InlineData("12.00 of a, 11.00 of a, 7.00",  "",                             1, null,    "0.50", "x1 7.50")]
    [InlineData("12.00 of a, 11.00 of a",        "",                             1, "5.00",  "0.50", "x1 5.00")]
    [InlineData("",                              "27 of a, 24 of a, 21, 19, 18", 2, null,    "0.50", "s1 19.50, s3 19.50")]
    [InlineData("30 of a",                       "27 of a, 26",                  2, null,    "0.00", "s1 27.00, s2 26.00")] // its own exclusive bid is none either
    public void SecondPrice_BidsFloorAndIncrement_GivePrices(string exclusive, string shared, int copies, string? floor, string increment, string told) =>
        Market.Tell(Of(TierPricing.SecondPrice, exclusive, shared, copies, floor, increment).Run()).ShouldBe(told);

    [Theory]
    [InlineData("12.50, 11.00",                  "",                             1, "x1 12.50")]
    [InlineData("62",                            "27, 24, 21, 19",               3, "s1 27.00, s2 24.00, s3 21.00")]
    [InlineData("12.50 handicap 20%, 11.00",     "",                             1, "x2 11.00")]   // ranks lower, and pays the same where it wins
    [InlineData("14.00 handicap 20%, 11.00",     "",                             1, "x1 14.00")]
    [InlineData("14.00 cut to 12.00, 11.00",     "",                             1, "x1 12.00")]
    public void FirstPrice_EachPaysItsBid_AndAnIncrementMeansNothing(string exclusive, string shared, int copies, string told) =>
        Market.Tell(Of(TierPricing.FirstPrice, exclusive, shared, copies, "5.00", "0.50").Run()).ShouldBe(told);

    [Theory]
    //          exclusive             shared            copies prices, whoever has them
    [InlineData("12.50, 12.50, 11",   "",               1, "x 12.50")]
    [InlineData("9, 9, 9",            "",               1, "x 9.00")]
    [InlineData("",                   "27, 21, 21, 21", 2, "s 21.00, s 21.00")]
    [InlineData("",                   "21, 21, 21",     3, "s 5.00, s 5.00, s 5.00")]
    [InlineData("42",                 "21, 21, 21",     2, "x 42.00")]                  // equal = exclusive, which pays the best shared total
    [InlineData("27",                 "27, 27",         1, "x 27.00")]
    public void SecondPrice_Ties_PayTheSameWhoeverIsDrawn(string exclusive, string shared, int copies, string told)
    {
        var market = Of(TierPricing.SecondPrice, exclusive, shared, copies, "5.00", "0.00");
        for (ulong seed = 0; seed < 50; seed++)
        {
            var outcome = market.Run(Market.Ping() with { Seed = seed });
            string.Join(", ", outcome.Offers.Select(offer => $"{outcome.Bids[offer.BidIndex].Campaign[0]} {offer.Price}")).ShouldBe(told);
        }
    }

    private static Market Of(TierPricing pricing, string exclusive, string shared, int copies, string? floor, string increment)
    {
        var bids = TradeBids.Read(exclusive, shared);
        return new()
        {
            Campaigns = bids,
            Tiers = [new(TierMethod.Auction, [.. bids.Select(bid => bid.Id)]) { Pricing = pricing, Copies = copies, Floor = floor, Increment = increment }],
        };
    }
}
