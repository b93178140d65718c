using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Auctions;

/// <summary>
/// The winning side pays what just beats the best losing one, as if that had bid the increment more. Only bids of companies that are not on the
/// winning side count. What a rank asks is turned back into each winner's own money, rounded up to the step, and is never more than its bid.
/// An exclusive winner pays the highest of the next exclusive bid, the best shared total and its floor. Shared winners pay one level: the highest of
/// the best shared bid left out and the floor, raised until together they match the best exclusive bid. Without any competition a winner pays its
/// floor; without floor its bid. Who <c>pays: bid</c> is charged its bid; what the others pay is what it would be if it were not.
/// </summary>
public sealed class SecondPrice : IAuctionRule
{
    public string Name => "second_price";
    public TierPricing Pricing => TierPricing.SecondPrice;

    public void Price(ReadOnlySpan<RankedBid> ranked, ReadOnlySpan<int> winners, AuctionTerms terms, Span<Money> prices)
    {
        var exclusive = BestRank(Sharing.Exclusive, ranked, winners);
        var shared = BestRank(Sharing.Shared, ranked, winners);
        var increment = SealedRanking.RankOf(terms.Increment, default);
        if (exclusive is null && shared is null) Alone(ranked, winners, prices);
        else if (ranked[winners[0]].Sharing == Sharing.Exclusive)
        {
            var total = BestSharedSet.Choose(ranked, terms.Copies, ranked.Slice(winners[0], 1), default, out _);
            prices[0] = AtLevel(in ranked[winners[0]], Int128.Max(exclusive ?? 0, total) + increment, terms.Step);
        }
        else
        {
            var level = shared is { } left ? left + increment : 0;
            SetLevel(ranked, winners, level, terms.Step, prices);
            if (exclusive is { } rival && TotalRank(ranked, winners, prices) < rival + increment)
                RaiseToMatch(ranked, winners, level, rival + increment, terms.Step, prices);
        }
        for (var i = 0; i < winners.Length; i++) if (ranked[winners[i]].Of.Bid.PaysBid) prices[i] = ranked[winners[i]].Bid;
    }

    private static void Alone(ReadOnlySpan<RankedBid> ranked, ReadOnlySpan<int> winners, Span<Money> prices)
    {
        for (var i = 0; i < winners.Length; i++)
        {
            ref readonly var winner = ref ranked[winners[i]];
            prices[i] = winner.HasFloor ? winner.Floor : winner.Bid;
        }
    }

    // The lowest level at which together they reach the rival; where no level does (the increment, or a replacement's low bid), all pay their bids.
    // Prices change only where a level is a whole step of some winner's money: the multiples of one unit are enough to try.
    private static void RaiseToMatch(ReadOnlySpan<RankedBid> ranked, ReadOnlySpan<int> winners, Int128 level, Int128 rival, Money step, Span<Money> prices)
    {
        Int128 top = 0;
        long factor = 0;
        foreach (var place in winners)
        {
            top = Int128.Max(top, SealedRanking.RankOf(in ranked[place]));
            factor = CommonDivisor(factor, SealedRanking.WholeLess(ranked[place].Handicap));
        }
        var unit = (Int128)step.Micros * Math.Max(1, factor);
        var (below, high) = (level / unit, (top + unit - 1) / unit);
        while (high - below > 1)
        {
            var middle = below + (high - below) / 2;
            SetLevel(ranked, winners, middle * unit, step, prices);
            if (TotalRank(ranked, winners, prices) >= rival) high = middle; else below = middle;
        }
        SetLevel(ranked, winners, high * unit, step, prices);
    }

    private static void SetLevel(ReadOnlySpan<RankedBid> ranked, ReadOnlySpan<int> winners, Int128 level, Money step, Span<Money> prices)
    {
        for (var i = 0; i < winners.Length; i++) prices[i] = AtLevel(in ranked[winners[i]], level, step);
    }

    private static Money AtLevel(in RankedBid winner, Int128 rank, Money step) =>
        Money.Min(winner.Bid, Money.Max(winner.Floor, SealedRanking.MoneyFor(rank, in winner).RaiseTo(step)));

    private static Int128 TotalRank(ReadOnlySpan<RankedBid> ranked, ReadOnlySpan<int> winners, ReadOnlySpan<Money> prices)
    {
        Int128 total = 0;
        for (var i = 0; i < winners.Length; i++) total += SealedRanking.RankOf(prices[i], ranked[winners[i]].Handicap);
        return total;
    }

    private static Int128? BestRank(Sharing sharing, ReadOnlySpan<RankedBid> ranked, ReadOnlySpan<int> winners)
    {
        foreach (ref readonly var bid in ranked)
        {
            if (bid.Sharing == sharing && !BestSharedSet.IsAmong(ranked, winners, bid.Company)) return SealedRanking.RankOf(in bid);
        }
        return null;
    }

    private static long CommonDivisor(long a, long b)
    {
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }
}
