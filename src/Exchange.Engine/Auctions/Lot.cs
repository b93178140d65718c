using System.Numerics;

namespace Exchange.Engine.Auctions;

/// <summary>
/// A campaign's own lot in a draw by weight, made of the ping's seed and its id alone: who else takes part changes nothing in it. So of two
/// who stay in a draw the same one stands before the other whether a third, who loses, bids as much or less, and no buyer can tell which.
/// </summary>
/// <remarks>
/// −log2 of a number drawn from (0, 1], with 26 binary places; whoever has the least of it per weight comes first. Then each is first with the chance
/// of its weight in all weights, and so on among those left (P. Efraimidis, P. Spirakis: Weighted random sampling with a reservoir, 2006). Whole
/// numbers only: the same for ever and everywhere.
/// </remarks>
internal static class Lot
{
    private const int Places = 26;

    /// <param name="seed">Of the ping and the tier.</param>
    public static long Of(ulong seed, string campaign)
    {
        // FNV-1a of the id: stable, and no two ids of a catalog are likely to share it.
        var hash = 14695981039346656037UL;
        foreach (var c in campaign) hash = unchecked((hash ^ c) * 1099511628211UL);
        // Never zero: of that there is no logarithm.
        return MinusLog2((uint)(new SeededDraw(unchecked(seed ^ hash * 0x9E3779B97F4A7C15)).Below(uint.MaxValue) + 1));
    }

    /// <summary>Below 0: the first stands before the second. Who has no weight stands behind, by id, and so do equals.</summary>
    public static int Compare(long lot, int weight, string campaign, long otherLot, int otherWeight, string otherCampaign)
    {
        var (ours, theirs) = ((Int128)lot * otherWeight, (Int128)otherLot * weight);
        if (weight == 0 || otherWeight == 0) (ours, theirs) = (weight == 0 ? 1 : 0, otherWeight == 0 ? 1 : 0);
        return ours != theirs ? ours.CompareTo(theirs) : string.CompareOrdinal(campaign, otherCampaign);
    }

    /// <summary>−log2(drawn / 2^32): whole places by the leading zeros, binary places by squaring again and again.</summary>
    private static long MinusLog2(uint drawn)
    {
        var zeros = BitOperations.LeadingZeroCount(drawn);
        var mantissa = (ulong)drawn << zeros; // [2^31, 2^32)
        long fraction = 0;
        for (var i = 0; i < Places; i++)
        {
            mantissa = unchecked(mantissa * mantissa) >> 31; // [2^31, 2^33)
            fraction <<= 1;
            if (mantissa < 1UL << 32) continue;
            mantissa >>= 1;
            fraction |= 1;
        }
        return ((long)(zeros + 1) << Places) - fraction;
    }
}
