using System.Runtime.InteropServices;
using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>An offer before it is written down.</summary>
internal readonly record struct DraftOffer(int BidIndex, Money Price, Money Payout, bool Best);

/// <summary>
/// One tree walked for one ping: who may bid, what each bids, who wins at which price, what is offered. Costs by the campaigns that match, not by
/// those that exist. One object serves one walk after another and allocates nothing once it has grown.
/// </summary>
internal sealed class TreeWalk
{
    private readonly List<int> found = [];
    private readonly List<Contender> contenders = [];
    private readonly List<ITurns> entered = [];
    private readonly ShareOrder shareOrder = new();
    private readonly TurnOrder turnOrder = new();
    private ulong[] candidates = [];
    private PingInput ping = null!;
    private TreeModel tree = null!;
    private VerticalModel vertical = null!;
    private IWalkState state = null!;
    private IRotations rotations = null!;
    // How far tiers were asked to sell: later ones only stand by for a winner that falls out.
    private int shown;
    private bool anyNoBid, anyBelowFloor, asksLive;

    public bool IsTest => ping.Test;
    public CampaignJudge Judge { get; } = new();
    public LiveState Live { get; } = new();
    public TreeSale Sale { get; } = new();
    public List<RankedBid> Bids { get; } = [];
    public List<StateNote> Notes { get; } = [];
    public List<ShareNote> Shares { get; } = [];
    public List<KeyValuePair<int, string>> Turns { get; } = [];
    public List<DraftOffer> Offers { get; } = [];
    /// <summary>Campaigns that were asked for a bid and count how often they are.</summary>
    public List<CampaignModel> Asked { get; } = [];
    /// <summary>Live bids without which the walk cannot go on.</summary>
    public List<LiveAsk> Wanted { get; } = [];

    public void Begin(CatalogModel model, PayoutModel payout, PingInput input, IWalkState walkState, IRotations turns, bool asks = false)
    {
        (ping, state, rotations, asksLive) = (input, walkState, turns, asks);
        shown = 0;
        anyNoBid = anyBelowFloor = false;
        Judge.Begin(model, payout, input, walkState);
    }

    /// <summary>Walks the tiers and sells. None: something was sold; else why nothing could be.</summary>
    public Reason Walk(VerticalModel of, TreeModel walked, Money step)
    {
        (vertical, tree) = (of, walked);
        Judge.Enter(tree);
        Sale.Begin(CopiesFor(tree, ping.MaxCopies), step);
        if (candidates.Length < vertical.Index.Words) candidates = new ulong[vertical.Index.Words];
        vertical.Index.Candidates(ping.Values, ping.Publisher, candidates);
        // Two walks may meet in the rotations of a tree that both ask: all enter in one order.
        if (tree.TurnTiers.Length > 1) foreach (var tier in tree.TurnTiers) entered.Add(rotations.Enter(tier));
        for (var t = 0; t < tree.Tiers.Count; t++)
        {
            var tier = tree.Tiers[t];
            if (!Judge.Reaches(tier)) continue;
            tier.Plan.Find(candidates.AsSpan(0, vertical.Index.Words), found);
            Collect(tier);
            if (Wanted.Count > 0) return Reason.None;
            if (contenders.Count == 0) continue;
            var wasOpen = !Sale.IsClosed;
            Sell(tier);
            if (wasOpen) shown = Bids.Count;
        }
        if (Bids.Count > 0) return Reason.None;
        return anyBelowFloor ? Reason.AllBelowFloor : anyNoBid ? Reason.NoBids : Reason.NoEligibleCampaign;
    }

    /// <summary>The best ones first, then, where the tree shows all, every other bid that an auction or list would sell at its bid. Returns what the best pay.</summary>
    public Money MakeOffers()
    {
        var payout = Money.Zero;
        var bids = CollectionsMarshal.AsSpan(Bids);
        foreach (var copy in Sale.Sold)
        {
            var price = Judge.WithMargin(bids[copy.BidIndex], copy.Price);
            var pays = Judge.PayoutFor(bids[copy.BidIndex], price);
            Offers.Add(new(copy.BidIndex, price, pays, true));
            payout += pays;
        }
        if (!tree.OffersAll) return payout;
        for (var i = 0; i < shown && Offers.Count < Limits.OffersPerAnswer; i++)
            if (!Sale.IsSold(i) && !tree.Tiers[bids[i].Tier].IsByTurn) Offers.Add(new(i, bids[i].Bid, Judge.PayoutFor(bids[i], bids[i].Bid), false));
        return payout;
    }

    /// <summary>The turns are taken: the offers are made.</summary>
    public void KeepTurns()
    {
        foreach (var turn in entered) turn.Keep();
    }

    /// <summary>What the kept turns did to the rotations.</summary>
    public TakenTurns[] Taken() => [.. entered.Select(turn => turn.Taken()).OfType<TakenTurns>()];

    /// <summary>Leaves the rotations, giving back turns that were not kept.</summary>
    public void LeaveRotations()
    {
        foreach (var turn in entered) turn.Dispose();
        entered.Clear();
    }

