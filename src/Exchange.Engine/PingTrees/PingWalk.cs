using System.Runtime.InteropServices;
using Exchange.Engine.Auctions;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>
/// The walk of a ping through its tree: who may bid, what each bids, who wins at which price, what is offered. Reasons of campaigns that the
/// catalog excludes are not computed here (see the explainer); what state excluded is noted. Costs by the campaigns that match, not by those that
/// exist. The same model, ping, limits and turns give the same outcome, bit for bit.
/// </summary>
public static class PingWalk
{
    public static PingOutcome Run(CatalogModel model, PingInput ping, ILiveView live, IRotations rotations)
    {
        if (!model.Verticals.TryGetValue(ping.Vertical, out var vertical)) return Refused(Reason.VerticalUnknown, null, []);
        var publisher = model.Publishers[ping.Publisher];
        var rules = publisher.Verticals[ping.Vertical];
        var limits = new LiveLimits(live, model, ping.Now.ToUnixTimeSeconds());
        var judge = new CampaignJudge(model, rules.Payout, ping, limits);
        if (publisher.Status == EntryStatus.Paused) return Refused(Reason.PublisherPaused, null, []);
        if (!rules.Filter.Holds(judge.Subject)) return Refused(Reason.PublisherFilter, null, []);
        var room = new PublisherRoom(publisher, live, ping.Now.ToUnixTimeSeconds());
        if (room.Refusal(1, new Money(1)) is { } full) return Refused(full.Reason, null, [full]);
        if ((ping.Tree is { } named ? NamedTree(model, named, ping.Vertical) : TreeFor(vertical, ping.Publisher)) is not { } tree) return Refused(Reason.NoTree, null, []);
        using var walk = new Walk(model, vertical, tree, ping, judge, rotations);
        return walk.Run(limits, room);
    }

    private static TreeModel? NamedTree(CatalogModel model, string id, string vertical) =>
        model.Trees.TryGetValue(id, out var tree) && tree.Vertical == vertical && tree.Status == EntryStatus.Active ? tree : null;

    /// <summary>Of the trees that are not paused: one that names the publisher, else one for all.</summary>
    internal static TreeModel? TreeFor(VerticalModel vertical, string publisher)
    {
        TreeModel? forAll = null;
        foreach (var tree in vertical.Trees)
        {
            if (tree.Status == EntryStatus.Paused || !tree.Publishers.Has(publisher)) continue;
            if (!tree.Publishers.AllExcept) return tree;
            forAll ??= tree;
        }
        return forAll;
    }

    internal static int CopiesFor(TreeModel tree, int maxCopies) => Math.Clamp(Math.Min(tree.Copies, maxCopies), 1, Limits.CopiesPerLead);

    /// <summary>Exclusive, shared, or first the one and then the other.</summary>
    internal static ReadOnlySpan<Sharing> SharingsOf(CampaignModel campaign) => campaign.Sharing switch
    {
        Sharing.Exclusive => [Sharing.Exclusive],
        Sharing.Shared => [Sharing.Shared],
        _ => [Sharing.Exclusive, Sharing.Shared],
    };

    private static PingOutcome Refused(Reason reason, string? tree, StateNote[] notes) => new(reason, tree, [], [], notes, []);

