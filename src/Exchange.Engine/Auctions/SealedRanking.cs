using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Auctions;

/// <summary>A bid on its way into a ranking; <see cref="Weight"/> is its campaign's chance in a draw among equals.</summary>
public readonly record struct Contender(RankedBid Bid, int Weight);

/// <summary>
/// The order of sealed bids: by bid × (1 − handicap), highest first. Among equals exclusive before shared, then a draw from the ping's seed by
/// weight, then by id. When a bid came never matters. Allocates nothing.
/// </summary>
public static class SealedRanking
{
    /// <summary>Bid × (1 − handicap), exact: micros times millionths.</summary>
    public static Int128 RankOf(in RankedBid bid) => RankOf(bid.Bid, bid.Handicap);

    public static Int128 RankOf(Money money, Percent handicap) => (Int128)money.Micros * WholeLess(handicap);

    /// <summary>The least money of this bidder that reaches a rank; what it bid if no money does (handicap 100%).</summary>
    public static Money MoneyFor(Int128 rank, in RankedBid bidder)
    {
        var factor = WholeLess(bidder.Handicap);
        if (factor == 0) return bidder.Bid;
        var micros = (rank + factor - 1) / factor;
        return micros > bidder.Bid.Micros ? bidder.Bid : new((long)micros);
    }

    public static void Sort(Span<Contender> bids, ulong seed)
    {
        if (bids.Length < 2) return;
        bids.Sort(static (a, b) => Compare(in a, in b));
        var draw = new SeededDraw(seed);
        for (var start = 0; start < bids.Length;)
        {
            var end = start + 1;
            while (end < bids.Length && AreEqual(in bids[start], in bids[end])) end++;
            if (end - start > 1) Draw(bids[start..end], ref draw);
            start = end;
        }
    }

    /// <summary>One whole less the handicap, in millionths.</summary>
    internal static long WholeLess(Percent handicap) => Math.Max(0, Percent.One - handicap.Millionths);

    private static int Compare(in Contender a, in Contender b)
    {
        var byRank = CompareRanks(in b, in a);
        if (byRank != 0) return byRank;
        return a.Bid.Sharing != b.Bid.Sharing ? (int)a.Bid.Sharing - (int)b.Bid.Sharing : string.CompareOrdinal(a.Bid.Campaign, b.Bid.Campaign);
    }

    private static int CompareRanks(in Contender a, in Contender b) =>
        a.Bid.Handicap == b.Bid.Handicap && a.Bid.Handicap.Millionths < Percent.One ? a.Bid.Bid.CompareTo(b.Bid.Bid) : RankOf(a.Bid).CompareTo(RankOf(b.Bid));

    private static bool AreEqual(in Contender a, in Contender b) => a.Bid.Sharing == b.Bid.Sharing && CompareRanks(in a, in b) == 0;

    // One after another is drawn by weight among those left; who has no weight stays behind, by id.
    private static void Draw(Span<Contender> equals, ref SeededDraw draw)
    {
        long total = 0;
        var alike = true;
        foreach (ref readonly var contender in equals)
        {
            total += contender.Weight;
            alike &= contender.Weight == equals[0].Weight;
        }
        for (; equals.Length > 1 && total > 0; equals = equals[1..])
        {
            var at = draw.Below(total);
            var drawn = 0;
            // Where all weigh the same nobody has to be counted through.
            if (alike) drawn = (int)(at / equals[0].Weight); else while ((at -= equals[drawn].Weight) >= 0) drawn++;
            (equals[0], equals[drawn]) = (equals[drawn], equals[0]);
            total -= equals[0].Weight;
        }
        // They stood by id until those drawn changed places with them.
        if (equals.Length > 1) equals.Sort(static (a, b) => string.CompareOrdinal(a.Bid.Campaign, b.Bid.Campaign));
    }
}
