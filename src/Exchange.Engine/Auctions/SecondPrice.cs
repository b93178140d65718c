using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Auctions;

/// <summary>
/// The winning side pays what just beats the best losing one. Only bids of companies that are not on the winning side count. What a rank asks is
/// turned back into each winner's own money, rounded up to the step, and is never more than its bid.
/// An exclusive winner pays the highest of the next exclusive bid, the best shared total and its floor. Shared winners pay one level: the highest of
/// the best shared bid left out and the floor, raised until together they match the best exclusive bid. Without any competition a winner pays its
/// floor; without floor its bid.
/// </summary>
public sealed class SecondPrice : IAuctionRule
{
    public string Name => "second_price";
    public TierPricing Pricing => TierPricing.SecondPrice;

    public void Price(ReadOnlySpan<RankedBid> winners, ReadOnlySpan<RankedBid> ranked, int copies, Money step, Span<Money> prices)
    {
        var exclusive = BestRank(Sharing.Exclusive, winners, ranked);
        var shared = BestRank(Sharing.Shared, winners, ranked);
        if (exclusive is null && shared is null)
        {
            for (var i = 0; i < winners.Length; i++) prices[i] = winners[i].HasFloor ? winners[i].Floor : winners[i].Bid;
            return;
        }
        if (winners[0].Sharing == Sharing.Exclusive)
        {
            var total = BestSharedSet.Choose(ranked, copies, winners, default, out _);
            prices[0] = AtLevel(winners[0], Int128.Max(exclusive ?? 0, total), step);
            return;
        }
        var level = shared ?? 0;
        SetLevel(winners, level, step, prices);
        if (exclusive is { } rival && TotalRank(winners, prices) < rival) RaiseToMatch(winners, level, rival, step, prices);
    }

    // The lowest level at which together they match; the winners' own bids do, or they had not won (a replacement may fall short: then all pay their bids).
    private static void RaiseToMatch(ReadOnlySpan<RankedBid> winners, Int128 below, Int128 rival, Money step, Span<Money> prices)
    {
        Int128 high = 0;
        foreach (var winner in winners) high = Int128.Max(high, SealedRanking.RankOf(winner));
        while (high - below > 1)
        {
            var middle = below + (high - below) / 2;
            SetLevel(winners, middle, step, prices);
            if (TotalRank(winners, prices) >= rival) high = middle; else below = middle;
        }
        SetLevel(winners, high, step, prices);
    }

    private static void SetLevel(ReadOnlySpan<RankedBid> winners, Int128 level, Money step, Span<Money> prices)
    {
        for (var i = 0; i < winners.Length; i++) prices[i] = AtLevel(winners[i], level, step);
    }

    private static Money AtLevel(RankedBid winner, Int128 rank, Money step) =>
        Money.Min(winner.Bid, Money.Max(winner.Floor, SealedRanking.MoneyFor(rank, winner).RaiseTo(step)));

    private static Int128 TotalRank(ReadOnlySpan<RankedBid> winners, ReadOnlySpan<Money> prices)
    {
        Int128 total = 0;
        for (var i = 0; i < winners.Length; i++) total += SealedRanking.RankOf(prices[i], winners[i].Handicap);
        return total;
    }

    private static Int128? BestRank(Sharing sharing, ReadOnlySpan<RankedBid> winners, ReadOnlySpan<RankedBid> ranked)
    {
        foreach (var bid in ranked)
        {
            if (bid.Sharing == sharing && !BestSharedSet.HasCompany(winners, bid.Company)) return SealedRanking.RankOf(bid);
        }
        return null;
    }
}
