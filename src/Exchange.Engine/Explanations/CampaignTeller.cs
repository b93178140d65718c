using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>Tells one campaign's part after another, of a walk that was repeated from its record.</summary>
internal sealed class CampaignTeller
{
    /// <summary>One of a campaign's bids: how it was judged, whether its sharing was left, where it stands, and what it would have needed.</summary>
    private sealed record Told(Judgement Said, bool IsLeft, int Place, string? Sum, List<Change> Changes);

    private readonly CatalogModel model;
    private readonly PingRecord record;
    private readonly PingInput ping;
    private readonly TreeWalk walk;
    private readonly SaleReplay sale;
    // The same ping with no limit in the way; then also sold to no seller elsewhere; then also no copy sold elsewhere.
    private readonly CampaignJudge unlimited, unsold, alone;

    public CampaignTeller(CatalogModel model, PingRecord record, TreeModel tree, PayoutModel payout, PingInput ping, TreeWalk walk, SaleReplay sale)
    {
        (this.model, this.record, this.ping, this.walk, this.sale) = (model, record, ping, walk, sale);
        unlimited = Judge(ping);
        unsold = Judge(ping with { SoldElsewhereSellers = [] });
        alone = Judge(ping with { SoldElsewhereSellers = [], SoldElsewhereCopies = 0 });

        CampaignJudge Judge(PingInput input)
        {
            var judge = new CampaignJudge();
            judge.Begin(model, payout, input, new OpenState());
            judge.Enter(tree);
            return judge;
        }
    }

    public CampaignExplanation Tell(TierModel tier, CampaignModel campaign)
    {
        var obstacles = Obstacles.Of(tier, campaign, walk.Judge.Subject, record.Id.IsTest);
        var bid = Furthest(tier, campaign, obstacles.Count > 0);
        var changes = new List<Change>();
        foreach (var obstacle in obstacles) changes.Add(obstacle.Change);
        changes.AddRange(bid.Changes);
        var whole = WholePing();
        if (whole is not null) changes.Add(whole);
        var told = new CampaignExplanation
        {
            Tier = tier.Index, TierName = tier.Name, Trees = [.. tier.Groups.Select(group => group.Tree)], Campaign = campaign.Id, Buyer = campaign.Buyer.Id,
            Verdict = Verdict.Excluded, Reason = bid.Said.Reason, Sharing = bid.Said.Sharing, Bid = bid.Said.Bid, BidSum = bid.Sum, Changes = changes,
            Text = Changing.TextOf(changes),
        };
        if (obstacles.Count > 0)
        {
            // It was not asked: what it would have bid stands among the changes, if it mattered.
            var first = obstacles[0];
            return told with { Reason = first.Reason, Sharing = null, Bid = null, BidSum = null, Miss = first.Change.Miss, Opens = first.Opens };
        }
        if (bid.Said.Clears) return ByAuction(told, tier, campaign, bid);
        if (bid.Said.Limit is { } limit) return told with { Limit = limit.Kind == LimitKind.Gate ? null : NumbersOf(limit, bid.Said) };
        return bid.Said.Reason switch
        {
            var reason when reason.IsDecline() => told with { Verdict = Verdict.Declined },
            Reason.TierFilled => told with { Verdict = Verdict.Lost },
            Reason.BelowFloor or Reason.BelowMargin => told with { Verdict = Verdict.Lost, Floor = bid.Said.Floor, BidMore = MoreOf(changes) },
            _ => told,
        };
    }

