using System.Globalization;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

/// <summary>Who may have a copy next: the ranks of the walks made so far, a reauction, the tree for what is unsold.</summary>
internal static class Ranks
{
    /// <summary>
    /// The next bid that can keep a slot's promise, of the round its bid stands in or of a later one. Campaigns that fell out, in whatever round,
    /// and companies that hold another copy cannot. Null: nobody.
    /// </summary>
    public static NextRank? Next(LeadSale sale, int index, SaleContext context)
    {
        var slot = sale.Slots[index];
        var taken = CompaniesBeside(sale, index);
        var fallen = Fallen(sale);
        for (var r = 0; r < sale.Rounds.Length; r++)
        {
            var round = sale.Rounds[r];
            // A slot never goes back to an earlier walk; an expired offer's own bids are over.
            if (round.First + round.Record.Bids.Length <= slot.BidIndex || r == 0 && (sale.Late || sale.Waited)) continue;
            var unavailable = new HashSet<int>();
            for (var i = 0; i < round.Record.Bids.Length; i++)
            {
                var bid = round.Record.Bids[i];
                if (fallen.Contains(bid.Campaign) || taken.Contains(bid.Company) || IsOver(bid, context) || IsClosed(round, bid, context)) unavailable.Add(i);
            }
            var offer = Array.Find(round.Record.Offers, offer => offer.OfferId == slot.OfferId)
                ?? new Offer(slot.OfferId, -1, slot.Sharing, slot.Price, slot.Payout, null, true);
            if (FallThrough.Next(round.Model, round.Record, unavailable, HoldersBeside(sale, index, round), offer, round.Subject, context.NamedSellers) is { } next)
                return next with { BidIndex = round.First + next.BidIndex };
        }
        return null;
    }

    /// <summary>As <see cref="Next"/>, and where nobody is left by a reauction, if the slot's tree has one. What was walked stays in the sale.</summary>
    public static NextRank? NextOrAnew(ref LeadSale sale, int index, SaleContext context)
    {
        if (Next(sale, index, context) is { } next) return next;
        var tree = sale.RoundAt(sale.Slots[index].BidIndex).Tree;
        if (tree is not { Reauction: true } || sale.Reauctioned.Contains(tree.Id)) return null;
        sale = sale with { Reauctioned = sale.Reauctioned.Add(tree.Id) };
        if (Walk(sale, tree.Id, Money.Zero, context) is not { Outcome.Bids.Length: > 0 } walked) return null;
        // It keeps promises made before and makes none: whoever of its bids can pay them has the lead, in rank order.
        sale = WithRound(sale, walked, [], context);
        return Next(sale, index, context);
    }

    /// <summary>
    /// A lead that nobody took, in the tree that the last one names for it: new slots with payouts of their own, together not below what
    /// the post asks for. False: there is no further tree, or it waits for it first; those that were asked are noted.
    /// </summary>
    public static bool GoesOnUnsold(ref LeadSale sale, SaleContext context)
    {
        while (sale.UnsoldTrees.Length < Limits.TreesPerPost && NextTree(sale, context) is { } asked)
        {
            sale = sale with { UnsoldTrees = sale.UnsoldTrees.Add(asked) };
            if (LeadWaits.BeforeUnsold(sale, context) is { } wait)
            {
                sale = sale with { Waits = wait };
                return false;
            }
            if (Offer(ref sale, asked, context) == Reason.None) return true;
        }
        return false;
    }

    /// <summary>
    /// Walks a tree for a lead to which nothing is promised: what it offers are new slots with payouts of their own. Else why it offers nothing.
    /// </summary>
    public static Reason Offer(ref LeadSale sale, string tree, SaleContext context)
    {
        var walked = Walk(sale, tree, sale.MinPayout, context);
        if (walked is not { Outcome.Outcome: Reason.None }) return walked?.Outcome.Outcome ?? Reason.NoTree;
        var number = FirstNumber(sale);
        var offers = Array.ConvertAll(Array.FindAll(walked.Outcome.Offers, offer => offer.Best), offer => offer with { OfferId = Text(number++) });
        sale = WithRound(sale, walked, offers, context);
        var first = sale.Rounds[^1].First;
        sale = sale with
        {
            Slots = sale.Slots.AddRange(offers.Select(offer =>
                new Slot(offer.OfferId, offer.Sharing, offer.Payout, first + offer.BidIndex, offer.Price, 0, SlotState.Proposed))),
        };
        return Reason.None;
    }