    /// <summary>Ready for another walk; holds on to nothing.</summary>
    public void End()
    {
        LeaveRotations();
        contenders.Clear();
        Bids.Clear();
        Notes.Clear();
        Shares.Clear();
        Turns.Clear();
        Offers.Clear();
        Asked.Clear();
        Wanted.Clear();
        Sale.End();
        Judge.End();
        Live.End();
        (ping, tree, vertical, state, rotations) = (null!, null!, null!, null!, null!);
    }

    internal static int CopiesFor(TreeModel tree, int maxCopies) => Math.Clamp(Math.Min(tree.Copies, maxCopies), 1, Limits.CopiesPerLead);

    /// <summary>Exclusive, shared, or first the one and then the other.</summary>
    internal static ReadOnlySpan<Sharing> SharingsOf(CampaignModel campaign) => campaign.Sharing switch
    {
        Sharing.Exclusive => [Sharing.Exclusive],
        Sharing.Shared => [Sharing.Shared],
        _ => [Sharing.Exclusive, Sharing.Shared],
    };

    /// <summary>The tier's bids that clear, in the tier's order; both bids of an <c>either</c> stand together, the higher first.</summary>
    private void Collect(TierModel tier)
    {
        contenders.Clear();
        foreach (var place in found)
        {
            var campaign = tier.Campaigns[place];
            var weight = tier.Method is TierMethod.RoundRobin ? Math.Min(1, tier.Weights[place]) : tier.Weights[place];
            if (weight == 0 && (tier.IsByTurn || tier.Method == TierMethod.Percent)) continue;
            if (ping.Without is { } without && without.Contains(campaign.Id)) continue;
            if (!Judge.IsOpen(campaign, vertical.Index.IsExact(campaign.Ordinal))) continue;
            foreach (var sharing in SharingsOf(campaign))
            {
                var said = Judge.Bid(tier, campaign, sharing);
                if (said.IsUnasked)
                {
                    Want(tier, campaign, sharing);
                    continue;
                }
                anyNoBid |= said.Reason.IsDecline();
                anyBelowFloor |= said.Reason is Reason.BelowFloor or Reason.BelowMargin;
                if (said.Limit is not null || said.Reason == Reason.BuyerHasLead) Note(campaign, said);
                else if (campaign.Counted.Count > 0 && IsAsked(campaign, said) && (Asked.Count == 0 || !ReferenceEquals(Asked[^1], campaign))) Asked.Add(campaign);
                if (!said.Clears) continue;
                contenders.Add(new(said.Ranked, weight));
                if (sharing == Sharing.Shared && contenders.Count > 1 && ReferenceEquals(contenders[^2].Bid.Of, campaign) && contenders[^2].Bid.Bid < said.Ranked.Bid)
                    (contenders[^2], contenders[^1]) = (contenders[^1], contenders[^2]);
            }
        }
    }

    /// <summary>Whether the ping came to the campaign as a bid request: not where the ping itself shut it out.</summary>
    private bool IsAsked(CampaignModel campaign, in Judgement said) => ping.LiveBidOf(campaign, said.Sharing) is { } live
        ? live.WasCalled : said.Reason is not (Reason.PingCap or Reason.SoldElsewhere or Reason.ConsentNotNamed or Reason.SharingMismatch);

    private void Want(TierModel tier, CampaignModel campaign, Sharing sharing)
    {
        if (!asksLive || Sale.RoomOf(tier) is not (> 0 and var room) || !Sale.Takes(new(tier.Index, campaign, sharing, Money.Zero, Money.Zero, false))) return;
        if (Wanted.Count > 0 && ReferenceEquals(Wanted[^1].Campaign, campaign)) Wanted[^1] = Wanted[^1] with { Sharings = [.. Wanted[^1].Sharings, sharing] };
        else Wanted.Add(new(campaign, [sharing], room, tier.Deadline));
    }

    private void Note(CampaignModel campaign, in Judgement said)
    {
        var note = new StateNote(campaign, said.Reason, said.Limit, said.Reading.Limit, said.Reading.Used, said.Reading.Held, said.Needed, said.Value, said.UntilMs);
        if (Notes.Count == 0 || Notes[^1] != note) Notes.Add(note);
    }

    private void Sell(TierModel tier)
    {
        var first = Bids.Count;
        if (tier.IsByTurn)
        {
            turnOrder.Sell(tier, TurnsOf(tier), contenders, Sale, Bids, Turns);
            return;
        }
        var seed = unchecked(ping.Seed + (ulong)tier.Index);
        if (tier.Method == TierMethod.Auction) SealedRanking.Sort(CollectionsMarshal.AsSpan(contenders), seed);
        else if (tier.IsByShare) shareOrder.Sort(tier, contenders, state, seed, Shares);
        foreach (var contender in contenders) Bids.Add(contender.Bid);
        var added = CollectionsMarshal.AsSpan(Bids)[first..];
        if (tier.Method == TierMethod.Auction) Sale.Auction(tier, added, first);
        else Sale.InOrder(tier, added, first, tier.Copies);
    }

    private ITurns TurnsOf(TierModel tier)
    {
        if (tree.TurnTiers.Length == 1)
        {
            if (entered.Count == 0) entered.Add(rotations.Enter(tier));
            return entered[0];
        }
        for (var i = 0; i < entered.Count; i++) if (tree.TurnTiers[i].RotationKey == tier.RotationKey) return entered[i];
        throw new InvariantException("a rotation that was not entered");
    }
}
