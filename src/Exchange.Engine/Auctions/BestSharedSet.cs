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
            ref readonly var bid = ref ranked[i];
            if (bid.Sharing != Sharing.Shared || HasCompany(without, bid.Company)) continue;
            if (IsAmong(ranked, places[..count], bid.Company)) continue;
            places[count++] = i;
            total += SealedRanking.RankOf(in bid);
        }
        return total;
    }

    /// <summary>Whether one of the bids at these places is this company's.</summary>
    internal static bool IsAmong(ReadOnlySpan<RankedBid> ranked, ReadOnlySpan<int> places, string company)
    {
        foreach (var place in places) if (ranked[place].Company == company) return true;
        return false;
    }

    private static bool HasCompany(ReadOnlySpan<RankedBid> bids, string company)
    {
        foreach (ref readonly var bid in bids) if (bid.Company == company) return true;
        return false;
    }
}
