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
    /// then those of later tiers in walk order, as far as these may still sell. An exclusive copy goes only to exclusive bids, a shared one only to
    /// shared bids. Null: nobody can pay the promise.
    /// </summary>
    /// <param name="model">The catalog the ping was walked on.</param>
    /// <param name="unavailable">
    /// Indexes of bids that fell out, and of all bids of companies that hold another copy of this lead.
    /// </param>
    /// <param name="holding">Indexes of the bids by which the other copies of this lead are held or sold, as far as this record has them.</param>
    /// <param name="offer">The offer whose promise is to be kept. One that none of these bids made has a bid index of -1: then every tier is walked.</param>
    /// <param name="subject">The ping's, for the publisher's payout rules; its bid's members are overwritten.</param>
    /// <param name="namedSellers">Where given, a bid whose seller must be named goes only to these (compared without case).</param>
    public static NextRank? Next(
        CatalogModel model, PingRecord record, IReadOnlySet<int> unavailable, IReadOnlyList<int> holding, Offer offer, Subject subject,
        IReadOnlyCollection<string>? namedSellers = null)
    {
        if (!model.Publishers.TryGetValue(record.Publisher, out var publisher) || !publisher.Verticals.TryGetValue(record.Vertical, out var rules)) return null;
        var tree = record.Tree is { } id && model.Trees.TryGetValue(id, out var found) ? found : null;
        var first = offer.BidIndex < 0 ? 0 : record.Bids[offer.BidIndex].Tier;
        for (var i = 0; i < record.Bids.Length; i++)
        {
            var bid = record.Bids[i];
            if (bid.Tier < first || bid.Sharing != offer.Sharing || i == offer.BidIndex || unavailable.Contains(i)) continue;
            if (namedSellers is not null && bid.Seller is { } seller && !namedSellers.Contains(seller, StringComparer.OrdinalIgnoreCase)) continue;
            var tier = tree is not null && bid.Tier < tree.Tiers.Count ? tree.Tiers[bid.Tier] : null;
            if (tier is not null && !MaySell(tree!, tier, record, holding)) continue;
            subject.Buyer = bid.Buyer;
            subject.Campaign = bid.Campaign;
            subject.Sharing = bid.Sharing;
            if (rules.Payout.LowestPrice(offer.Payout, subject, model.PriceStep) is not { } pays) continue;
            var least = Money.Max(pays, (offer.Payout + rules.Payout.MinMargin).RaiseTo(model.PriceStep));
            if (least > bid.Bid) continue;
            var price = tier is { Method: TierMethod.Auction } ? ByRule(model, tree!, tier, record, unavailable, holding, offer, i) : bid.Bid;
            return new NextRank(i, Money.Max(price, least));
        }
        return null;
    }

    /// <summary>Whether one more copy stays within what the tier may sell and the trees on the way to it.</summary>
    private static bool MaySell(TreeModel tree, TierModel tier, PingRecord record, IReadOnlyList<int> holding)
    {
        var sold = 0;
        foreach (var held in holding) if (record.Bids[held].Tier == tier.Index) sold++;
        if (sold >= tier.Copies) return false;
        foreach (var group in tier.Groups)
        {
            sold = 0;
            foreach (var held in holding) if (tree.Tiers[record.Bids[held].Tier].Groups.Contains(group)) sold++;
            if (sold >= group.Copies) return false;
        }
        return true;
    }

    /// <summary>What the tier's auction asks of a bid that takes the place of one that fell out; never above the bid.</summary>
    private static Money ByRule(
        CatalogModel model, TreeModel tree, TierModel tier, PingRecord record, IReadOnlySet<int> unavailable, IReadOnlyList<int> holding, Offer offer, int index)
    {
        // The bids that remain in rank order, this one among them; then those that hold the other copies: one level for all who share the lead.
        var counting = new List<RankedBid>();
        var winners = new List<int>();
        for (var i = 0; i < record.Bids.Length; i++)
        {
            if (record.Bids[i].Tier != tier.Index || i == offer.BidIndex || unavailable.Contains(i)) continue;
            if (i == index) winners.Add(counting.Count);
            counting.Add(record.Bids[i]);
        }
        foreach (var held in holding)
        {
            if (record.Bids[held].Tier != tier.Index) continue;
            winners.Add(counting.Count);
            counting.Add(record.Bids[held]);
        }
        var copies = Math.Min(tier.Copies, TreeWalk.CopiesFor(tree, record.MaxCopies));
        foreach (var group in tier.Groups) copies = Math.Min(copies, group.Copies);
        Span<Money> prices = stackalloc Money[winners.Count];
        var terms = new AuctionTerms(copies, model.PriceStep, tier.Increment);
        AuctionRules.Of(tier.Pricing).Price(CollectionsMarshal.AsSpan(counting), CollectionsMarshal.AsSpan(winners), terms, prices);
        return prices[0];
    }
}