    private sealed class Walk(
        CatalogModel model, VerticalModel vertical, TreeModel tree, PingInput ping, CampaignJudge judge, IRotations rotations) : IDisposable
    {
        private readonly TreeSale sale = new(CopiesFor(tree, ping.MaxCopies), model.PriceStep);
        private readonly List<RankedBid> bids = [];
        private readonly List<int> found = [];
        private readonly List<Contender> contenders = [];
        private readonly List<ITurns> entered = [];
        private readonly List<KeyValuePair<int, string>> turns = [];
        // How far tiers were asked to sell: later ones only stand by for a winner that falls out.
        private int shown;
        private bool anyNoBid, anyBelowFloor;

        public PingOutcome Run(LiveLimits limits, PublisherRoom room)
        {
            var words = vertical.Campaigns.Count / 64 + 1;
            Span<ulong> candidates = words <= 256 ? stackalloc ulong[words] : new ulong[words];
            vertical.Index.Candidates(ping.Values, ping.Publisher, candidates);
            foreach (var tier in tree.Tiers)
            {
                tier.Plan.Find(candidates, found);
                Collect(tier);
                if (contenders.Count == 0) continue;
                var wasOpen = !sale.IsClosed;
                Sell(tier);
                if (wasOpen) shown = bids.Count;
            }
            var notes = limits.Notes.ToArray();
            if (bids.Count == 0)
            {
                return Refused(anyBelowFloor ? Reason.AllBelowFloor : anyNoBid ? Reason.NoBids : Reason.NoEligibleCampaign, tree.Id, notes);
            }
            var offers = Offers(out var payout);
            if (payout < ping.MinPayout) return new(Reason.MinPayout, tree.Id, [.. bids], [], notes, []);
            if (room.Refusal(1, payout) is { } full) return new(full.Reason, tree.Id, [.. bids], [], [.. notes, full], []);
            if (!ping.Test) foreach (var taken in entered) taken.Keep();
            return new(Reason.None, tree.Id, [.. bids], offers, notes, ping.Test ? [] : [.. turns]);
        }

        public void Dispose()
        {
            foreach (var taken in entered) taken.Dispose();
        }

        /// <summary>The tier's bids that clear, in the tier's order; both bids of an <c>either</c> stand together, the higher first.</summary>
        private void Collect(TierModel tier)
        {
            contenders.Clear();
            foreach (var place in found)
            {
                var campaign = tier.Campaigns[place];
                var weight = tier.Method == TierMethod.RoundRobin ? Math.Min(1, tier.Weights[place]) : tier.Weights[place];
                if (weight == 0 && IsByTurn(tier)) continue;
                if (ping.Without is { } without && without.Contains(campaign.Id)) continue;
                if (judge.Config(campaign, vertical.Index.IsExact(campaign.Ordinal)) != Reason.None) continue;
                foreach (var sharing in SharingsOf(campaign))
                {
                    var said = judge.Bid(tier, campaign, sharing);
                    anyNoBid |= said.Reason == Reason.NoBid;
                    anyBelowFloor |= said.Reason is Reason.BelowFloor or Reason.BelowMargin;
                    if (said.Ranked is not { } bid) continue;
                    contenders.Add(new(bid, weight));
                    if (sharing == Sharing.Shared && contenders.Count > 1 && contenders[^2].Bid is var other && other.Campaign == bid.Campaign && other.Bid < bid.Bid)
                        (contenders[^2], contenders[^1]) = (contenders[^1], contenders[^2]);
                }
            }
        }

        private void Sell(TierModel tier)
        {
            var first = bids.Count;
            if (IsByTurn(tier))
            {
                ByTurn(tier);
                return;
            }
            if (tier.Method == TierMethod.Auction) SealedRanking.Sort(CollectionsMarshal.AsSpan(contenders), unchecked(ping.Seed + (ulong)tier.Index));
            foreach (var contender in contenders) bids.Add(contender.Bid);
            var added = CollectionsMarshal.AsSpan(bids)[first..];
            if (tier.Method == TierMethod.Auction) sale.Auction(tier, added, first); else sale.InOrder(added, first, tier.Copies);
        }

        /// <summary>
        /// Each copy goes to the campaign whose turn it is among those that can have it. The others follow in the order in which their turn would
        /// come; far behind (a post never gets there) in the catalog's order.
        /// </summary>
        private void ByTurn(TierModel tier)
        {
            var rotation = rotations.Enter(tier);
            entered.Add(rotation);
            var all = new List<(string Id, int Weight)>(contenders.Count);
            foreach (var contender in contenders) AddOnce(all, contender);
            var open = new List<(string Id, int Weight)>(contenders.Count);
            var served = new List<string>(tier.Copies);
            while (served.Count < tier.Copies)
            {
                open.Clear();
                var at = 0;
                foreach (var campaign in all) if (served.Contains(campaign.Id) | CanHaveCopy(campaign.Id, ref at)) open.Add(campaign);
                if (open.Count == served.Count) break;
                var winner = rotation.Draft(open, served);
                var first = bids.Count;
                MoveBids(winner);
                sale.InOrder(CollectionsMarshal.AsSpan(bids)[first..], first, 1);
                served.Add(winner);
                turns.Add(new(tier.Index, winner));
            }
            open.Clear();
            foreach (var contender in contenders) AddOnce(open, contender);
            for (var behind = 0; open.Count > 1 && behind < Limits.CallsPerPost * 2; behind++)
            {
                var next = rotation.Peek(open);
                MoveBids(next);
                open.RemoveAll(campaign => campaign.Id == next);
            }
            foreach (var contender in contenders) bids.Add(contender.Bid);
        }

        /// <summary>Whether a bid of this campaign is left that could be sold; reads on from <paramref name="at"/>, both being in the tier's order.</summary>
        private bool CanHaveCopy(string campaign, ref int at)
        {
            var can = false;
            for (; at < contenders.Count && contenders[at].Bid.Campaign == campaign; at++) can |= sale.Takes(contenders[at].Bid);
            return can;
        }

        private static void AddOnce(List<(string Id, int Weight)> open, Contender contender)
        {
            if (open.Count == 0 || open[^1].Id != contender.Bid.Campaign) open.Add((contender.Bid.Campaign, contender.Weight));
        }

        private void MoveBids(string campaign)
        {
            for (var i = 0; i < contenders.Count;)
            {
                if (contenders[i].Bid.Campaign != campaign) { i++; continue; }
                bids.Add(contenders[i].Bid);
                contenders.RemoveAt(i);
            }
        }

        /// <summary>The best ones first, then, where the tree shows all, every other bid that an auction or list would sell at its bid.</summary>
        private Offer[] Offers(out Money payout)
        {
            var offers = new List<Offer>(sale.Sold.Count);
            payout = Money.Zero;
            foreach (var copy in sale.Sold)
            {
                var offer = OfferOf(copy.BidIndex, judge.WithMargin(bids[copy.BidIndex], copy.Price), true, offers.Count + 1);
                offers.Add(offer);
                payout += offer.Payout;
            }
            if (!tree.OffersAll) return [.. offers];
            for (var i = 0; i < shown && offers.Count < Limits.OffersPerAnswer; i++)
            {
                if (!IsSold(i) && !IsByTurn(tree.Tiers[bids[i].Tier])) offers.Add(OfferOf(i, bids[i].Bid, false, offers.Count + 1));
            }
            return [.. offers];
        }

        private Offer OfferOf(int index, Money price, bool best, int number)
        {
            var bid = bids[index];
            var id = number < OfferIds.Length ? OfferIds[number] : throw new InvariantException("offers per answer");
            return new(id, index, bid.Sharing, price, judge.PayoutFor(bid, price), bid.Seller, best);
        }

        private bool IsSold(int index)
        {
            foreach (var copy in sale.Sold) if (copy.BidIndex == index) return true;
            return false;
        }
    }

    internal static bool IsByTurn(TierModel tier) => tier.Method is TierMethod.Weighted or TierMethod.RoundRobin;

    private static readonly string[] OfferIds =
        [.. Enumerable.Range(0, Math.Max(Limits.OffersPerAnswer, Limits.CopiesPerLead) + 1).Select(number => number.ToString(System.Globalization.CultureInfo.InvariantCulture))];
}
