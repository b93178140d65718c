using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;

namespace Exchange.Engine.Auctions;

/// <summary>
/// The best set of shared bids of different companies: each company's best bid, the highest of these, up to the number of copies.
/// (Taking bids in rank order and skipping companies already in is exact: every company can give at most one, so its best.)
/// </summary>
public static class BestSharedSet
{
    /// <summary>Returns the set's total rank.</summary>
    /// <param name="ranked">In rank order; exclusive bids are passed over.</param>
    /// <param name="without">Bids of these bids' companies are passed over.</param>
    /// <param name="chosen">Gets the places in <paramref name="ranked"/>; may be empty if only the total is asked for.</param>
    public static Int128 Choose(ReadOnlySpan<RankedBid> ranked, int copies, ReadOnlySpan<RankedBid> without, Span<int> chosen, out int count)
    {
        Int128 total = 0;
        count = 0;
        Span<int> places = chosen.Length >= copies ? chosen : stackalloc int[copies];
        for (var i = 0; i < ranked.Length && count < copies; i++)
        {
            var bid = ranked[i];
            if (bid.Sharing != Sharing.Shared || HasCompany(without, bid.Company)) continue;
            var isIn = false;
            foreach (var place in places[..count]) isIn |= ranked[place].Company == bid.Company;
            if (isIn) continue;
            places[count++] = i;
            total += SealedRanking.RankOf(bid);
        }
        return total;
    }

    internal static bool HasCompany(ReadOnlySpan<RankedBid> bids, string company)
    {
        foreach (var bid in bids) if (bid.Company == company) return true;
        return false;
    }
}
