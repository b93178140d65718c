using System.Runtime.InteropServices;
using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// The order of an even or percent tier: who is furthest behind its share of the sales in the tier's look-back comes first. With N sales among
/// those who bid, weights w of sum W (all 1 where shares are even) and s sold, a campaign is behind by w·(N + 1) − s·W. Among equals a draw from
/// the ping's seed by weight, then by id. One object serves one walk after another.
/// </summary>
internal sealed class ShareOrder
{
    private readonly record struct Place(Int128 Behind, int Weight, int First, int Count, string Campaign, long Lot);

    private readonly List<Place> order = [];
    private readonly List<Contender> sorted = [];

    /// <summary>Puts contenders (bids of one campaign stand together) in order.</summary>
    /// <param name="notes">Gets what each had sold.</param>
    public void Sort(TierModel tier, List<Contender> contenders, IWalkState state, ulong seed, List<ShareNote> notes)
    {
        order.Clear();
        long sold = 0, weights = 0;
        for (var first = 0; first < contenders.Count;)
        {
            var of = contenders[first].Bid.Of;
            var end = first + 1;
            while (end < contenders.Count && ReferenceEquals(contenders[end].Bid.Of, of)) end++;
            var has = state.SoldBy(tier, of);
            var weight = tier.Method == TierMethod.Even ? 1 : contenders[first].Weight;
            notes.Add(new(tier.Index, of, has));
            order.Add(new(has, weight, first, end - first, of.Id, Lot.Of(seed, of.Id)));
            sold += has;
            weights += weight;
            first = end;
        }
        var places = CollectionsMarshal.AsSpan(order);
        foreach (ref var place in places) place = place with { Behind = (Int128)place.Weight * (sold + 1) - place.Behind * weights };
        places.Sort(static (a, b) =>
            a.Behind != b.Behind ? b.Behind.CompareTo(a.Behind) : Lot.Compare(a.Lot, a.Weight, a.Campaign, b.Lot, b.Weight, b.Campaign));
        sorted.Clear();
        foreach (var place in places)
            for (var i = 0; i < place.Count; i++) sorted.Add(contenders[place.First + i]);
        contenders.Clear();
        contenders.AddRange(sorted);
        sorted.Clear();
    }
}