    /// <summary>
    /// The auction of a lead for which its ping's own tree was not asked before its post. What the ping promised goes to whoever pays it, in rank order; a
    /// lead to which nothing was promised is offered as a ping is.
    /// </summary>
    public static LeadSale Auctioned(LeadSale sale, SaleContext context)
    {
        var tree = sale.Record.Tree!;
        if (sale.Slots.IsEmpty)
        {
            var why = Offer(ref sale, tree, context);
            return sale with { Reason = why };
        }
        var walked = Walk(sale, tree, Money.Zero, context);
        if (walked is not { Outcome.Bids.Length: > 0 }) return sale with { Reason = walked?.Outcome.Outcome ?? Reason.NoTree };
        sale = WithRound(sale, walked, [], context);
        for (var i = 0; i < sale.Slots.Length; i++)
            if (Next(sale, i, context) is { } next)
                sale = sale with { Slots = sale.Slots.SetItem(i, sale.Slots[i] with { State = SlotState.Proposed, BidIndex = next.BidIndex, Price = next.Price }) };
        return sale;
    }

    /// <summary>Why a bid may not have this lead whatever its rank; None: it may.</summary>
    public static Reason Unfit(LeadSale sale, int place, SaleContext context)
    {
        var round = sale.RoundAt(place);
        var bid = round.Record.Bids[place - round.First];
        // Its campaign left the catalog since, or what the ping could not show does not suit it.
        if (!context.Current.Campaigns.ContainsKey(bid.Campaign)) return Reason.CampaignPaused;
        if (IsOver(bid, context) && !IsTaken(sale, place)) return Reason.PingExpired;
        if (!bid.Of.PostFilter.Holds(round.Subject)) return Reason.PostFilter;
        return bid.Of.Consent != Catalog.ConsentLevel.None && !context.HasProof ? Reason.ConsentMissing : Reason.None;
    }

    private static bool IsOver(in RankedBid bid, SaleContext context) => bid.Live is { } live && live.IsOver(context.NowMs);

    /// <summary>It made an offer that the post took in time: that holds however long the post runs.</summary>
    private static bool IsTaken(LeadSale sale, int place) => sale is { First: not null, Late: false, Waited: false } && place < sale.Rounds[0].Record.Bids.Length
        && sale.Slots.Any(slot => slot.BidIndex == place && Array.Exists(sale.Rounds[0].Record.Offers, offer => offer.OfferId == slot.OfferId && offer.BidIndex == place));

    /// <summary>
    /// Whether a slot's bid was made by a standing bid that stands no more, or whose spend limit has no room for it. The best offers of the ping stand as they
    /// were made: they were weighed then and are counted since.
    /// </summary>
    public static bool IsSpent(LeadSale sale, Slot slot, SaleContext context) =>
        !sale.Test && sale.BidAt(slot.BidIndex) is { Live.StandingSince: not 0 } bid && !sale.IsBestOffer(slot.BidIndex)
        && !(context.StandingLeft.TryGetValue(bid.Campaign, out var left) && slot.Price <= left);

    /// <summary>As <see cref="Unfit"/>; of a bid that is fit no tree, where one through which it would be sold is closed.</summary>
    public static Reason UnfitOrClosed(LeadSale sale, int place, SaleContext context)
    {
        var reason = Unfit(sale, place, context);
        return reason == Reason.None && IsClosed(sale.RoundAt(place), sale.BidAt(place), context) ? Reason.NoTree : reason;
    }

