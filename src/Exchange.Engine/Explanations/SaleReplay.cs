using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>Which of a walk's bids the tree sold to, found by selling them again.</summary>
internal sealed class SaleReplay
{
    private readonly RankedBid[] bids;
    private readonly HashSet<int> sold = [];
    private readonly HashSet<int> couldSell = [];
    private readonly int[] copiesAtTier;

    /// <param name="all">Every bid that cleared, as ranked.</param>
    public SaleReplay(CatalogModel model, TreeModel tree, RankedBid[] all, int maxCopies)
    {
        bids = all;
        var sale = new TreeSale();
        sale.Begin(TreeWalk.CopiesFor(tree, maxCopies), model.PriceStep);
        copiesAtTier = new int[tree.Tiers.Count];
        for (var first = 0; first < bids.Length;)
        {
            var tier = tree.Tiers[bids[first].Tier];
            var end = first;
            for (; end < bids.Length && bids[end].Tier == tier.Index; end++) if (sale.RoomOf(tier) > 0 && sale.Takes(bids[end])) couldSell.Add(end);
            var ranked = bids.AsSpan(first, end - first);
            copiesAtTier[tier.Index] = sale.RoomOf(tier);
            // A rotation's bids stand in the order of their turns.
            if (tier.Method == TierMethod.Auction) sale.Auction(tier, ranked, first); else sale.InOrder(tier, ranked, first, tier.Copies);
            first = end;
        }
        foreach (var copy in sale.Sold) sold.Add(copy.BidIndex);
    }

    public bool IsSold(int place) => sold.Contains(place);

    /// <summary>False: earlier tiers had sold all copies, or one to its company, or one and this bid is exclusive.</summary>
    public bool CouldSell(int place) => couldSell.Contains(place);

    /// <summary>How much more this losing bid had to be to win its auction for sure; null: no bid would (its handicap is the whole).</summary>
    public Money? BidMore(TierModel tier, int place, Money step)
    {
        var bid = bids[place];
        var whole = Percent.One - bid.Handicap.Millionths;
        if (whole <= 0) return null;
        var others = new List<RankedBid>();
        for (var i = 0; i < bids.Length; i++) if (i != place && bids[i].Tier == tier.Index && CouldSell(i)) others.Add(bids[i]);
        var rivals = others.ToArray();
        var copies = copiesAtTier[tier.Index];
        Int128 exclusive = -1;
        foreach (var rival in rivals) if (rival.Sharing == Sharing.Exclusive) exclusive = Int128.Max(exclusive, SealedRanking.RankOf(rival));
        Int128 needed;
        if (bid.Sharing == Sharing.Exclusive)
        {
            // Equal to the best shared total is enough; an equal exclusive bid would be drawn for.
            needed = Int128.Max(exclusive + 1, BestSharedSet.Choose(rivals, copies, default, default, out _));
        }
        else
        {
            // In the set it must stand before whom it would push out, and with it the set must beat the best exclusive bid.
            ReadOnlySpan<RankedBid> own = [bid];
            var full = BestSharedSet.Choose(rivals, copies, own, default, out var count);
            var beside = BestSharedSet.Choose(rivals, copies - 1, own, default, out _);
            needed = Int128.Max(count == copies ? full - beside + 1 : 0, exclusive - beside + 1);
            foreach (var rival in rivals)
                if (rival.Sharing == Sharing.Shared && rival.Company == bid.Company) needed = Int128.Max(needed, SealedRanking.RankOf(rival) + 1);
        }
        var micros = (needed + whole - 1) / whole;
        if (micros > long.MaxValue / 2) return null;
        var asked = new Money((long)micros).RaiseTo(step);
        return asked > bid.Bid ? asked - bid.Bid : Money.Zero;
    }
}
