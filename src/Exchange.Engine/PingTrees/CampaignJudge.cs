using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>What became of one bid before any auction: it cleared (<see cref="Ranked"/>), or the reason why not with the numbers used.</summary>
internal readonly record struct Judgement(Reason Reason, Sharing Sharing)
{
    public RankedBid? Ranked { get; init; }
    /// <summary>Cut down to the price step.</summary>
    public Money? Bid { get; init; }
    public Money Floor { get; init; }
    /// <summary>The limit that refused, how it stood, and what the bid needed of it.</summary>
    public LimitModel? Limit { get; init; }
    public LimitReading Reading { get; init; }
    public long Needed { get; init; }
}

/// <summary>
/// Judges campaigns for one ping, in the order in which reasons are told: paused, buyer paused, publisher, filter, schedule, caps and balance by
/// the bid, sold elsewhere, consent, sharing; then no bid, below floor, below margin. One object serves a whole walk.
/// </summary>
internal sealed class CampaignJudge
{
    private readonly PingInput ping;
    private readonly PayoutModel payout;
    private readonly Money step;
    private readonly ILimitState limits;

    public CampaignJudge(CatalogModel model, PayoutModel payout, PingInput ping, ILimitState limits)
    {
        this.ping = ping;
        this.payout = payout;
        this.limits = limits;
        step = model.PriceStep;
        Subject = new Subject
        {
            Vertical = ping.Vertical, Publisher = ping.Publisher, SubId = ping.SubId, Channel = ping.Channel, Values = ping.Values, Now = ping.Now,
        };
    }

    public Subject Subject { get; }

    /// <summary>What the catalog and the clock say; None: it may bid.</summary>
    /// <param name="filterHolds">The index knows already that the filter holds.</param>
    public Reason Config(CampaignModel campaign, bool filterHolds = false)
    {
        if (campaign.Status == EntryStatus.Paused) return Reason.CampaignPaused;
        if (campaign.Buyer.Status == EntryStatus.Paused) return Reason.BuyerPaused;
        if (!campaign.Publishers.Has(ping.Publisher)) return Reason.PublisherNotAllowed;
        if (!filterHolds && !campaign.Filter.Holds(Subject)) return Reason.Filter;
        if (campaign.Schedule is { } schedule && !schedule.IsOpen(ping.Now)) return Reason.ScheduleClosed;
        return Reason.None;
    }

    /// <summary>One bid of a campaign that may bid; <c>either</c> is judged once as exclusive and once as shared.</summary>
    public Judgement Bid(TierModel tier, CampaignModel campaign, Sharing sharing)
    {
        Pointing(campaign.Buyer.Id, campaign.Id, sharing);
        var quote = campaign.Bid.Quote(Subject);
        var bid = quote.Price?.CutTo(step);
        var takes = campaign.Takes;
        // Almost always everything fits, which one glance tells; only then is each limit asked, in the order of reasons.
        for (var i = limits.AllFit(campaign, bid?.Micros ?? 0) ? takes.Count : 0; i < takes.Count; i++)
        {
            var needed = takes[i].AmountOf(bid ?? Money.Zero, Money.Zero);
            if (!limits.Fits(campaign, takes[i], needed, out var reading))
                return new(takes[i].Reason, sharing) { Bid = bid, Limit = takes[i], Reading = reading, Needed = needed };
        }
        var seller = campaign.Buyer.Seller?.Name;
        var named = campaign.Consent == ConsentLevel.Named;
        if (seller is not null && IsSoldElsewhere(seller)) return Out(Reason.SoldElsewhere);
        if (named && seller is null) return Out(Reason.ConsentNotNamed);
        if (sharing == Sharing.Exclusive && ping.SoldElsewhereCopies > 0) return Out(Reason.SharingMismatch);
        if (bid is not { } money) return Out(quote.Reason);
        var tierFloor = (tier.Floor?.PriceFor(Subject) ?? Money.Zero).RaiseTo(step);
        if (money < tierFloor) return Out(Reason.BelowFloor) with { Floor = tierFloor };
        var floor = Money.Max(tierFloor, payout.LowestPriceWithMargin(Subject, step) ?? Money.Zero);
        if (!payout.LeavesMargin(money, Subject, step)) return Out(Reason.BelowMargin) with { Floor = floor };
        floor = Money.Min(floor, money);
        return new(Reason.None, sharing)
        {
            Bid = money,
            Floor = floor,
            Ranked = new(tier.Index, campaign, sharing, money, floor, floor > Money.Zero),
        };

        Judgement Out(Reason reason) => new(reason, sharing) { Bid = bid };
    }

    /// <summary>What the publisher gets if this bid is charged this price.</summary>
    public Money PayoutFor(RankedBid bid, Money price)
    {
        Pointing(bid.Buyer, bid.Campaign, bid.Sharing);
        return payout.PayoutFor(price, Subject, step);
    }

    /// <summary>The price, raised where payout rules would leave less than the least margin at it; never above the bid.</summary>
    public Money WithMargin(RankedBid bid, Money price)
    {
        Pointing(bid.Buyer, bid.Campaign, bid.Sharing);
        return payout.LowestPriceWithMargin(Subject, step, price) is { } raised && raised < bid.Bid ? raised : bid.Bid;
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
