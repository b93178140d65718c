using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>What became of one bid before any auction: it cleared (<see cref="Ranked"/>), or the reason why not with the numbers used.</summary>
internal readonly record struct Judgement(Reason Reason, Sharing Sharing)
{
    public bool Clears { get; init; }
    public RankedBid Ranked { get; init; }
    /// <summary>Cut down to the price step; null: no price.</summary>
    public Money? Bid { get; init; }
    public Money Floor { get; init; }
    /// <summary>The limit that refused (of which value), how it stood, and what the bid needed of it.</summary>
    public LimitModel? Limit { get; init; }
    public string? Value { get; init; }
    public LimitReading Reading { get; init; }
    public long Needed { get; init; }
    /// <summary>A live bid that could still win and is not known: its bidder was not asked.</summary>
    public bool IsUnasked { get; init; }
    /// <summary>Pacing: the next turn, Unix milliseconds.</summary>
    public long UntilMs { get; init; }
}

/// <summary>
/// Judges campaigns for one ping, in the order in which reasons are told: paused, buyer paused, publisher, filter, schedule, caps from hour to
/// total, ping caps, balance, pacing, the person known, sold elsewhere, consent, sharing; then no bid, below floor, below margin. One object
/// serves one walk after another and allocates nothing.
/// </summary>
internal sealed class CampaignJudge
{
    private PingInput ping = null!;
    private PayoutModel payout = null!;
    private IWalkState state = null!;
    private TreeModel tree = null!;
    private Money step;

    public Subject Subject { get; } = new() { Vertical = "", Publisher = "", Values = [], Now = default };

    public void Begin(CatalogModel model, PayoutModel rules, PingInput input, IWalkState walkState)
    {
        (ping, payout, state, step) = (input, rules, walkState, model.PriceStep);
        Subject.Vertical = input.Vertical;
        Subject.Publisher = input.Publisher;
        Subject.SubId = input.SubId;
        Subject.Channel = input.Channel;
        Subject.Values = input.Values;
        Subject.Now = input.Now;
    }

    /// <summary>The tree whose caps every sale takes.</summary>
    public void Enter(TreeModel walked) => tree = walked;

    /// <summary>Holds on to nothing between walks.</summary>
    public void End()
    {
        (ping, payout, state, tree) = (null!, null!, null!, null!);
        (Subject.Values, Subject.Buyer, Subject.Campaign) = ([], null, null);
    }

    /// <summary>Whether the trees on the way to this tier take the ping.</summary>
    public bool Reaches(TierModel tier)
    {
        for (var i = 0; i < tier.Groups.Count; i++)
        {
            var group = tier.Groups[i];
            if (group.Status == EntryStatus.Paused || group.Publishers is { } publishers && !publishers.Has(ping.Publisher)) return false;
            if (group.When is { } when && !when.Holds(Subject)) return false;
        }
        return true;
    }

    /// <summary>What the catalog and the clock say; None: it may bid.</summary>
    public Reason Config(CampaignModel campaign)
    {
        if (campaign.Status == EntryStatus.Paused || !TakesTests(campaign)) return Reason.CampaignPaused;
        if (campaign.Buyer.Status == EntryStatus.Paused) return Reason.BuyerPaused;
        if (!campaign.Publishers.Has(ping.Publisher)) return Reason.PublisherNotAllowed;
        if (!campaign.Filter.Holds(Subject)) return Reason.Filter;
        return campaign.Schedule is { } schedule && !schedule.IsOpen(ping.Now) ? Reason.ScheduleClosed : Reason.None;
    }

    /// <summary>The same of a candidate of the index, which holds no paused campaign and none that does not take the publisher.</summary>
    /// <param name="filterHolds">The index knows already that the filter holds.</param>
    public bool IsOpen(CampaignModel campaign, bool filterHolds) =>
        TakesTests(campaign) && (filterHolds || campaign.Filter.Holds(Subject)) && (campaign.Schedule is not { } schedule || schedule.IsOpen(ping.Now));

    /// <summary>A campaign for tests only is reached by nothing else.</summary>
    private bool TakesTests(CampaignModel campaign) => campaign.Status != EntryStatus.Test || ping.Test;

