using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Auctions;

/// <summary>
/// One sealed auction: the best exclusive bid against the best set of up to so many shared bids of different companies. The higher total of ranks
/// wins; equal = exclusive. Allocates nothing.
/// </summary>
public static class SealedAuction
{
    /// <summary>Returns how many won: 0 where nobody bids, 1 if the exclusive bid won, else the shared ones in rank order.</summary>
    /// <param name="ranked">Bids that clear, in the order of <see cref="SealedRanking"/>.</param>
    /// <param name="winners">Gets the winners' places in <paramref name="ranked"/>; room for as many as there are copies.</param>
    /// <param name="prices">Gets what each pays; room for as many as there are copies.</param>
    public static int Run(ReadOnlySpan<RankedBid> ranked, AuctionTerms terms, IAuctionRule rule, Span<int> winners, Span<Money> prices)
    {
        var total = BestSharedSet.Choose(ranked, terms.Copies, default, winners, out var count);
        var exclusive = 0;
        while (exclusive < ranked.Length && ranked[exclusive].Sharing != Sharing.Exclusive) exclusive++;
        if (exclusive < ranked.Length && SealedRanking.RankOf(in ranked[exclusive]) >= total)
        {
            winners[0] = exclusive;
            count = 1;
        }
        if (count > 0) rule.Price(ranked, winners[..count], terms, prices[..count]);
        return count;
    }
}
