using System.Runtime.InteropServices;
using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// Who has a copy when its winner falls out, and at which price. The publisher gets exactly the promise.
/// </summary>
public static class FallThrough
{
    /// <summary>
    /// The next bid in rank that can pay the promise: it pays what its tier's rule asks of it among those that remain, or the lowest price whose payout
    /// is the promise (and leaves the house its least margin), whichever is more; if that is above its bid, the one after it. The tier's bids first,
    /// then those of later tiers in walk order. An exclusive copy goes only to exclusive bids, a shared one only to shared bids.
    /// Null: nobody can pay the promise.
    /// </summary>
    /// <param name="model">The catalog the ping was walked on.</param>
    /// <param name="unavailable">
    /// Indexes of bids that fell out, and of all bids of companies that hold another copy of this lead.
    /// </param>
    /// <param name="offer">The offer whose promise is to be kept. One that none of these bids made has a bid index of -1: then every tier is walked.</param>
    /// <param name="subject">The ping's, for the publisher's payout rules; its bid's members are overwritten.</param>
    /// <param name="namedSellers">Where given, a bid whose seller must be named goes only to these (compared without case).</param>
    public static NextRank? Next(
        CatalogModel model, PingRecord record, IReadOnlySet<int> unavailable, Offer offer, Subject subject, IReadOnlyCollection<string>? namedSellers = null)
    {
        if (!model.Publishers.TryGetValue(record.Publisher, out var publisher) || !publisher.Verticals.TryGetValue(record.Vertical, out var rules)) return null;
        var tree = record.Tree is { } id && model.Trees.TryGetValue(id, out var found) ? found : null;
        var first = offer.BidIndex < 0 ? 0 : record.Bids[offer.BidIndex].Tier;
        for (var i = 0; i < record.Bids.Length; i++)
        {
            var bid = record.Bids[i];
            if (bid.Tier < first || bid.Sharing != offer.Sharing || i == offer.BidIndex || unavailable.Contains(i)) continue;
            if (namedSellers is not null && bid.Seller is { } seller && !namedSellers.Contains(seller, StringComparer.OrdinalIgnoreCase)) continue;
            var price = PriceFor(model, tree, record, unavailable, offer, i);
            subject.Buyer = bid.Buyer;
            subject.Campaign = bid.Campaign;
            subject.Sharing = bid.Sharing;
            if (rules.Payout.LowestPrice(offer.Payout, subject, model.PriceStep) is not { } pays) continue;
            price = Money.Max(Money.Max(price, pays), (offer.Payout + rules.Payout.MinMargin).RaiseTo(model.PriceStep));
            if (price <= bid.Bid) return new NextRank(i, price);
        }
        return null;
    }

    private static Money PriceFor(CatalogModel model, TreeModel? tree, PingRecord record, IReadOnlySet<int> unavailable, Offer offer, int index)
    {
        var bid = record.Bids[index];
        var tier = tree is not null && bid.Tier < tree.Tiers.Count ? tree.Tiers[bid.Tier] : null;
        if (tier is null || tier.Method != TierMethod.Auction) return bid.Bid;
        // The bids that remain in rank order, this one among them; then the other best offers of this tier, which count as sold.
        var counting = new List<RankedBid>();
        var winners = new List<int>();
        for (var i = 0; i < record.Bids.Length; i++)
        {
            if (record.Bids[i].Tier != bid.Tier || i == offer.BidIndex || unavailable.Contains(i)) continue;
            if (i == index) winners.Add(counting.Count);
            counting.Add(record.Bids[i]);
        }
        foreach (var other in bid.Sharing == Sharing.Shared ? record.Offers : [])
        {
            var rival = record.Bids[other.BidIndex];
            if (!other.Best || other.OfferId == offer.OfferId || rival.Tier != bid.Tier || rival.Company == bid.Company) continue;
            winners.Add(counting.Count);
            counting.Add(rival);
        }
        Span<Money> prices = stackalloc Money[winners.Count];
        var terms = new AuctionTerms(Math.Min(tier.Copies, TreeWalk.CopiesFor(tree!, record.MaxCopies)), model.PriceStep, tier.Increment);
        AuctionRules.Of(tier.Pricing).Price(CollectionsMarshal.AsSpan(counting), CollectionsMarshal.AsSpan(winners), terms, prices);
        return prices[0];
    }
}
