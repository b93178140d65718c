using System.Numerics;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// A tier's campaigns as bits of their vertical, made once per model, so that a walk costs by what matches and not by how long the tier's list is.
/// </summary>
internal sealed class TierPlan
{
    private readonly ulong[] members;
    private readonly int[] places;

    private TierPlan(ulong[] members, int[] places) { this.members = members; this.places = places; }

    public static TierPlan Of(TierModel tier)
    {
        var last = -1;
        foreach (var campaign in tier.Campaigns) last = Math.Max(last, campaign.Ordinal);
        var (members, places) = (new ulong[last / 64 + 1], new int[last + 1]);
        for (var i = 0; i < tier.Campaigns.Count; i++)
        {
            var ordinal = tier.Campaigns[i].Ordinal;
            members[ordinal >> 6] |= 1UL << (ordinal & 63);
            places[ordinal] = i;
        }
        return new(members, places);
    }

    /// <summary>Fills <paramref name="found"/> with the places, in the tier's order, of its campaigns among the candidates.</summary>
    public void Find(ReadOnlySpan<ulong> candidates, List<int> found)
    {
        found.Clear();
        for (var word = 0; word < members.Length && word < candidates.Length; word++)
        {
            for (var bits = members[word] & candidates[word]; bits != 0; bits &= bits - 1)
                found.Add(places[word << 6 | BitOperations.TrailingZeroCount(bits)]);
        }
        found.Sort();
    }
}
