using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>Which of a walk's bids the tree sold to, found by selling them again; and what another bid would have needed to be sold.</summary>
internal sealed class SaleReplay
{
    /// <summary>A tier when its turn came: its bids, how many copies it could sell, how many were sold before it.</summary>
    private readonly record struct Stand(int First, int End, int Room, int SoldBefore, bool WasClosed);

    private readonly RankedBid[] bids;
    private readonly Stand[] stands;
    private readonly List<SoldCopy> sold;

    /// <param name="all">Every bid that cleared, as ranked.</param>
    public SaleReplay(CatalogModel model, TreeModel tree, RankedBid[] all, int maxCopies)
    {
        bids = all;
        var sale = new TreeSale();
        sale.Begin(TreeWalk.CopiesFor(tree, maxCopies), model.PriceStep);
        stands = new Stand[tree.Tiers.Count];
        var first = 0;
        foreach (var tier in tree.Tiers)
        {
            var end = first;
            while (end < bids.Length && bids[end].Tier == tier.Index) end++;
            stands[tier.Index] = new(first, end, sale.RoomOf(tier), sale.Sold.Count, sale.IsClosed);
            // A rotation's bids stand in the order of their turns, those of shares in the order of theirs.
            if (end > first)
            {
                if (tier.Method == TierMethod.Auction) sale.Auction(tier, bids.AsSpan(first, end - first), first);
                else sale.InOrder(tier, bids.AsSpan(first, end - first), first, tier.Copies);
            }
            first = end;
        }
        sold = sale.Sold;
    }

    public bool IsSold(int place)
    {
        foreach (var copy in sold) if (copy.BidIndex == place) return true;
        return false;
    }

    /// <summary>False: earlier tiers had sold all copies, or one to its company, or one and this bid is exclusive.</summary>
    public bool CouldSell(in RankedBid bid)
    {
        var stand = stands[bid.Tier];
        if (stand.WasClosed || stand.Room == 0) return false;
        if (bid.Sharing == Sharing.Exclusive) return stand.SoldBefore == 0;
        for (var i = 0; i < stand.SoldBefore; i++) if (bids[sold[i].BidIndex].Company == bid.Company) return false;
        return true;
    }

    /// <summary>
    /// Whether a tier that takes bids in order would surely have sold to one more: in a list where the list has it; in an order by turns or shares, which
    /// one more would change, only where nobody else bid.
    /// </summary>
    public bool TakesInOrder(TierModel tier, in RankedBid bid)
    {
        var stand = stands[tier.Index];
        if (tier.Method != TierMethod.Priority) return stand.First == stand.End;
        var place = PlaceOf(tier, bid.Of);
        var room = Math.Min(stand.Room, tier.Copies);
        for (var i = stand.First; i < stand.End; i++)
        {
            if (!IsSold(i) || PlaceOf(tier, bids[i].Of) > place) continue;
            if (bids[i].Sharing == Sharing.Exclusive || bids[i].Company == bid.Company || bid.Sharing == Sharing.Exclusive || --room == 0) return false;
        }
        return true;
    }

    /// <summary>
    /// How much more than it is a bid has to be to win its tier's auction for sure, nothing if it would as it is; null: no bid would (its handicap is the
    /// whole).
    /// </summary>
    /// <param name="place">Where it stands among the walk's bids; -1: it is none of them.</param>
    public Money? BidMore(TierModel tier, in RankedBid bid, int place, Money step)
    {
        var whole = Percent.One - bid.Handicap.Millionths;
        if (whole <= 0) return null;
        var stand = stands[tier.Index];
        var others = new List<RankedBid>();
        for (var i = stand.First; i < stand.End; i++) if (i != place && CouldSell(bids[i])) others.Add(bids[i]);
        return BidFor(RankToWin(bid, others.ToArray(), stand.Room), whole, step) is not { } asked ? null : asked > bid.Bid ? asked - bid.Bid : Money.Zero;
    }

    /// <summary>
    /// The least bid that surely beats those that won the tier's auction, whoever else lost: alone against an exclusive winner or against the total of
    /// shared ones; among shared winners the least of them (its own company's, where that has one; any bid where they do not fill the copies). Null: none.
    /// </summary>
    public Money? MinimumToWin(TierModel tier, in RankedBid bid, Money step)
    {
        var whole = Percent.One - bid.Handicap.Millionths;
        if (whole <= 0) return null;
        Int128 total = 0, least = Int128.MaxValue;
        Int128? own = null;
        var count = 0;
        var isExclusive = false;
        foreach (var copy in sold)
        {
            ref readonly var winner = ref bids[copy.BidIndex];
            if (winner.Tier != tier.Index) continue;
            var rank = SealedRanking.RankOf(winner);
            total += rank;
            least = Int128.Min(least, rank);
            if (winner.Company == bid.Company) own = rank;
            isExclusive |= winner.Sharing == Sharing.Exclusive;
            count++;
        }
        if (count == 0) return null;
        // Equal to a shared total is enough for an exclusive bid; an equal bid would be drawn for.
        var needed = bid.Sharing == Sharing.Exclusive ? isExclusive ? total + 1 : total
            : isExclusive ? total + 1
            : own is { } mine ? mine + 1
            : count < stands[tier.Index].Room ? 0 : least + 1;
        return BidFor(needed, whole, step);
    }

    /// <summary>The least bid of whole steps that reaches a rank; null: no amount of money does.</summary>
    /// <param name="whole">One whole less the bidder's handicap, in millionths; above 0.</param>
    private static Money? BidFor(Int128 rank, long whole, Money step)
    {
        var micros = (rank + whole - 1) / whole;
        return micros > long.MaxValue / 2 ? null : new Money((long)micros).RaiseTo(step);
    }

    private static Int128 RankToWin(in RankedBid bid, RankedBid[] rivals, int copies)
    {
        Int128 exclusive = -1;
        foreach (var rival in rivals) if (rival.Sharing == Sharing.Exclusive) exclusive = Int128.Max(exclusive, SealedRanking.RankOf(rival));
        // Equal to the best shared total is enough; an equal exclusive bid would be drawn for.
        if (bid.Sharing == Sharing.Exclusive) return Int128.Max(exclusive + 1, BestSharedSet.Choose(rivals, copies, default, default, out _));
        // In the set it must stand before whom it would push out, and with it the set must beat the best exclusive bid.
        ReadOnlySpan<RankedBid> own = [bid];
        var full = BestSharedSet.Choose(rivals, copies, own, default, out var count);
        var beside = BestSharedSet.Choose(rivals, copies - 1, own, default, out _);
        var needed = Int128.Max(count == copies ? full - beside + 1 : 0, exclusive - beside + 1);
        foreach (var rival in rivals)
            if (rival.Sharing == Sharing.Shared && rival.Company == bid.Company) needed = Int128.Max(needed, SealedRanking.RankOf(rival) + 1);
        return needed;
    }

    private static int PlaceOf(TierModel tier, CampaignModel campaign)
    {
        for (var i = 0; i < tier.Campaigns.Count; i++) if (ReferenceEquals(tier.Campaigns[i], campaign)) return i;
        return int.MaxValue;
    }
}
