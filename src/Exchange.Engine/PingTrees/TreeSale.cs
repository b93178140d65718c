using System.Runtime.InteropServices;
using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>One copy that a tree sells: the bid's place among the walk's bids and what it is charged.</summary>
internal readonly record struct SoldCopy(int BidIndex, Money Price);

/// <summary>
/// Sells one lead's copies tier after tier. Pure: the same bids in the same order give the same copies, so that it can be repeated from a record.
/// One object serves one walk after another.
/// </summary>
internal sealed class TreeSale
{
    private readonly List<string> companies = [];
    private readonly List<GroupModel> soldIn = [];
    private readonly List<RankedBid> counting = [];
    private readonly List<int> places = [];
    private readonly int[] winners = new int[Limits.CopiesPerLead];
    private readonly Money[] prices = new Money[Limits.CopiesPerLead];
    private int copies;
    private Money step;

    public List<SoldCopy> Sold { get; } = [];
    /// <summary>Nothing more can be sold.</summary>
    public bool IsClosed { get; private set; }

    public void Begin(int atMost, Money priceStep)
    {
        (copies, step, IsClosed) = (atMost, priceStep, false);
        companies.Clear();
        soldIn.Clear();
        Sold.Clear();
    }

    /// <summary>Holds on to nothing between walks.</summary>
    public void End()
    {
        companies.Clear();
        soldIn.Clear();
        counting.Clear();
    }

    /// <summary>How many copies this tier may sell now: its own bound, the lead's, and those of the trees on the way to it.</summary>
    public int RoomOf(TierModel tier)
    {
        var room = Math.Min(tier.Copies, copies - Sold.Count);
        for (var g = 0; g < tier.Groups.Count; g++)
        {
            var left = tier.Groups[g].Copies;
            foreach (var group in soldIn) if (ReferenceEquals(group, tier.Groups[g])) left--;
            room = Math.Min(room, left);
        }
        return IsClosed ? 0 : Math.Max(0, room);
    }

    /// <summary>Whether this bid could still have a copy: a shared one of a company that has none, or an exclusive one while nothing is sold.</summary>
    public bool Takes(in RankedBid bid) =>
        !IsClosed && (bid.Sharing == Sharing.Exclusive ? Sold.Count == 0 : !companies.Contains(bid.Company));

    /// <summary>A sealed auction among these bids, which stand in rank order.</summary>
    /// <param name="first">Place of the first of these among the walk's bids.</param>
    public void Auction(TierModel tier, ReadOnlySpan<RankedBid> ranked, int first)
    {
        var wanted = RoomOf(tier);
        if (wanted == 0) return;
        counting.Clear();
        places.Clear();
        for (var i = 0; i < ranked.Length; i++)
        {
            if (!Takes(ranked[i])) continue;
            counting.Add(ranked[i]);
            places.Add(i);
        }
        var won = SealedAuction.Run(
            CollectionsMarshal.AsSpan(counting), new(wanted, step, tier.Increment), AuctionRules.Of(tier.Pricing), winners.AsSpan(0, wanted), prices.AsSpan(0, wanted));
        for (var i = 0; i < won; i++) Sell(tier, ranked[places[winners[i]]], first + places[winners[i]], prices[i]);
    }

    /// <summary>Sells in the order given until so many are sold, each at its bid. Returns how many.</summary>
    public int InOrder(TierModel tier, ReadOnlySpan<RankedBid> bids, int first, int atMost)
    {
        var sold = 0;
        var room = Math.Min(atMost, RoomOf(tier));
        for (var i = 0; i < bids.Length && sold < room; i++)
        {
            if (!Takes(bids[i])) continue;
            Sell(tier, bids[i], first + i, bids[i].Bid);
            sold++;
        }
        return sold;
    }

    public bool IsSold(int bidIndex)
    {
        foreach (var copy in Sold) if (copy.BidIndex == bidIndex) return true;
        return false;
    }

    private void Sell(TierModel tier, in RankedBid bid, int index, Money price)
    {
        Sold.Add(new(index, price));
        companies.Add(bid.Company);
        for (var g = 0; g < tier.Groups.Count; g++) soldIn.Add(tier.Groups[g]);
        IsClosed = bid.Sharing == Sharing.Exclusive || Sold.Count == copies;
    }
}
