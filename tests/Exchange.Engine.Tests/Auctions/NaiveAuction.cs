using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Tests.Auctions;

/// <summary>
/// The auction once more, slow and plain: every set of shared bids is tried, and every price step by step. Ranks are exact: micros times
/// millionths. It does not say who is drawn among equals, only what any right answer must be.
/// </summary>
internal static class NaiveAuction
{
    public static Int128 Rank(RankedBid bid) => (Int128)bid.Bid.Micros * Factor(bid);

    /// <summary>The highest total of shared bids of different companies, so many at most.</summary>
    public static Int128 BestTotal(RankedBid[] bids, int copies)
    {
        var shared = bids.Where(bid => bid.Sharing == Sharing.Shared).ToArray();
        Int128 best = 0;
        for (var subset = 0; subset < 1 << shared.Length; subset++)
        {
            Int128 total = 0;
            var companies = new HashSet<string>();
            var valid = true;
            for (var i = 0; i < shared.Length && valid; i++)
            {
                if ((subset >> i & 1) == 0) continue;
                valid = companies.Add(shared[i].Company) && companies.Count <= copies;
                total += Rank(shared[i]);
            }
            if (valid && total > best) best = total;
        }
        return best;
    }

    /// <summary>Whether these may be the winners: one best exclusive bid, or a best set; equal = exclusive.</summary>
    public static bool MayWin(RankedBid[] bids, RankedBid[] winners, int copies)
    {
        var exclusive = bids.Where(bid => bid.Sharing == Sharing.Exclusive).Select(Rank).DefaultIfEmpty(-1).Max();
        var total = BestTotal(bids, copies);
        if (winners.Length == 0) return bids.Length == 0;
        if (exclusive >= total) return winners.Length == 1 && winners[0].Sharing == Sharing.Exclusive && Rank(winners[0]) == exclusive;
        Int128 won = 0;
        foreach (var winner in winners) won += Rank(winner);
        return won == total && winners.Length <= copies && winners.All(winner => winner.Sharing == Sharing.Shared)
            && winners.DistinctBy(winner => winner.Company).Count() == winners.Length;
    }

    /// <summary>What these winners pay.</summary>
    public static Money[] Prices(RankedBid[] bids, RankedBid[] winners, AuctionTerms terms, TierPricing pricing)
    {
        if (pricing == TierPricing.FirstPrice) return [.. winners.Select(winner => winner.Bid)];
        var others = bids.Where(bid => winners.All(winner => winner.Company != bid.Company)).ToArray();
        var asked = others.Length == 0 ? [.. winners.Select(winner => winner.HasFloor ? winner.Floor : winner.Bid)] : Beating(others, winners, terms);
        return [.. winners.Zip(asked, (winner, price) => winner.Of.Bid.PaysBid ? winner.Bid : price)];
    }

    private static Money[] Beating(RankedBid[] others, RankedBid[] winners, AuctionTerms terms)
    {
        var more = (Int128)terms.Increment.Micros * Percent.One;
        var exclusive = others.Where(bid => bid.Sharing == Sharing.Exclusive).Select(Rank).Cast<Int128?>().Max() + more;
        var shared = others.Where(bid => bid.Sharing == Sharing.Shared).Select(Rank).Cast<Int128?>().Max() + more;
        if (winners[0].Sharing == Sharing.Exclusive)
        {
            var total = shared is null ? 0 : BestTotal(others, terms.Copies) + more;
            return [Reaching(winners[0], Int128.Max(exclusive ?? 0, total), terms.Step)];
        }
        var least = shared ?? 0;
        var levels = new SortedSet<Int128> { least };
        foreach (var winner in winners)
            for (var price = Money.Zero; price <= winner.Bid; price += terms.Step) levels.Add((Int128)price.Micros * Factor(winner));
        foreach (var level in levels.Where(level => level >= least))
        {
            var prices = winners.Select(winner => Reaching(winner, level, terms.Step)).ToArray();
            Int128 together = 0;
            for (var i = 0; i < winners.Length; i++) together += (Int128)prices[i].Micros * Factor(winners[i]);
            if (together >= (exclusive ?? 0)) return prices;
        }
        return [.. winners.Select(winner => winner.Bid)];
    }

    /// <summary>The first price from its floor on whose rank is so high; its bid if none is.</summary>
    private static Money Reaching(RankedBid winner, Int128 rank, Money step)
    {
        for (var price = winner.Floor; price < winner.Bid; price += step) if ((Int128)price.Micros * Factor(winner) >= rank) return price;
        return winner.Bid;
    }

    private static long Factor(RankedBid bid) => Percent.One - bid.Handicap.Millionths;
}
