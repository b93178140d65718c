using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>One copy that a tree sells: the bid's place among the walk's bids and what it is charged.</summary>
internal readonly record struct SoldCopy(int BidIndex, Money Price);

/// <summary>
/// Sells one lead's copies tier after tier. Pure: the same bids in the same order give the same copies, so that it can be repeated from a record.
/// </summary>
internal sealed class TreeSale(int copies, Money step)
{
    private readonly List<string> companies = [];

    public List<SoldCopy> Sold { get; } = [];
    /// <summary>Nothing more can be sold.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Whether this bid could still have a copy: a shared one of a company that has none, or an exclusive one while nothing is sold.</summary>
    public bool Takes(RankedBid bid) =>
        !IsClosed && (bid.Sharing == Sharing.Exclusive ? Sold.Count == 0 : !companies.Contains(bid.Company));

    /// <summary>A sealed auction among these bids, which stand in rank order.</summary>
    /// <param name="first">Place of the first of these among the walk's bids.</param>
    public void Auction(TierModel tier, ReadOnlySpan<RankedBid> ranked, int first)
    {
        if (IsClosed) return;
        var counting = ranked;
        Span<int> places = ranked.Length <= 256 ? stackalloc int[ranked.Length] : new int[ranked.Length];
        var count = 0;
        for (var i = 0; i < ranked.Length; i++) if (Takes(ranked[i])) places[count++] = i;
        if (count < ranked.Length)
        {
            var left = new RankedBid[count];
            for (var i = 0; i < count; i++) left[i] = ranked[places[i]];
            counting = left;
        }
        var wanted = Math.Min(tier.Copies, copies - Sold.Count);
        Span<int> winners = stackalloc int[wanted];
        Span<Money> prices = stackalloc Money[wanted];
        var won = SealedAuction.Run(counting, wanted, AuctionRules.Of(tier.Pricing), step, winners, prices);
        for (var i = 0; i < won; i++) Sell(ranked[places[winners[i]]], first + places[winners[i]], prices[i]);
    }

    /// <summary>Sells in the order given until so many are sold, each at its bid. Returns how many.</summary>
    public int InOrder(ReadOnlySpan<RankedBid> bids, int first, int atMost)
    {
        var sold = 0;
        for (var i = 0; i < bids.Length && sold < atMost; i++)
        {
            if (!Takes(bids[i])) continue;
            Sell(bids[i], first + i, bids[i].Bid);
            sold++;
        }
        return sold;
    }

    private void Sell(RankedBid bid, int index, Money price)
    {
        Sold.Add(new(index, price));
        companies.Add(bid.Company);
        IsClosed = bid.Sharing == Sharing.Exclusive || Sold.Count == copies;
    }
}
