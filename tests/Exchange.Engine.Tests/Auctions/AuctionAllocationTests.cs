using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Auctions;

public class AuctionAllocationTests
{
    [Theory]
    [InlineData(TierPricing.FirstPrice)]
    [InlineData(TierPricing.SecondPrice)]
    public void Auction_AfterWarmUp_AllocatesNothing(TierPricing pricing)
    {
        var terms = new AuctionTerms(3, Money.Parse("0.01"), Money.Parse("0.25"));
        // Ties, weights, handicaps, one company twice; an exclusive winner, a shared level, a level raised to match, a lone bid, nobody.
        Bidding[] auctions =
        [
            Bidding.Of(Bids("75", "62", "27 27 24 21 19 19"), terms, pricing, Money.Parse("15.00")),
            Bidding.Of(Bids("62", "61", "27 27 24 21 19 19"), terms, pricing, Money.Parse("15.00")),
            Bidding.Of(Bids("", "", "27 24 21 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19 19"), terms, pricing),
            Bidding.Of(Bids("12.50", "", ""), terms, pricing, Money.Parse("5.00")),
            Bidding.Of(Bids("12.50", "12.50", ""), terms with { Copies = 20 }, pricing),
            Bidding.Of([], terms, pricing),
        ];
        var won = 0;
        for (ulong seed = 0; seed < 200; seed++) foreach (var auction in auctions) won += auction.Run(seed);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (ulong seed = 0; seed < 1_000; seed++) foreach (var auction in auctions) won += auction.Run(seed);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
        won.ShouldBe(1_200 * (1 + 3 + 3 + 1 + 1 + 0));
    }

    private static Wants[] Bids(string exclusive, string another, string shared) =>
    [
        .. Split($"{exclusive} {another}").Select((bid, i) => new Wants($"x{i}", bid) { Weight = i + 1, PaysBid = i == 1 }),
        .. Split(shared).Select((bid, i) => new Wants($"s{i}", bid) { Sharing = Sharing.Shared, Weight = i % 3, Handicap = i % 4 == 3 ? "10%" : "0%", Company = i == 1 ? "s0" : null }),
    ];

    private static string[] Split(string bids) => bids.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
