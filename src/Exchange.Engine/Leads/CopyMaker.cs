using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;

namespace Exchange.Engine.Leads;

/// <summary>What one slot's copy takes, pays, remembers and is delivered to.</summary>
internal static class CopyMaker
{
    public static NewCopy Create(LeadSale sale, Slot slot, SaleContext context)
    {
        var round = sale.RoundAt(slot.BidIndex);
        var bid = sale.BidAt(slot.BidIndex);
        var campaign = context.Current.Campaigns[bid.Campaign];
        var hold = Holds(sale, campaign, context);
        var trees = round.TreesOf(bid);
        return new NewCopy(
            slot.CopyNo, slot.OfferId, bid.Campaign, bid.Buyer, bid.Company, slot.Sharing == Sharing.Exclusive,
            hold ? CopyMove.Hold : CopyMove.Sell, slot.Price, slot.Payout,
            sale.Test ? [] : Takes(sale, campaign, trees, slot, context),
            hold || sale.Test ? [] : Money(sale, slot),
            sale.Test ? [] : DeliveryPlan.AtSale(campaign.Delivery, hold, context.Subject, context.NowMs))
        {
            Persons = sale.Test ? [] : Persons(sale, campaign, context.NowMs),
            Tier = round.TierOf(bid)?.RotationKey ?? "",
            Trees = trees,
        };
    }

    /// <summary>A copy as it is held at the ping: its places and its money, nothing else. Who the person is comes with the post.</summary>
    public static NewCopy Reserve(LeadSale sale, Slot slot, SaleContext context) =>
        Create(sale, slot, context) with { Move = CopyMove.Hold, Transfers = [], Deliveries = [], Persons = [] };

    /// <summary>What the post makes of a copy held at its ping: sold, or its buyer is called now.</summary>
    public static CopyEnd Post(LeadSale sale, Slot slot, SaleContext context)
    {
        var campaign = context.Current.Campaigns[sale.BidAt(slot.BidIndex).Campaign];
        var hold = Holds(sale, campaign, context);
        return new CopyEnd(slot.CopyNo, hold ? CopyMove.Call : CopyMove.Capture, Reason.None, hold ? [] : Money(sale, slot))
        {
            Persons = Persons(sale, campaign, context.NowMs),
            Deliveries = DeliveryPlan.AtSale(campaign.Delivery, hold, context.Subject, context.NowMs),
        };
    }

    /// <summary>Until its buyer has answered: a test's only where tests may reach the buyer, else it is sold as if it had said yes.</summary>
    private static bool Holds(LeadSale sale, CampaignModel campaign, SaleContext context) => !sale.Test ? campaign.Delivery.Sold == SoldWhen.OnAccept
        : sale.Unfinished is not null || !sale.IsForced && DeliveryPlan.AsksTest(campaign.Delivery, context.Subject) is not null;

    /// <summary>The buyer pays the price; the publisher gets the promise, the house the rest.</summary>
    public static Transfer[] Money(LeadSale sale, Slot slot)
    {
        if (sale.Test) return [];
        Invariant.Require(slot.Price >= slot.Payout);
        var buyer = Accounts.Buyer(sale.BidAt(slot.BidIndex).Buyer);
        return (slot.Payout > Values.Money.Zero, slot.Price > slot.Payout) switch
        {
            (true, true) => [Payout(), Margin()],
            (true, false) => [Payout()],
            (false, true) => [Margin()],
            _ => [],
        };

        Transfer Payout() => new("payout", buyer, Accounts.Publisher(sale.Record.Publisher), slot.Payout);
        Transfer Margin() => new("margin", buyer, Accounts.House, slot.Price - slot.Payout);
    }

    /// <summary>
    /// In the order in which reasons are told: publisher, trees, campaign, buyer, caps from hour to total, balance. A tree's caps stand among those
    /// of the campaign, after its own of the same period.
    /// </summary>
    private static Take[] Takes(LeadSale sale, CampaignModel campaign, string[] trees, Slot slot, SaleContext context)
    {
        var subject = context.Subject;
        (subject.Buyer, subject.Campaign, subject.Sharing, subject.Price) = (campaign.Buyer.Id, campaign.Id, slot.Sharing, slot.Price);
        var takes = new List<Take>(campaign.Takes.Count + 4);
        var seconds = context.NowMs / 1000;
        if (context.Current.Publishers.TryGetValue(sale.Record.Publisher, out var publisher)) Add(publisher.Gate, publisher.Caps);
        foreach (var limit in campaign.Takes) AddOne(limit);
        foreach (var id in trees)
            if (context.Current.Trees.TryGetValue(id, out var tree)) Add(tree.Gate, tree.Caps);
        return [.. takes];

        void Add(LimitModel gate, IReadOnlyList<LimitModel> caps)
        {
            AddOne(gate);
            foreach (var cap in caps) AddOne(cap);
        }

        void AddOne(LimitModel limit)
        {
            if (!limit.IsTake || !limit.Counts(subject)) return;
            var key = limit.KeyAt(seconds, out var window, limit.ValueOf(subject));
            // They are few and mostly in order already. Equals stay in the catalog's order.
            var place = takes.Count;
            while (place > 0 && takes[place - 1].Reason > limit.Reason) place--;
            takes.Insert(place, new(key, limit.AmountOf(slot.Price, slot.Payout), limit.Id, limit.Reason, limit.WeekdayOf(window)));
        }
    }

    /// <summary>
    /// Every copy remembers its person for its buyer and its campaign, by each field that any campaign watches, so that a rule finds what was
    /// sold before the rule was made and whichever of a buyer's campaigns bought it. Only its own campaign's rule refuses.
    /// </summary>
    private static PersonClaim[] Persons(LeadSale sale, CampaignModel campaign, long nowMs)
    {
        if (sale.PersonHashes.Count == 0) return [];
        var claims = new List<PersonClaim>(sale.PersonHashes.Count * 2);
        foreach (var (field, hmac) in sale.PersonHashes)
        {
            var rule = campaign.Duplicate is { } own && own.Keys.Any(key => key.Name == field) ? own : null;
            var since = rule is null ? PersonClaim.NeverRefuses : nowMs - (long)rule.Window.TotalMilliseconds;
            claims.Add(new(PersonScopes.OfBuyer(campaign.Buyer.Id), hmac, rule is { OfBuyer: true } ? since : PersonClaim.NeverRefuses));
            claims.Add(new(PersonScopes.OfCampaign(campaign.Id), hmac, rule is { OfBuyer: false } ? since : PersonClaim.NeverRefuses));
        }
        return [.. claims];
    }
}
