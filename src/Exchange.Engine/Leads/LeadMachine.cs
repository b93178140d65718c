using System.Collections.Immutable;
using Exchange.Engine.Catalog;
using Exchange.Engine.Caps;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

/// <summary>
/// How a lead is sold: state and event in, next state and at most one durable item out. Pure; the same events give the same items.
/// The laws it keeps: a copy is called only after its hold is done; a definite no goes on to the next rank in the same item that voids;
/// an unknown answer never does; the publisher gets exactly what was promised or nothing.
/// </summary>
public static class LeadMachine
{
    /// <summary>A called copy's lease outlives the call by this, so that nobody takes it over while an answer may still come.</summary>
    public const long LeaseGraceMs = 5_000;

    public static LeadStep Step(LeadSale sale, LeadEvent happened, SaleContext context) => happened switch
    {
        LeadEvent.Posted posted => Post(sale, posted.Refused, context),
        LeadEvent.Settled settled => Settle(sale, settled.Verdict, context),
        LeadEvent.Stale => Again(sale, context),
        LeadEvent.Answered answered => Answer(sale, answered, context),
        _ => throw new InvariantException("unknown lead event"),
    };

    private static LeadStep Post(LeadSale sale, Reason refused, SaleContext context)
    {
        Invariant.Require(sale.First is not null && sale.InFlight is null);
        return refused != Reason.None ? RecordNo(sale, refused, context) : ProposeAll(sale, context);
    }

    /// <summary>The first item: every slot with its current bid, sold or held at once.</summary>
    private static LeadStep ProposeAll(LeadSale sale, SaleContext context)
    {
        // A bid whose campaign left the catalog since the ping cannot be sold any more: the next in rank has its place.
        for (var i = 0; i < sale.Slots.Length; i++)
        {
            var slot = sale.Slots[i];
            if (slot.State != SlotState.Proposed || context.Current.Campaigns.ContainsKey(sale.Record.Bids[slot.BidIndex].Campaign)) continue;
            sale = Replace(sale, i, Reason.CampaignPaused, context);
            i--;
        }
        var proposed = Indexes(sale, SlotState.Proposed);
        if (proposed.Count == 0) return RecordNo(sale, Reason.AllRejected, context);

        var starts = new NewCopy[proposed.Count];
        var slots = sale.Slots;
        var next = sale.NextCopyNo;
        for (var i = 0; i < starts.Length; i++)
        {
            var slot = sale.Slots[proposed[i]] with { CopyNo = next++ };
            starts[i] = MakeCopy(sale, slot, context);
            slots = slots.SetItem(proposed[i], slot with { State = starts[i].Move == CopyMove.Sell ? SlotState.Captured : SlotState.Held });
        }
        var first = sale.First!;
        var done = sale with { Slots = slots, NextCopyNo = next, First = null, InFlight = null, Tries = sale.Tries + 1 };
        var item = new JournalItem
        {
            Lead = sale.Id, AtMs = context.NowMs, New = first.Lead, Request = first.Request, Persons = sale.Test ? [] : first.Persons,
            Starts = starts, State = Durable(done),
        };
        return Submit(sale, item, done, -1);
    }

    private static LeadStep RecordNo(LeadSale sale, Reason reason, SaleContext context)
    {
        var first = sale.First!;
        var lost = sale.Slots.Select(slot => slot with { State = SlotState.Lost }).ToImmutableArray();
        var done = sale with { Slots = lost, First = null, InFlight = null, Reason = reason };
        // A vertical that counts received leads remembers the person of an unsold one too; a duplicate's person is remembered already.
        var claims = sale.KeepPersonsWhenUnsold && !sale.Test && reason != Reason.Duplicate ? first.Persons : [];
        var item = new JournalItem
        {
            Lead = sale.Id, AtMs = context.NowMs, New = first.Lead, Request = first.Request, Persons = claims,
            State = LeadState.Unsold, Reason = reason, ReleasePersons = !sale.KeepPersonsWhenUnsold,
        };
        return Submit(sale, item, done, -1);
    }