    private CampaignExplanation ByAuction(CampaignExplanation told, TierModel tier, CampaignModel campaign, Told bid)
    {
        told = told with
        {
            Verdict = Verdict.Lost, Floor = bid.Said.Ranked.HasFloor ? bid.Said.Ranked.Floor : null, BidMore = MoreOf(told.Changes),
            Share = ShareNumbers.Of(tier, campaign, walk.Shares),
        };
        if (bid.Place >= 0 && sale.IsSold(bid.Place) && record.Outcome == Reason.None && Array.Find(record.Offers, offer => offer.BidIndex == bid.Place) is { } offer)
        {
            return told with { Verdict = Verdict.Won, Reason = Reason.None, Price = offer.Price, Payout = offer.Payout, Text = PriceSentence.Of(tier, bid.Place, offer, record), Changes = [] };
        }
        if (bid.Place < 0) return told with { Reason = Reason.Rotation };
        // It would have been sold, but the whole ping was refused.
        if (record.Outcome != Reason.None && sale.IsSold(bid.Place)) return told with { Reason = record.Outcome };
        if (!sale.CouldSell(bid.Said.Ranked)) return told with { Reason = Reason.TierFilled };
        return told with { Reason = tier.IsByTurn || tier.IsByShare ? Reason.Rotation : Reason.Outbid };
    }

    /// <summary>Of a campaign that bids twice: the bid that won, else the one that came furthest; where it could not bid, the nearer one.</summary>
    private Told Furthest(TierModel tier, CampaignModel campaign, bool isOut)
    {
        Told? furthest = null;
        foreach (var sharing in TreeWalk.SharingsOf(campaign))
        {
            var next = Judged(tier, campaign, sharing);
            // Where nothing exclusive is left, the shared bid is the one that counts.
            if (furthest is not { IsLeft: true } || (isOut ? Changing.Compare(next.Changes, furthest.Changes) < 0 : IsFurther(next, furthest))) furthest = next;
        }
        return furthest!;
    }

    private bool IsFurther(Told next, Told than)
    {
        if (!next.Said.Clears) return !than.Said.Clears && next.Said.Reason > than.Said.Reason;
        if (!than.Said.Clears) return true;
        return sale.IsSold(next.Place) || !sale.IsSold(than.Place) && next.Place <= than.Place;
    }

    private Told Judged(TierModel tier, CampaignModel campaign, Sharing sharing)
    {
        var said = walk.Judge.Bid(tier, campaign, sharing);
        var sum = BidSentence.Of(campaign.Bid, walk.Judge.Subject, model.PriceStep, ping.LiveBidOf(campaign, sharing));
        var place = -1;
        for (var i = 0; said.Clears && i < walk.Bids.Count; i++)
            if (walk.Bids[i].Tier == tier.Index && ReferenceEquals(walk.Bids[i].Of, campaign) && walk.Bids[i].Sharing == sharing) place = i;
        var changes = new List<Change>();
        if (said.Limit is { } limit) changes.Add(NumbersOf(limit, said).ToFit(limit));
        else if (said.Reason == Reason.BuyerHasLead) changes.Add(new(ChangeNeeded.Lead, HasLead(campaign)));
        if (unlimited.Bid(tier, campaign, sharing).Reason == Reason.SoldElsewhere) changes.Add(new(ChangeNeeded.Lead, "not sold to this seller elsewhere"));
        var isOther = unsold.Bid(tier, campaign, sharing).Reason == Reason.SharingMismatch;
        if (isOther) changes.Add(new(ChangeNeeded.Lead, "a shared bid"));
        ByPrice(tier, campaign, alone.Bid(tier, campaign, isOther ? Sharing.Shared : sharing), place, changes);
        return new(said, !isOther, place, sum, changes);
    }