    /// <summary>
    /// Whether a tree through which this bid would be sold was paused or left the catalog since. Its campaigns did not fall out: another tree may ask
    /// them still.
    /// </summary>
    private static bool IsClosed(SaleRound round, RankedBid bid, SaleContext context)
    {
        foreach (var id in round.TreesOf(bid))
            if (!context.Current.Trees.TryGetValue(id, out var tree) || tree.Status == Catalog.EntryStatus.Paused) return true;
        return false;
    }

    private static string? NextTree(LeadSale sale, SaleContext context)
    {
        var last = sale.UnsoldTrees.Length > 0 ? sale.UnsoldTrees[^1] : sale.Record.Tree;
        return last is not null && context.Current.Trees.TryGetValue(last, out var tree) ? tree.UnsoldTree : null;
    }

    private static Walked? Walk(LeadSale sale, string tree, Money minPayout, SaleContext context)
    {
        // Another draw among equals at each walk, the same whenever it is repeated.
        var seed = unchecked(sale.Record.Seed + 0x9E3779B97F4A7C15UL * (ulong)(sale.Reauctioned.Count + sale.UnsoldTrees.Length));
        return context.Walk(new(tree, minPayout, sale.MaxCopies, Fallen(sale), seed));
    }

    private static LeadSale WithRound(LeadSale sale, Walked walked, Offer[] offers, SaleContext context)
    {
        var round = new SaleRound
        {
            Model = walked.Model, Subject = walked.Subject, First = sale.BidCount,
            Record = sale.Record with
            {
                Tree = walked.Outcome.Tree, CatalogVersion = walked.Model.Version, Values = walked.Subject.Values, Bids = walked.Outcome.Bids, Offers = offers,
                Notes = walked.Outcome.Notes, Turns = walked.Outcome.Turns, Shares = walked.Outcome.Shares, Outcome = Reason.None,
            },
        };
        return WithoutUnfit(sale with { Rounds = sale.Rounds.Add(round) }, sale.Rounds.Length, context);
    }

    /// <summary>Bids of one round that may not have this lead, whatever their rank, are out. A bid that is over is no more than that: its bidder may be asked anew.</summary>
    public static LeadSale WithoutUnfit(LeadSale sale, int round, SaleContext context)
    {
        var (first, count) = (sale.Rounds[round].First, sale.Rounds[round].Record.Bids.Length);
        var outs = sale.Out.ToBuilder();
        for (var place = first; place < first + count; place++) if (Unfit(sale, place, context) is not (Reason.None or Reason.PingExpired)) outs.Add(place);
        return sale with { Out = outs.ToImmutable() };
    }

    private static HashSet<string> Fallen(LeadSale sale) => sale.Out.Select(place => sale.BidAt(place).Campaign).ToHashSet(StringComparer.Ordinal);

    private static HashSet<string> CompaniesBeside(LeadSale sale, int index)
    {
        var companies = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < sale.Slots.Length; i++)
            if (i != index && sale.Slots[i].State != SlotState.Lost) companies.Add(sale.BidAt(sale.Slots[i].BidIndex).Company);
        return companies;
    }

    /// <summary>The bids of one round, by their place in it, that have the other copies.</summary>
    private static List<int> HoldersBeside(LeadSale sale, int index, SaleRound round)
    {
        var holders = new List<int>();
        for (var i = 0; i < sale.Slots.Length; i++)
        {
            var place = sale.Slots[i].BidIndex - round.First;
            if (i != index && sale.Slots[i].State != SlotState.Lost && place >= 0 && place < round.Record.Bids.Length) holders.Add(place);
        }
        return holders;
    }

    /// <summary>Offers of later walks begin with another hundred each, so that a lead's offers have names of their own.</summary>
    private static int FirstNumber(LeadSale sale)
    {
        var highest = 0;
        foreach (var slot in sale.Slots) if (int.TryParse(slot.OfferId, CultureInfo.InvariantCulture, out var number)) highest = Math.Max(highest, number);
        return (highest / 100 + 1) * 100 + 1;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