    /// <summary>One bid of a campaign that may bid; <c>either</c> is judged once as exclusive and once as shared.</summary>
    public Judgement Bid(TierModel tier, CampaignModel campaign, Sharing sharing)
    {
        Pointing(campaign.Buyer.Id, campaign.Id, sharing);
        var live = campaign.Bid.Live is null ? null : ping.LiveBidOf(campaign, sharing);
        var isUnasked = campaign.Bid.Live is not null && live is null;
        // Who has nothing left to spend is not asked either.
        var quote = isUnasked ? new(step, Reason.None) : live is { Reason: not Reason.None } ? new(null, live.Reason) : campaign.Bid.Quote(Subject, live?.Price);
        var bid = quote.Price?.CutTo(step);
        var limited = Limits(tier, campaign, sharing, bid ?? Money.Zero);
        if (isUnasked) bid = null;
        if (limited.Reason != Reason.None) return limited with { Bid = bid };
        if (campaign.Duplicate is { } rule && ping.Persons.Length > 0 && state.HasPerson(campaign, rule, ping.Persons)) return Out(Reason.BuyerHasLead);
        var seller = live?.Seller ?? campaign.Buyer.Seller?.Name;
        if (seller is not null && IsSoldElsewhere(seller)) return Out(Reason.SoldElsewhere);
        if (campaign.Consent == ConsentLevel.Named && seller is null) return Out(Reason.ConsentNotNamed);
        if (sharing == Sharing.Exclusive && ping.SoldElsewhereCopies > 0) return Out(Reason.SharingMismatch);
        if (isUnasked) return Out(Reason.TierFilled) with { IsUnasked = true };
        if (campaign.Consent == ConsentLevel.Named && ping.NamedSellers is { } named && !named.Contains(seller!, StringComparer.OrdinalIgnoreCase)) return Out(Reason.ConsentNotNamed);
        if (bid is not { } money) return Out(quote.Reason);
        // Adjusted or cut to nothing: who bids nothing does not bid.
        if (live is not null && money <= Money.Zero) return Out(Reason.InvalidPrice);
        var tierFloor = FloorOf(tier);
        if (money < tierFloor) return Out(Reason.BelowFloor) with { Floor = tierFloor };
        var floor = Money.Max(tierFloor, payout.LowestPriceWithMargin(Subject, step) ?? Money.Zero);
        if (!payout.LeavesMargin(money, Subject, step)) return Out(Reason.BelowMargin) with { Floor = floor };
        floor = Money.Min(floor, money);
        return new(Reason.None, sharing) { Bid = money, Floor = floor, Clears = true, Ranked = new(tier.Index, campaign, sharing, money, floor, floor > Money.Zero) { Live = live } };

        Judgement Out(Reason reason) => new(reason, sharing) { Bid = bid };
    }

    /// <summary>The least bid of the campaign judged last that this tier's floor, the payout and the margin let count; null: none does.</summary>
    public Money? LeastBid(TierModel tier) => payout.LowestPriceWithMargin(Subject, step, FloorOf(tier));

    /// <summary>What the publisher gets if this bid is charged this price.</summary>
    public Money PayoutFor(in RankedBid bid, Money price)
    {
        Pointing(bid.Buyer, bid.Campaign, bid.Sharing);
        return payout.PayoutFor(price, Subject, step);
    }

    /// <summary>The price, raised where payout rules would leave less than the least margin at it; never above the bid.</summary>
    public Money WithMargin(in RankedBid bid, Money price)
    {
        Pointing(bid.Buyer, bid.Campaign, bid.Sharing);
        return payout.LowestPriceWithMargin(Subject, step, price) is { } raised && raised < bid.Bid ? raised : bid.Bid;
    }

    /// <summary>The highest of the tier's floor and those of the tiers that ask for it.</summary>
    private Money FloorOf(TierModel tier)
    {
        var floor = tier.Floor?.PriceFor(Subject) ?? Money.Zero;
        for (var i = 0; i < tier.Groups.Count; i++)
            if (tier.Groups[i].Floor?.PriceFor(Subject) is { } asked) floor = Money.Max(floor, asked);
        return floor.RaiseTo(step);
    }

    /// <summary>The first limit in the way, in the order of reasons. Almost always everything fits, which one glance tells.</summary>
    private Judgement Limits(TierModel tier, CampaignModel campaign, Sharing sharing, Money bid)
    {
        var first = new Judgement(Reason.None, sharing);
        var takes = campaign.Takes;
        var plainFit = state.AllFit(campaign, bid.Micros);
        if (!plainFit || campaign.HasSpecialTakes)
            for (var i = 0; i < takes.Count; i++)
                if (!plainFit || !takes[i].IsPlain) Ask(takes[i], campaign, bid, ref first);
        for (var i = 0; i < campaign.Counted.Count; i++) Ask(campaign.Counted[i], campaign, bid, ref first);
        for (var i = 0; i < tree.Caps.Count; i++) Ask(tree.Caps[i], campaign, bid, ref first);
        for (var g = 0; g < tier.Groups.Count; g++)
        {
            var caps = tier.Groups[g].Caps;
            for (var i = 0; i < caps.Count; i++) Ask(caps[i], campaign, bid, ref first);
        }
        return first;
    }

    private void Ask(LimitModel limit, CampaignModel campaign, Money bid, ref Judgement first)
    {
        // Tests take no gate; a campaign that is there for them has a closed one.
        if (limit.Soft || limit.Kind == LimitKind.Gate && ping.Test || !limit.Counts(Subject)) return;
        var value = limit.ValueOf(Subject);
        var needed = limit.AmountOf(bid, Money.Zero);
        var answer = state.Ask(campaign, limit, value, needed);
        if (answer.Reason == Reason.None || first.Reason != Reason.None && first.Reason <= answer.Reason) return;
        first = new(answer.Reason, first.Sharing) { Limit = limit, Value = value, Reading = answer.Reading, Needed = needed, UntilMs = answer.UntilMs };
    }

    private void Pointing(string buyer, string campaign, Sharing sharing)
    {
        Subject.Buyer = buyer;
        Subject.Campaign = campaign;
        Subject.Sharing = sharing;
    }

    private bool IsSoldElsewhere(string seller)
    {
        foreach (var other in ping.SoldElsewhereSellers) if (string.Equals(other, seller, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }
}
