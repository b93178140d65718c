using Exchange.Engine.Catalog;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Auctions;

/// <summary>From the price to the publisher: payouts, least margins, the publisher's least payout, and each amount rounded once.</summary>
public class MarginTableTests
{
    [Theory]
    //          payout         min_margin bids             floor   price − payout = margin
    [InlineData("share 80%",   "0.00", "12.50, 11.00",  "5.00", "11.00 - 8.80 = 2.20")]
    [InlineData("share 75%",   "1.50", "5.98, 5.97",    null,   "5.98 - 4.48 = 1.50")]   // 5.97 would leave 1.49: it does not count
    [InlineData("share 75%",   "1.50", "5.97",          null,   "all_below_floor")]
    [InlineData("share 75%",   "1.50", "9.00, 5.98",    null,   "5.98 - 4.48 = 1.50")]
    [InlineData("share 75%",   "1.50", "9.00",          null,   "5.98 - 4.48 = 1.50")]   // a lone bid pays its floor, which the margin makes
    [InlineData("share 75%",   "1.50", "9.00",          "7.00", "7.00 - 5.25 = 1.75")]   // the higher of the two
    [InlineData("share 75%",   "1.50", "9.00",          "5.00", "5.98 - 4.48 = 1.50")]
    [InlineData("fixed 5.00",  "1.50", "8.00",          null,   "6.50 - 5.00 = 1.50")]
    [InlineData("fixed 5.00",  "1.50", "8.00, 7.10",    null,   "7.10 - 5.00 = 2.10")]
    [InlineData("fixed 5.00",  "1.50", "6.50",          null,   "6.50 - 5.00 = 1.50")]
    [InlineData("fixed 5.00",  "1.50", "6.49",          null,   "all_below_floor")]
    [InlineData("fixed 5.00",  "0.00", "4.99",          null,   "all_below_floor")]      // too low for the publisher's payout
    [InlineData("margin 2.00", "0.00", "7.00, 5.00",    null,   "5.00 - 3.00 = 2.00")]
    [InlineData("margin 2.00", "2.50", "7.00, 5.00",    null,   "all_below_floor")]      // the house never keeps more than 2.00
    [InlineData("share 100%",  "0.00", "7.00, 5.00",    null,   "5.00 - 5.00 = 0.00")]
    [InlineData("share 0%",    "0.00", "7.00, 5.00",    null,   "5.00 - 0.00 = 5.00")]
    [InlineData("share 50%",   "0.00", "7.00, 5.01",    null,   "5.01 - 2.50 = 2.51")]   // half a cent goes to the even side
    [InlineData("share 50%",   "0.00", "7.00, 5.03",    null,   "5.03 - 2.52 = 2.51")]
    public void Price_PayoutAndMargin_AddUpToIt(string payout, string minMargin, string bids, string? floor, string told)
    {
        var outcome = Of(bids, floor, Payout(payout, minMargin)).Run();
        var found = outcome.Outcome != Reason.None ? outcome.Outcome.Wire() : Tell(outcome.Offers.ShouldHaveSingleItem());
        found.ShouldBe(told);
    }

    [Theory]
    // Steps of a micro; the offer is 11.000001 at 80%: 8.8000008, paid as 8.800001.
    //          min_payout    answer
    [InlineData("8.80",       "11.000001 - 8.800001 = 2.20")]
    [InlineData("8.800001",   "11.000001 - 8.800001 = 2.20")] // it refuses, it never raises a price
    [InlineData("8.800002",   "min_payout")]
    [InlineData("20.00",      "min_payout")]
    public void MinPayout_IsHonouredToTheMicro(string minPayout, string told)
    {
        var outcome = Of("12.50, 11.000001", "5.00", Payout("share 80%", "0.00"), step: "0.000001").Run(Market.Ping() with { MinPayout = Money.Parse(minPayout) });
        (outcome.Outcome != Reason.None ? outcome.Outcome.Wire() : Tell(outcome.Offers.ShouldHaveSingleItem())).ShouldBe(told);
    }

