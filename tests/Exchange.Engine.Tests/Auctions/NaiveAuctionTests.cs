using CsCheck;
using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Auctions;

/// <summary>What holds of any auction: first against the naive twin, then what buyers and publishers are promised.</summary>
public class NaiveAuctionTests
{
    [Fact]
    public void Auction_AnyBids_SellsAsTheNaiveTwin() =>
        RandomAuction.All.Sample(auction =>
        {
            var sold = auction.Sold();
            var winners = sold.Select(copy => copy.Bid).ToArray();
            NaiveAuction.MayWin(auction.Bids, winners, auction.Terms.Copies).ShouldBeTrue();
            sold.Select(copy => copy.Price).ShouldBe(NaiveAuction.Prices(auction.Bids, winners, auction.Terms, auction.Pricing));
            winners.Select(NaiveAuction.Rank).ShouldBe(winners.Select(NaiveAuction.Rank).OrderDescending());
        }, iter: 20_000);

    [Fact]
    public void Price_OfAnyWinner_IsNeitherAboveItsBidNorBelowItsFloor_InWholeSteps() =>
        RandomAuction.All.Sample(auction =>
        {
            foreach (var (bid, price) in auction.Sold())
            {
                (price >= bid.Floor && price <= bid.Bid).ShouldBeTrue();
                (price.Micros % auction.Terms.Step.Micros).ShouldBe(0);
                if (bid.Of.Bid.PaysBid) price.ShouldBe(bid.Bid);
            }
        }, iter: 20_000);

    [Fact]
    public void SecondPrice_WinnerBidsMore_PaysTheSame() =>
        Gen.Select(RandomAuction.All, Gen.Int[0, 8], Gen.Int[1, 30]).Sample((auction, which, more) =>
        {
            auction = auction with { Pricing = TierPricing.SecondPrice };
            var sold = auction.Sold();
            if (sold.Length == 0) return;
            var (bid, price) = sold[which % sold.Length];
            var place = Array.IndexOf(auction.Bids, bid);
            var again = auction.With(place, bid.Bid + new Money(auction.Terms.Step.Micros * more)).Sold();
            var now = again.Single(copy => copy.Bid.Campaign == bid.Campaign);
            // Who pays its whole bid may have paid it because it could not give more: then a higher bid may cost more, else never.
            if (bid.Of.Bid.PaysBid) now.Price.ShouldBe(now.Bid.Bid);
            else if (price < bid.Bid) now.Price.ShouldBe(price);
            else now.Price.ShouldBeGreaterThanOrEqualTo(price);
        }, iter: 20_000);

    [Fact]
    public void SecondPrice_WinnerOfPlainBids_BidsMore_PaysTheSameAlways() =>
        Gen.Select(RandomAuction.Plain, Gen.Int[1, 30]).Sample((auction, more) =>
        {
            var (bid, price) = auction.Sold().ShouldHaveSingleItem();
            var again = auction.With(Array.IndexOf(auction.Bids, bid), bid.Bid + new Money(auction.Terms.Step.Micros * more)).Sold().ShouldHaveSingleItem();
            (again.Bid.Campaign, again.Price).ShouldBe((bid.Campaign, price));
        }, iter: 5_000);

    [Fact]
    public void SecondPrice_LosingBidBelowThePrice_ChangesNothingWhileItStaysThere() =>
        Gen.Select(RandomAuction.Plain, Gen.Int[0, 5], Gen.Int[0, 39]).Sample((auction, which, steps) =>
        {
            var (bid, price) = auction.Sold().ShouldHaveSingleItem();
            var place = which % auction.Bids.Length;
            var other = new Money(auction.Terms.Step.Micros * steps);
            if (auction.Bids[place].Bid >= price || other >= price) return;
            var again = auction.With(place, other).Sold().ShouldHaveSingleItem();
            (again.Bid, again.Price).ShouldBe((bid, price));
        }, iter: 20_000);

    [Fact]
    public void SharedLevel_BidBelowTheBestLeftOut_ChangesNothingWhileItStaysThere() =>
        Gen.Select(RandomAuction.Plain, Gen.Int[0, 5], Gen.Int[0, 39]).Sample((auction, which, steps) =>
        {
            auction = auction with { Bids = [.. auction.Bids.Select(bid => bid with { Sharing = Sharing.Shared })], Terms = auction.Terms with { Copies = 2 } };
            var sold = auction.Sold();
            var level = auction.Bids.Where(bid => sold.All(copy => copy.Bid != bid)).Max(bid => bid.Bid);
            var place = which % auction.Bids.Length;
            var other = new Money(auction.Terms.Step.Micros * steps);
            if (auction.Bids[place].Bid >= level || other >= level) return;
            auction.With(place, other).Sold().ShouldBe(sold);
        }, iter: 20_000);

    [Fact]
    public void Auction_SameSeed_SellsTheSameInWhateverOrderTheBidsCame() =>
        Gen.Select(RandomAuction.All, Gen.Int[0, 1_000]).Sample((auction, turn) =>
        {
            var bids = auction.Bids;
            if (bids.Length == 0) return;
            var moved = bids[(turn % bids.Length)..].Concat(bids[..(turn % bids.Length)]).Reverse().ToArray();
            (auction with { Bids = moved }).Sold().ShouldBe(auction.Sold());
        }, iter: 5_000);
}
