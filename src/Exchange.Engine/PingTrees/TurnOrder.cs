using System.Runtime.InteropServices;
using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// Sells a weighted or round-robin tier: each copy goes to the campaign whose turn it is among those that can have it. The others follow in the
/// order in which their turn would come; far behind (a post never gets there) in the catalog's order. One object serves one walk after another.
/// </summary>
internal sealed class TurnOrder
{
    private readonly List<(string Id, int Weight)> all = [], open = [];
    private readonly List<string> served = [];

    /// <param name="contenders">In the tier's order, bids of one campaign together; used up.</param>
    /// <param name="bids">Gets them in the order of turns.</param>
    public void Sell(TierModel tier, ITurns rotation, List<Contender> contenders, TreeSale sale, List<RankedBid> bids, List<KeyValuePair<int, string>> turns)
    {
        all.Clear();
        served.Clear();
        foreach (var contender in contenders)
            if (all.Count == 0 || all[^1].Id != contender.Bid.Campaign) all.Add((contender.Bid.Campaign, contender.Weight));
        while (served.Count < tier.Copies && sale.RoomOf(tier) > 0)
        {
            open.Clear();
            var at = 0;
            foreach (var campaign in all) if (served.Contains(campaign.Id) | CanHaveCopy(contenders, campaign.Id, ref at, sale)) open.Add(campaign);
            if (open.Count == served.Count) break;
            var winner = rotation.Draft(tier, open, served);
            var first = bids.Count;
            Move(winner, contenders, bids);
            sale.InOrder(tier, CollectionsMarshal.AsSpan(bids)[first..], first, 1);
            served.Add(winner);
            turns.Add(new(tier.Index, winner));
        }
        open.Clear();
        foreach (var campaign in all) if (!served.Contains(campaign.Id)) open.Add(campaign);
        for (var behind = 0; open.Count > 1 && behind < Limits.CallsPerPost * 2; behind++)
        {
            var next = rotation.Peek(tier, open);
            Move(next, contenders, bids);
            for (var i = 0; i < open.Count; i++)
            {
                if (open[i].Id != next) continue;
                open.RemoveAt(i);
                break;
            }
        }
        foreach (var contender in contenders) bids.Add(contender.Bid);
        contenders.Clear();
    }

    /// <summary>Whether a bid of this campaign is left that could be sold; reads on from <paramref name="at"/>, both being in the tier's order.</summary>
    private static bool CanHaveCopy(List<Contender> contenders, string campaign, ref int at, TreeSale sale)
    {
        var can = false;
        for (; at < contenders.Count && contenders[at].Bid.Campaign == campaign; at++) can |= sale.Takes(contenders[at].Bid);
        return can;
    }

    private static void Move(string campaign, List<Contender> contenders, List<RankedBid> bids)
    {
        var kept = 0;
        for (var i = 0; i < contenders.Count; i++)
        {
            if (contenders[i].Bid.Campaign == campaign) bids.Add(contenders[i].Bid);
            else contenders[kept++] = contenders[i];
        }
        contenders.RemoveRange(kept, contenders.Count - kept);
    }
}