    [Theory]
    // Three copies: what they pay together is what counts.
    [InlineData("49.62",      "s1 20.67 - 16.54 = 4.13, s2 20.67 - 16.54 = 4.13, s3 20.67 - 16.54 = 4.13")]
    [InlineData("49.620001",  "min_payout")]
    public void MinPayout_OfSharedCopies_IsAskedOfTheirSum(string minPayout, string told)
    {
        var bids = TradeBids.Read("62", "27, 24, 21, 19");
        var market = new Market
        {
            Campaigns = bids, Payout = Payout("share 80%", "0.00"),
            Tiers = [new(TierMethod.Auction, [.. bids.Select(bid => bid.Id)]) { Pricing = TierPricing.SecondPrice, Copies = 3, Floor = "15.00" }],
        };
        var outcome = market.Run(Market.Ping() with { MinPayout = Money.Parse(minPayout), MaxCopies = 3 });
        // 62 ÷ 3 = 20.6666… is raised to 20.67; 80% of that is 16.536, paid as 16.54. From 20.6666… it would be 16.53.
        (outcome.Outcome != Reason.None ? outcome.Outcome.Wire()
            : string.Join(", ", outcome.Offers.Select(offer => $"{outcome.Bids[offer.BidIndex].Campaign} {Tell(offer)}"))).ShouldBe(told);
    }

    [Theory]
    //          step    bids                          increment price − payout = margin, at 80%
    [InlineData("0.25", "12.60, 11.10",               "0.00", "11.00 - 8.75 = 2.25")]   // both cut before they rank; 8.80 is nearest to 8.75
    [InlineData("0.25", "12.60, 12.74",               "0.00", "12.50 - 10.00 = 2.50")]  // equal once cut
    [InlineData("0.25", "12.60, 11.10",               "0.10", "11.25 - 9.00 = 2.25")]   // 11.10 raised once, with the increment
    [InlineData("0.25", "13.00 handicap 10%, 11.00",  "0.00", "12.25 - 9.75 = 2.50")]   // 12.2222… raised; 9.80 is nearest to 9.75
    [InlineData("1.00", "13.00 handicap 10%, 11.00",  "0.10", "13.00 - 10.00 = 3.00")]  // 12.3333… raised; 10.40
    [InlineData("0.50", "9.90, 6.20",                 "0.00", "6.00 - 5.00 = 1.00")]
    public void Amounts_OfAnyStep_AreRoundedOnce(string step, string bids, string increment, string told) =>
        Tell(Of(bids, null, Payout("share 80%", "0.00"), step, increment).Run().Offers.ShouldHaveSingleItem()).ShouldBe(told);

    private static string Tell(Offer offer) => $"{offer.Price} - {offer.Payout} = {offer.Price - offer.Payout}";

    private static PayoutModel Payout(string text, string minMargin)
    {
        var (kind, amount) = (text.Split(' ')[0], text.Split(' ')[1]);
        var terms = kind switch
        {
            "share" => PayoutTerms.Share(Percent.TryParse(amount, out var share) ? share : throw new FormatException(amount)),
            "fixed" => PayoutTerms.Fixed(Money.Parse(amount)),
            _ => PayoutTerms.Margin(Money.Parse(amount)),
        };
        return new([], terms, Money.Parse(minMargin));
    }

    private static Market Of(string bids, string? floor, PayoutModel payout, string step = "0.01", string increment = "0.00")
    {
        var wants = TradeBids.Read(bids, "");
        return new()
        {
            Campaigns = wants, Payout = payout, Step = step,
            Tiers = [new(TierMethod.Auction, [.. wants.Select(bid => bid.Id)]) { Pricing = TierPricing.SecondPrice, Floor = floor, Increment = increment }],
        };
    }
}
