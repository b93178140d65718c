using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Auctions;

/// <summary>
/// One sealed auction: the best exclusive bid against the best set of up to so many shared bids of different companies. The higher total of ranks
/// wins; equal = exclusive.
/// </summary>
public static class SealedAuction
{
    /// <summary>Returns how many won: 0 where nobody bids, 1 if the exclusive bid won, else the shared ones in rank order.</summary>
    /// <param name="ranked">Bids that clear, in the order of <see cref="SealedRanking"/>.</param>
    /// <param name="winners">Gets the winners' places in <paramref name="ranked"/>; room for <paramref name="copies"/>.</param>
    /// <param name="prices">Gets what each pays; room for <paramref name="copies"/>.</param>
    public static int Run(ReadOnlySpan<RankedBid> ranked, int copies, IAuctionRule rule, Money step, Span<int> winners, Span<Money> prices)
    {
        var total = BestSharedSet.Choose(ranked, copies, default, winners, out var count);
        var exclusive = 0;
        while (exclusive < ranked.Length && ranked[exclusive].Sharing != Sharing.Exclusive) exclusive++;
        if (exclusive < ranked.Length && SealedRanking.RankOf(ranked[exclusive]) >= total)
        {
            winners[0] = exclusive;
            count = 1;
        }
        if (count == 0) return 0;
        var won = new RankedBid[count];
        for (var i = 0; i < count; i++) won[i] = ranked[winners[i]];
        rule.Price(won, ranked, copies, step, prices[..count]);
        return count;
    }
}