    private static LeadStep Settle(LeadSale sale, Verdict verdict, SaleContext context)
    {
        Invariant.Require(sale.InFlight is not null);
        var flight = sale.InFlight;
        if (verdict.IsSuccess)
        {
            // 100 for a new lead: somebody else's post of the same ping and body is there; its rows speak, not our plan.
            if (verdict.Code == VerdictCode.AlreadyThere && flight.Item.New is not null) return new(sale, null, []) { Conflict = verdict };
            var calls = new List<int>();
            foreach (var copy in flight.Item.Starts) if (copy.Move == CopyMove.Hold && !sale.Test) calls.Add(copy.No);
            return new(flight.IfDone, null, calls);
        }
        return flight.Item.New is not null ? SettleFirst(sale with { InFlight = null }, flight, verdict, context) : SettleLater(sale with { InFlight = null }, flight, verdict, context);
    }

    private static LeadStep SettleFirst(LeadSale sale, InFlight flight, Verdict verdict, SaleContext context)
    {
        switch (verdict.Code)
        {
            case VerdictCode.Refused:
                var copy = flight.Item.Starts[verdict.CopyIndex];
                var reason = copy.Takes[verdict.TakeIndex].Reason;
                // A limit of the publisher refuses the whole lead; nobody else could have it either.
                if (reason is Reason.PublisherCap or Reason.PublisherPaused) return RecordNo(sale, reason, context);
                return ProposeAll(Replace(sale, SlotOf(sale, copy), reason, context), context);
            case VerdictCode.NoFreeCopy:
                return ProposeAll(Replace(sale, SlotOf(sale, flight.Item.Starts[Math.Max(0, verdict.CopyIndex)]), Reason.BuyerHasLead, context), context);
            case VerdictCode.PersonSeen:
                return RecordNo(sale, Reason.Duplicate, context);
            default:
                return new(sale, null, []) { Conflict = verdict };
        }
    }

    private static LeadStep SettleLater(LeadSale sale, InFlight flight, Verdict verdict, SaleContext context)
    {
        // Void with the next rank's hold did not fit: the old hold stands; try the rank after it, at last without one.
        if (verdict.Code is VerdictCode.Refused or VerdictCode.NoFreeCopy && flight.Item.Starts.Length == 1 && flight.Item.Ends.Length == 1)
        {
            var start = flight.Item.Starts[0];
            var bid = BidOf(sale, start);
            var reason = verdict.Code == VerdictCode.Refused ? start.Takes[verdict.TakeIndex].Reason : Reason.BuyerHasLead;
            var exhausted = reason is Reason.PublisherCap or Reason.PublisherPaused;
            return VoidAndGoOn(sale with { Out = sale.Out.Add(bid) }, flight.Slot, flight.Item.Ends[0].Reason, exhausted, context);
        }
        // 102: another activation ended it first; the rows speak.
        return new(sale, null, []) { Conflict = verdict };
    }

    private static LeadStep Again(LeadSale sale, SaleContext context)
    {
        Invariant.Require(sale.InFlight is not null);
        var flight = sale.InFlight;
        sale = sale with { InFlight = null };
        if (flight.Item.New is not null) return flight.Item.Starts.Length > 0 ? ProposeAll(sale, context) : RecordNo(sale, flight.Item.Reason, context);
        return VoidAndGoOn(sale, flight.Slot, flight.Item.Ends[0].Reason, false, context);
    }

    private static LeadStep Answer(LeadSale sale, LeadEvent.Answered answered, SaleContext context)
    {
        Invariant.Require(sale.InFlight is null);
        var index = IndexOfCopy(sale, answered.CopyNo);
        // An answer to a copy that has ended meanwhile changes nothing.
        if (index < 0 || sale.Slots[index].State is not (SlotState.Held or SlotState.InDoubt)) return LeadStep.Stay(sale);
        var slot = sale.Slots[index];
        switch (answered.Answer)
        {
            case BuyerAnswer.Accepted:
                var sold = sale with { Slots = sale.Slots.SetItem(index, slot with { State = SlotState.Captured, RedirectUrl = answered.RedirectUrl }) };
                var capture = new CopyEnd(slot.CopyNo, CopyMove.Capture, Reason.None, Money(sale, slot)) { BuyerRef = answered.BuyerRef, RedirectUrl = answered.RedirectUrl };
                return Submit(sale, Item(sale, context, [capture], [], sold), sold, index);
            case BuyerAnswer.Duplicate when slot.State == SlotState.InDoubt:
            case BuyerAnswer.Later:
                return LeadStep.Stay(sale);
            case BuyerAnswer.Unknown:
                if (slot.State == SlotState.InDoubt) return LeadStep.Stay(sale);
                var doubt = sale with { Slots = sale.Slots.SetItem(index, slot with { State = SlotState.InDoubt }) };
                return Submit(sale, Item(sale, context, [new CopyEnd(slot.CopyNo, CopyMove.Doubt, Reason.InDoubt, [])], [], doubt), doubt, index);
            default:
                var reason = answered.Reason != Reason.None ? answered.Reason : answered.Answer == BuyerAnswer.Duplicate ? Reason.BuyerDuplicate : Reason.BuyerRejected;
                return VoidAndGoOn(sale, index, reason, false, context);
        }
    }

