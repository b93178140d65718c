using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>A bid that lost to higher ones, as its buyer may be told.</summary>
/// <param name="MinimumToWin">What would have beaten the bids that won, whatever the other losers bid; not yet rounded. Null: no bid would have.</param>
public sealed record Loss(CampaignModel Campaign, Money? MinimumToWin);

/// <summary>
/// What a buyer may know of a ping that it lost. It never depends on another loser's bid: only on its own and on those that were offered.
/// </summary>
public static class Losses
{
    /// <summary>A buyer's campaigns that were outbid at this ping, each once, by its bid that came nearest.</summary>
    /// <param name="model">The catalog version of the record.</param>
    public static IReadOnlyList<Loss> Of(CatalogModel model, PingRecord record, string buyer)
    {
        if (record.Outcome != Reason.None || record.Tree is null || !model.Trees.TryGetValue(record.Tree, out var tree)) return [];
        // Few pings are bid on by one buyer: whoever stands not among the bids kept is looked for only where there are more.
        if (record.Bids.Length < Limits.BidsInRecord && !Array.Exists(record.Bids, bid => bid.Buyer == buyer)) return [];
        var bids = record.Bids.Length < Limits.BidsInRecord ? record.Bids : [.. Explainer.Explain(model, record).Bids];
        var sale = new SaleReplay(model, tree, bids, record.MaxCopies);
        var losses = new List<Loss>();
        for (var i = 0; i < bids.Length; i++)
        {
            var bid = bids[i];
            if (bid.Buyer != buyer || HasWon(bids, sale, bid.Of)) continue;
            var tier = tree.Tiers[bid.Tier];
            // Another's turn, another's share or an earlier tier is the house's affair; a list's order no bid changes.
            if (tier.Method is not (TierMethod.Auction or TierMethod.Priority) || !sale.CouldSell(bid)) continue;
            var minimum = tier.Method == TierMethod.Auction ? sale.MinimumToWin(tier, bid, model.PriceStep) : null;
            var known = losses.FindIndex(loss => ReferenceEquals(loss.Campaign, bid.Of));
            if (known < 0) losses.Add(new(bid.Of, minimum));
            else if (minimum < (losses[known].MinimumToWin ?? Money.MaxValue)) losses[known] = new(bid.Of, minimum);
        }
        return losses;
    }

    private static bool HasWon(RankedBid[] bids, SaleReplay sale, CampaignModel campaign)
    {
        for (var i = 0; i < bids.Length; i++) if (ReferenceEquals(bids[i].Of, campaign) && sale.IsSold(i)) return true;
        return false;
    }
}
