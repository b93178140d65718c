using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Auctions;

/// <summary>A bid on its way into a ranking; <see cref="Weight"/> is its campaign's chance in a draw among equals.</summary>
public readonly record struct Contender(RankedBid Bid, int Weight)
{
    /// <summary>Its lot in that draw; made where there are equals.</summary>
    internal long Lot { get; init; }
}

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
        for (var start = 0; start < bids.Length;)
        {
            var end = start + 1;
            while (end < bids.Length && AreEqual(in bids[start], in bids[end])) end++;
            if (end - start > 1) Draw(bids[start..end], seed);
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

    private static void Draw(Span<Contender> equals, ulong seed)
    {
        foreach (ref var contender in equals) contender = contender with { Lot = Lot.Of(seed, contender.Bid.Campaign) };
        equals.Sort(static (a, b) => Lot.Compare(a.Lot, a.Weight, a.Bid.Campaign, b.Lot, b.Weight, b.Bid.Campaign));
    }
}