    /// <summary>Ends a held copy and, in the same item, holds the next rank if somebody can pay the promise.</summary>
    private static LeadStep VoidAndGoOn(LeadSale sale, int index, Reason reason, bool exhausted, SaleContext context)
    {
        var slot = sale.Slots[index];
        var end = new CopyEnd(slot.CopyNo, CopyMove.Void, reason, []);
        var gone = sale with { Out = sale.Out.Add(slot.BidIndex) };
        while (!exhausted && sale.Tries < Limits.CallsPerPost && NextFor(gone, index, context) is { } next)
        {
            if (!context.Current.Campaigns.ContainsKey(sale.Record.Bids[next.BidIndex].Campaign))
            {
                gone = gone with { Out = gone.Out.Add(next.BidIndex) };
                continue;
            }
            var taken = slot with { BidIndex = next.BidIndex, Price = next.Price, CopyNo = sale.NextCopyNo, LostBy = reason };
            var start = MakeCopy(gone, taken, context);
            var done = gone with
            {
                Slots = gone.Slots.SetItem(index, taken with { State = start.Move == CopyMove.Sell ? SlotState.Captured : SlotState.Held }),
                NextCopyNo = sale.NextCopyNo + 1,
                Tries = sale.Tries + 1,
            };
            return Submit(gone, Item(gone, context, [end], [start], done), done, index);
        }
        var lost = gone with { Slots = gone.Slots.SetItem(index, slot with { State = SlotState.Lost, LostBy = reason }) };
        if (lost.State == LeadState.Unsold) lost = lost with { Reason = Reason.AllRejected };
        return Submit(gone, Item(gone, context, [end], [], lost), lost, index);
    }

    /// <summary>Before anything is held: a slot whose bid may not have this lead goes to the next in rank, or is lost.</summary>
    public static LeadSale PassOver(LeadSale sale, int slot, Reason reason, SaleContext context) => Replace(sale, slot, reason, context);

    private static LeadSale Replace(LeadSale sale, int index, Reason reason, SaleContext context)
    {
        var slot = sale.Slots[index];
        sale = sale with { Out = sale.Out.Add(slot.BidIndex), Tries = sale.Tries + 1 };
        return sale.Tries <= Limits.TriesPerPost && NextFor(sale, index, context) is { } next
            ? sale with { Slots = sale.Slots.SetItem(index, slot with { BidIndex = next.BidIndex, Price = next.Price, LostBy = reason }) }
            : sale with { Slots = sale.Slots.SetItem(index, slot with { State = SlotState.Lost, LostBy = reason }) };
    }

    /// <summary>Bids that are out, and those that hold another slot of this lead, cannot have this one.</summary>
    private static NextRank? NextFor(LeadSale sale, int index, SaleContext context)
    {
        var unavailable = sale.Out;
        for (var i = 0; i < sale.Slots.Length; i++)
        {
            if (i == index || sale.Slots[i].State == SlotState.Lost) continue;
            var company = sale.Record.Bids[sale.Slots[i].BidIndex].Company;
            for (var b = 0; b < sale.Record.Bids.Length; b++) if (sale.Record.Bids[b].Company == company) unavailable = unavailable.Add(b);
        }
        return context.Next(sale.Slots[index], unavailable);
    }

    private static NewCopy MakeCopy(LeadSale sale, Slot slot, SaleContext context)
    {
        var bid = sale.Record.Bids[slot.BidIndex];
        var campaign = context.Current.Campaigns[bid.Campaign];
        var hold = sale.Test ? sale.Unfinished is not null : campaign.Delivery.Sold == SoldWhen.OnAccept;
        return new NewCopy(
            slot.CopyNo, slot.OfferId, bid.Campaign, bid.Buyer, bid.Company, slot.Sharing == Sharing.Exclusive,
            hold ? CopyMove.Hold : CopyMove.Sell, slot.Price, slot.Payout,
            sale.Test ? [] : Takes(sale, campaign, slot, context),
            hold || sale.Test ? [] : Money(sale, slot),
            sale.Test ? [] : Deliveries(campaign.Delivery, hold, context));
    }

