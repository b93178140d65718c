using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Auctions;

/// <summary>A bid on its way into a ranking; <see cref="Weight"/> is its campaign's chance in a draw among equals.</summary>
public readonly record struct Contender(RankedBid Bid, int Weight);

/// <summary>
/// The order of sealed bids: by bid × (1 − handicap), highest first. Among equals exclusive before shared, then a draw from the ping's seed by
/// weight, then by id. When a bid came never matters.
/// </summary>
public static class SealedRanking
{
    /// <summary>Bid × (1 − handicap), exact: micros times millionths.</summary>
    public static Int128 RankOf(RankedBid bid) => RankOf(bid.Bid, bid.Handicap);

    public static Int128 RankOf(Money money, Percent handicap) => (Int128)money.Micros * WholeLess(handicap);

    /// <summary>The least money of this bidder that reaches a rank; what it bid if no money does (handicap 100%).</summary>
    public static Money MoneyFor(Int128 rank, RankedBid bidder)
    {
        var factor = WholeLess(bidder.Handicap);
        if (factor == 0) return bidder.Bid;
        var micros = (rank + factor - 1) / factor;
        return micros > bidder.Bid.Micros ? bidder.Bid : new((long)micros);
    }

    public static void Sort(Span<Contender> bids, ulong seed)
    {
        if (bids.Length < 2) return;
        bids.Sort(static (a, b) => Compare(a.Bid, b.Bid));
        var draw = new SeededDraw(seed);
        for (var start = 0; start < bids.Length;)
        {
            var end = start + 1;
            while (end < bids.Length && AreEqual(bids[start].Bid, bids[end].Bid)) end++;
            if (end - start > 1) Draw(bids[start..end], ref draw);
            start = end;
        }
    }

    private static long WholeLess(Percent handicap) => Math.Max(0, Percent.One - handicap.Millionths);

    private static int Compare(RankedBid a, RankedBid b)
    {
        var byRank = RankOf(b).CompareTo(RankOf(a));
        if (byRank != 0) return byRank;
        return a.Sharing != b.Sharing ? a.Sharing.CompareTo(b.Sharing) : string.CompareOrdinal(a.Campaign, b.Campaign);
    }

    private static bool AreEqual(RankedBid a, RankedBid b) => a.Sharing == b.Sharing && RankOf(a) == RankOf(b);

    // Equals stand by id. One after another is drawn by weight among those left; who has no weight stays behind, by id.
    private static void Draw(Span<Contender> equals, ref SeededDraw draw)
    {
        for (; equals.Length > 1; equals = equals[1..])
        {
            long total = 0;
            foreach (var contender in equals) total += contender.Weight;
            if (total == 0) return;
            var at = draw.Below(total);
            var drawn = 0;
            while ((at -= equals[drawn].Weight) >= 0) drawn++;
            var winner = equals[drawn];
            equals[..drawn].CopyTo(equals[1..]);
            equals[0] = winner;
        }
    }
}