    /// <summary>What its bid would have needed with nothing else in its way.</summary>
    /// <param name="free">As <see cref="alone"/> judged it just now.</param>
    private void ByPrice(TierModel tier, CampaignModel campaign, Judgement free, int place, List<Change> changes)
    {
        var least = alone.LeastBid(tier);
        switch (free.Reason)
        {
            case Reason.ConsentNotNamed: changes.Add(new(ChangeNeeded.Lead, "a seller of its buyer whom a consent can name")); return;
            case Reason.TierFilled:
                // What it would have bid nobody knows.
                changes.Add(sale.CouldSell(new(tier.Index, campaign, free.Sharing, Money.Zero, Money.Zero, false))
                    ? new(ChangeNeeded.Price, "a bid of its live bidder") : new(ChangeNeeded.Place, "no copy sold by an earlier tier"));
                return;
            case Reason.NoBid: changes.Add(new(ChangeNeeded.Price, "a price for this lead")); return;
            case Reason.InvalidPrice when campaign.Bid.Max is { } max && ping.LiveBidOf(campaign, free.Sharing) is not { Reason: not Reason.None }: changes.Add(new(ChangeNeeded.Price, $"a price of at most {max}")); return;
            case Reason.InvalidPrice: changes.Add(new(ChangeNeeded.Price, "a price that is valid")); return;
            case Reason.BreakerOpen: changes.Add(new(ChangeNeeded.Pause, "its endpoint called again")); return;
            case var reason when reason.IsDecline(): changes.Add(new(ChangeNeeded.Price, "a bid of its bidder in time")); return;
            case Reason.BelowFloor or Reason.BelowMargin when least is null || least <= free.Bid!.Value: changes.Add(new(ChangeNeeded.Price, "a payout that leaves the margin")); return;
        }
        var raise = free.Clears ? Money.Zero : least!.Value - free.Bid!.Value;
        var bid = free.Clears ? free.Ranked : new(tier.Index, campaign, free.Sharing, least!.Value, least.Value, true);
        if (place >= 0 && sale.IsSold(place)) return;
        Change? other = null;
        // Where trees on the way kept the whole tier out, who would have been its rivals is not known.
        if (!walk.Judge.Reaches(tier)) other = null;
        else if (!sale.CouldSell(bid)) other = new(ChangeNeeded.Place, "no copy sold by an earlier tier");
        else if (place < 0 && IsWithoutWeight(tier, campaign)) other = new(ChangeNeeded.Weight, "a weight above 0");
        else if (tier.Method != TierMethod.Auction) other = place < 0 && sale.TakesInOrder(tier, bid) ? null : Order(tier, campaign, place);
        else if (sale.BidMore(tier, bid, place, model.PriceStep) is { } more) raise += more;
        else other = new(ChangeNeeded.Price, "a smaller handicap");
        if (raise > Money.Zero) changes.Add(new(ChangeNeeded.Bid, $"bid +{raise}") { Amount = raise });
        if (other is not null) changes.Add(other);
    }

    private Change Order(TierModel tier, CampaignModel campaign, int place)
    {
        if (tier.Method == TierMethod.Priority) return new(ChangeNeeded.Place, "a place before those that bought");
        if (tier.IsByTurn || place < 0) return new(ChangeNeeded.Turn, "its turn");
        return ShareNumbers.FewerToLead(tier, campaign, walk.Shares) is { } fewer
            ? new(ChangeNeeded.Turn, $"{fewer} fewer sold to it within {ShareNumbers.Words(tier.Over)}") { Count = fewer }
            : new(ChangeNeeded.Turn, "a smaller part of its share sold");
    }

    private static bool IsWithoutWeight(TierModel tier, CampaignModel campaign)
    {
        if (!tier.IsByTurn && tier.Method != TierMethod.Percent) return false;
        for (var i = 0; i < tier.Campaigns.Count; i++) if (ReferenceEquals(tier.Campaigns[i], campaign)) return tier.Weights[i] == 0;
        return false;
    }

    /// <summary>What was in the way of every bid; null: nothing was.</summary>
    private Change? WholePing() => record.Outcome switch
    {
        Reason.MinPayout => new(ChangeNeeded.MinPayout, $"a payout of {record.MinPayout} in all"),
        Reason.PublisherCap => new(ChangeNeeded.Room, "room in the publisher's cap"),
        _ => null,
    };

    private LimitNumbers NumbersOf(LimitModel limit, Judgement said) => LimitNumbers.Of(limit,
        new(null, said.Reason, limit, said.Reading.Limit, said.Reading.Used, said.Reading.Held, said.Needed, said.Value, said.UntilMs), record.AtMs, walk.Judge.Subject.Today);

    private static string HasLead(CampaignModel campaign) =>
        $"a person that {(campaign.Duplicate?.OfBuyer == true ? "its buyer" : "it")} did not get within {ShareNumbers.Words(campaign.Duplicate?.Window ?? default)}";

    private static Money? MoreOf(IReadOnlyList<Change> changes)
    {
        foreach (var change in changes) if (change.Kind == ChangeNeeded.Bid) return change.Amount;
        return null;
    }
}