    /// <summary>In the order in which reasons are told: publisher, campaign, buyer, caps from hour to total, balance.</summary>
    private static Take[] Takes(LeadSale sale, CampaignModel campaign, Slot slot, SaleContext context)
    {
        var takes = new List<Take>(8);
        var seconds = context.NowMs / 1000;
        if (context.Current.Publishers.TryGetValue(sale.Record.Publisher, out var publisher))
        {
            takes.Add(TakeOf(publisher.Gate, slot, seconds));
            foreach (var cap in publisher.Caps) takes.Add(TakeOf(cap, slot, seconds));
        }
        foreach (var limit in campaign.Takes) takes.Add(TakeOf(limit, slot, seconds));
        return [.. takes];
    }

    private static Take TakeOf(LimitModel limit, Slot slot, long seconds) =>
        new(limit.KeyAt(seconds, out _), limit.AmountOf(slot.Price, slot.Payout), limit.Id, limit.Reason);

    /// <summary>The buyer pays the price; the publisher gets the promise, the house the rest.</summary>
    private static Transfer[] Money(LeadSale sale, Slot slot)
    {
        if (sale.Test) return [];
        Invariant.Require(slot.Price >= slot.Payout);
        var buyer = "buyer:" + sale.Record.Bids[slot.BidIndex].Buyer;
        var transfers = new List<Transfer>(2);
        if (slot.Payout > Values.Money.Zero) transfers.Add(new("payout", buyer, "publisher:" + sale.Record.Publisher, slot.Payout));
        if (slot.Price > slot.Payout) transfers.Add(new("margin", buyer, "house", slot.Price - slot.Payout));
        return [.. transfers];
    }

    private static NewDelivery[] Deliveries(DeliveryModel delivery, bool hold, SaleContext context)
    {
        // A caller that stops waiting sooner does not end the call: cut off, it would only leave a doubt.
        if (hold) return [Leased(delivery.To[0])];
        var count = delivery.SendAll ? delivery.To.Count : 1;
        var made = new NewDelivery[count];
        for (var i = 0; i < count; i++)
        {
            var endpoint = delivery.To[i];
            made[i] = endpoint.Connector == ConnectorKind.Inbox
                ? new(endpoint.Name, NewDelivery.NeverDue, 0)
                : Leased(endpoint);
        }
        return made;

        NewDelivery Leased(EndpointModel endpoint) =>
            new(endpoint.Name, context.NowMs, context.NowMs + (long)endpoint.PostTimeout.TotalMilliseconds + LeaseGraceMs);
    }

    private static JournalItem Item(LeadSale sale, SaleContext context, CopyEnd[] ends, NewCopy[] starts, LeadSale done) => new()
    {
        Lead = sale.Id, AtMs = context.NowMs, Ends = ends, Starts = starts, State = Durable(done), Reason = done.Reason,
        ReleasePersons = done.State == LeadState.Unsold && !sale.KeepPersonsWhenUnsold,
    };

    private static LeadState Durable(LeadSale done) => done.State == LeadState.Pending ? LeadState.Open : done.State;

    private static LeadStep Submit(LeadSale sale, JournalItem item, LeadSale done, int slot) =>
        new(sale with { InFlight = new(item, done with { InFlight = null }, slot) }, item, []);

    private static List<int> Indexes(LeadSale sale, SlotState state)
    {
        var found = new List<int>(sale.Slots.Length);
        for (var i = 0; i < sale.Slots.Length; i++) if (sale.Slots[i].State == state) found.Add(i);
        return found;
    }

    private static int IndexOfCopy(LeadSale sale, int copyNo)
    {
        for (var i = 0; i < sale.Slots.Length; i++) if (sale.Slots[i].CopyNo == copyNo) return i;
        return -1;
    }

    private static int SlotOf(LeadSale sale, NewCopy copy)
    {
        for (var i = 0; i < sale.Slots.Length; i++) if (sale.Slots[i].OfferId == copy.OfferId) return i;
        throw new InvariantException("a copy without its slot");
    }

    private static int BidOf(LeadSale sale, NewCopy copy)
    {
        for (var i = 0; i < sale.Record.Bids.Length; i++)
        {
            var bid = sale.Record.Bids[i];
            if (bid.Campaign == copy.Campaign && (bid.Sharing == Sharing.Exclusive) == copy.Exclusive) return i;
        }
        throw new InvariantException("a copy without its bid");
    }
}
