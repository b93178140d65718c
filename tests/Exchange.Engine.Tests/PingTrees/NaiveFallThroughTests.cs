using CsCheck;
using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.Auctions;
using Exchange.Engine.Tests.Pricing;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.PingTrees;

/// <summary>Random leads whose winners refuse one after another, against a twin that tries every price step by step.</summary>
public class NaiveFallThroughTests
{
    private static readonly Money Step = Money.Parse("0.05");

    [Fact]
    public void Next_AnyWinnersRefuse_IsWhoTheNaiveTwinFinds() =>
        Gen.Select(RandomMarkets.All, RandomMarkets.Pings, Gen.Int[0, 19].Array[8]).Sample((drawn, ping, refusals) =>
        {
            var (market, share, minMargin) = drawn;
            var record = Market.Record(ping, market.Run(ping));
            var holders = record.Offers.Where(offer => offer.Best).ToDictionary(offer => offer, offer => offer.BidIndex);
            var gone = new HashSet<int>();
            foreach (var refusal in refusals)
            {
                if (holders.Count == 0) return;
                var offer = holders.Keys.OrderBy(offer => offer.OfferId, StringComparer.Ordinal).ElementAt(refusal % holders.Count);
                gone.Add(holders[offer]);
                holders.Remove(offer);
                int[] holding = [.. holders.Values];
                var unavailable = Enumerable.Range(0, record.Bids.Length)
                    .Where(i => gone.Contains(i) || holding.Any(held => record.Bids[held].Company == record.Bids[i].Company)).ToHashSet();
                var next = FallThrough.Next(market.Model, record, unavailable, holding, offer, TestSubject.Of());
                (next is { } found ? ((int, Money)?)(found.BidIndex, found.Price) : null).ShouldBe(Twin(market, record, share, minMargin, unavailable, holding, offer));
                if (next is not { } taken) continue;
                holders[offer] = taken.BidIndex;
                // Whoever has it pays the promise and the margin, and never more than it bid.
                (taken.Price <= record.Bids[taken.BidIndex].Bid && taken.Price - offer.Payout >= new Money((long)(minMargin * Money.MicrosPerUnit))).ShouldBeTrue();
            }
        }, iter: 10_000);

    private static (int, Money)? Twin(Market market, PingRecord record, decimal share, decimal minMargin, HashSet<int> unavailable, int[] holding, Offer offer)
    {
        var promise = (decimal)offer.Payout.Micros / Money.MicrosPerUnit;
        var least = 0m;
        while (Math.Round(least * share / 0.05m, MidpointRounding.ToEven) * 0.05m < promise || least - promise < minMargin) least += 0.05m;
        for (var i = 0; i < record.Bids.Length; i++)
        {
            var bid = record.Bids[i];
            if (unavailable.Contains(i) || bid.Sharing != offer.Sharing || bid.Tier < record.Bids[offer.BidIndex].Tier) continue;
            var tier = market.Tiers[bid.Tier];
            var inTier = holding.Where(held => record.Bids[held].Tier == bid.Tier).ToArray();
            if (inTier.Length >= tier.Copies) continue;
            if (tier.Group is { } group && holding.Count(held => market.Tiers[record.Bids[held].Tier].Group == group) >= group.Copies) continue;
            var price = Money.Max(new((long)(least * Money.MicrosPerUnit)), Asked(market, tier, record, unavailable, inTier, i));
            if (price <= bid.Bid) return (i, price);
        }
        return null;
    }

    private static Money Asked(Market market, Tier tier, PingRecord record, HashSet<int> unavailable, int[] holding, int index)
    {
        var bid = record.Bids[index];
        if (tier.Method != TierMethod.Auction) return bid.Bid;
        var copies = Math.Min(Math.Min(tier.Copies, tier.Group?.Copies ?? 20), Math.Min(market.Copies ?? market.Tiers.Max(each => each.Copies), record.MaxCopies));
        var held = holding.Select(i => record.Bids[i]).ToArray();
        var remaining = Enumerable.Range(0, record.Bids.Length).Where(i => record.Bids[i].Tier == bid.Tier && !unavailable.Contains(i)).Select(i => record.Bids[i]);
        return NaiveAuction.Prices([.. remaining, .. held], [bid, .. held], new AuctionTerms(copies, Step, Money.Parse(tier.Increment)), tier.Pricing)[0];
    }
}
