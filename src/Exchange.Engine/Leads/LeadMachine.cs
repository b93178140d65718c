using System.Collections.Immutable;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

/// <summary>
/// How a lead is sold: state and event in, next state and at most one durable item out. Pure; the same events give the same items.
/// The laws it keeps: a copy is called only after its hold is done; a definite no goes on to the next rank in the same item that voids;
/// an unknown answer never does; the publisher gets exactly what was promised or nothing. When nobody is left who could pay the promise,
/// campaigns are asked anew where the tree says so; a lead that nobody took goes on to the tree for what is unsold, which makes its own promise.
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

    /// <summary>A lead brought back from its rows: bids that may not have it whatever their rank are out.</summary>
    public static LeadSale Restore(LeadSale sale, SaleContext context)
    {
        for (var round = 0; round < sale.Rounds.Length; round++) sale = Ranks.WithoutUnfit(sale, round, context);
        return sale;
    }

    private static LeadStep Post(LeadSale sale, Reason refused, SaleContext context)
    {
        Invariant.Require(sale.First is not null && sale.InFlight is null);
        if (refused != Reason.None && !(IsNoOffer(refused) && sale.Slots.IsEmpty)) return RecordNo(sale, refused, context);
        sale = Ranks.WithoutUnfit(sale, 0, context) with { Reason = refused };
        if (sale.Late)
            for (var i = 0; i < sale.Slots.Length; i++) sale = Replace(sale, i, Reason.PingExpired, context);
        return Propose(sale, sale, [], context);
    }

    /// <summary>A direct post whose own walk made no offer is a lead that nobody took: the tree for what is unsold may still sell it.</summary>
    private static bool IsNoOffer(Reason reason) => reason is Reason.NoEligibleCampaign or Reason.NoBids or Reason.AllBelowFloor or Reason.MinPayout;

    /// <summary>
    /// One item for all that is proposed: sold or held at once, together with the ends of what fell out. Where nothing is proposed any more and
    /// nobody has the lead, the tree for what is unsold is asked; at last the no.
    /// </summary>
    /// <param name="sale">As it is durable now.</param>
    /// <param name="plan">As it is to be, its copies still proposed.</param>
    private static LeadStep Propose(LeadSale sale, LeadSale plan, CopyEnd[] ends, SaleContext context)
    {
        do
        {
            for (var i = 0; i < plan.Slots.Length; i++)
                while (plan.Slots[i].State == SlotState.Proposed && Ranks.Unfit(plan, plan.Slots[i].BidIndex, context) is var reason && reason != Reason.None)
                    plan = Replace(plan, i, reason, context);
        }
        while (plan.State == LeadState.Unsold && plan.Tries < Limits.CallsPerPost && Ranks.GoesOnUnsold(ref plan, context));

        if (plan.Slots.All(slot => slot.State != SlotState.Proposed))
            return plan.First is not null ? RecordNo(plan, NoOf(plan), context) : End(sale, plan, ends, context);

        var starts = new List<NewCopy>();
        var slots = plan.Slots;
        var next = plan.NextCopyNo;
        for (var i = 0; i < plan.Slots.Length; i++)
        {
            if (plan.Slots[i].State != SlotState.Proposed) continue;
            var slot = plan.Slots[i] with { CopyNo = next++ };
            var copy = CopyMaker.Create(plan, slot, context);
            starts.Add(copy);
            slots = slots.SetItem(i, slot with { State = copy.Move == CopyMove.Sell ? SlotState.Captured : SlotState.Held });
        }
        var done = plan with { Slots = slots, NextCopyNo = next, First = null, InFlight = null, Tries = plan.Tries + 1, Reason = Reason.None };
        return Submit(sale, plan, Item(plan, context, ends, [.. starts], done), done);
    }

    private static Reason NoOf(LeadSale plan) => plan.Reason != Reason.None ? plan.Reason : plan.Late ? Reason.Expired : Reason.AllRejected;

    private static LeadStep RecordNo(LeadSale sale, Reason reason, SaleContext context)
    {
        var first = sale.First!;
        var done = Lost(sale, reason) with { First = null, InFlight = null, Reason = reason };
        // A vertical that counts received leads remembers the person of an unsold one too; a duplicate's person is remembered already.
        var claims = sale.KeepPersonsWhenUnsold && !sale.Test && reason != Reason.Duplicate ? first.Persons : [];
        var item = new JournalItem
        {
            Lead = sale.Id, AtMs = context.NowMs, New = first.Lead, Request = first.Request, Persons = claims,
            State = LeadState.Unsold, Reason = reason, ReleasePersons = !sale.KeepPersonsWhenUnsold,
        };
        return Submit(sale, sale, item, done);
    }

    private static LeadStep End(LeadSale sale, LeadSale plan, CopyEnd[] ends, SaleContext context)
    {
        var done = plan.State == LeadState.Unsold ? plan with { Reason = NoOf(plan) } : plan;
        return Submit(sale, plan, Item(plan, context, ends, [], done), done);
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
        sale = sale with { InFlight = null };
        var plan = flight.Plan with { InFlight = null };
        switch (verdict.Code)
        {
            case VerdictCode.Refused:
                var copy = flight.Item.Starts[verdict.CopyIndex];
                var reason = copy.Takes[verdict.TakeIndex].Reason;
                // A limit of the publisher refuses the whole lead; nobody else could have it either. Another copy that is held or sold stands.
                if (reason is Reason.PublisherCap or Reason.PublisherPaused)
                    return plan.First is not null ? RecordNo(plan, reason, context) : End(sale, Lost(plan, reason), flight.Item.Ends, context);
                return PassOver(verdict.CopyIndex, reason);
            case VerdictCode.NoFreeCopy when flight.Item.Starts.Length > 0:
            case VerdictCode.PersonSeen when verdict.CopyIndex >= 0:
                return PassOver(Math.Max(0, verdict.CopyIndex), Reason.BuyerHasLead);
            case VerdictCode.PersonSeen when plan.First is not null:
                return RecordNo(plan, Reason.Duplicate, context);
            default:
                // 102: another activation ended it first; the rows speak.
                return new(sale, null, []) { Conflict = verdict };
        }

        // The old hold stands until the next one fits: both go in one item again.
        LeadStep PassOver(int start, Reason why) => Propose(sale, Replace(plan, SlotOf(plan, flight.Item.Starts[start]), why, context), flight.Item.Ends, context);
    }

    private static LeadStep Again(LeadSale sale, SaleContext context)
    {
        Invariant.Require(sale.InFlight is not null);
        var flight = sale.InFlight;
        var plan = flight.Plan with { InFlight = null };
        sale = sale with { InFlight = null };
        return plan.First is not null && flight.Item.Starts.Length == 0
            ? RecordNo(plan, flight.Item.Reason, context)
            : Propose(plan.First is not null ? plan : sale, plan, flight.Item.Ends, context);
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
                var capture = new CopyEnd(slot.CopyNo, CopyMove.Capture, Reason.None, CopyMaker.Money(sale, slot)) { BuyerRef = answered.BuyerRef, RedirectUrl = answered.RedirectUrl };
                return Submit(sale, sale, Item(sale, context, [capture], [], sold), sold);
            case BuyerAnswer.Duplicate when slot.State == SlotState.InDoubt:
            case BuyerAnswer.Later:
                return LeadStep.Stay(sale);
            case BuyerAnswer.Unknown:
                if (slot.State == SlotState.InDoubt) return LeadStep.Stay(sale);
                var doubt = sale with { Slots = sale.Slots.SetItem(index, slot with { State = SlotState.InDoubt }) };
                return Submit(sale, sale, Item(sale, context, [new CopyEnd(slot.CopyNo, CopyMove.Doubt, Reason.InDoubt, [])], [], doubt), doubt);
            default:
                var reason = answered.Reason != Reason.None ? answered.Reason : answered.Answer == BuyerAnswer.Duplicate ? Reason.BuyerDuplicate : Reason.BuyerRejected;
                return VoidAndGoOn(sale, index, reason, context);
        }
    }

    /// <summary>Ends a held copy and, in the same item, holds the next rank if somebody can pay the promise.</summary>
    private static LeadStep VoidAndGoOn(LeadSale sale, int index, Reason reason, SaleContext context)
    {
        var slot = sale.Slots[index];
        var plan = sale with { Out = sale.Out.Add(slot.BidIndex) };
        NextRank? next = sale.Tries < Limits.CallsPerPost ? Ranks.NextOrAnew(ref plan, index, context) : null;
        var moved = next is { } taken
            ? slot with { State = SlotState.Proposed, BidIndex = taken.BidIndex, Price = taken.Price, LostBy = reason }
            : slot with { State = SlotState.Lost, LostBy = reason };
        return Propose(sale, plan with { Slots = plan.Slots.SetItem(index, moved) }, [new CopyEnd(slot.CopyNo, CopyMove.Void, reason, [])], context);
    }

    /// <summary>A slot whose bid may not have this lead goes to the next in rank, or is lost.</summary>
    private static LeadSale Replace(LeadSale plan, int index, Reason reason, SaleContext context)
    {
        var slot = plan.Slots[index];
        plan = plan with { Out = reason == Reason.PingExpired ? plan.Out : plan.Out.Add(slot.BidIndex), Passes = plan.Passes + 1 };
        NextRank? next = plan.Passes <= Limits.TriesPerPost ? Ranks.NextOrAnew(ref plan, index, context) : null;
        return plan with
        {
            Slots = plan.Slots.SetItem(index, next is { } taken
                ? slot with { BidIndex = taken.BidIndex, Price = taken.Price, LostBy = reason }
                : slot with { State = SlotState.Lost, LostBy = reason }),
        };
    }

    private static LeadSale Lost(LeadSale plan, Reason reason) => plan with
    {
        Slots = [.. plan.Slots.Select(slot => slot.State == SlotState.Proposed ? slot with { State = SlotState.Lost, LostBy = reason } : slot)],
    };

    private static JournalItem Item(LeadSale plan, SaleContext context, CopyEnd[] ends, NewCopy[] starts, LeadSale done) => new()
    {
        Lead = plan.Id, AtMs = context.NowMs, New = plan.First?.Lead, Request = plan.First?.Request, Persons = plan.Test ? [] : plan.First?.Persons ?? [],
        Ends = ends, Starts = starts, State = Durable(done), Reason = done.Reason, ReleasePersons = done.State == LeadState.Unsold && !plan.KeepPersonsWhenUnsold,
    };

    private static LeadState Durable(LeadSale done) => done.State == LeadState.Pending ? LeadState.Open : done.State;

    private static LeadStep Submit(LeadSale sale, LeadSale plan, JournalItem item, LeadSale done) =>
        new(sale with { InFlight = new(item, plan, done with { InFlight = null }) }, item, []);

    private static int IndexOfCopy(LeadSale sale, int copyNo)
    {
        for (var i = 0; i < sale.Slots.Length; i++) if (sale.Slots[i].CopyNo == copyNo) return i;
        return -1;
    }

    private static int SlotOf(LeadSale plan, NewCopy copy)
    {
        for (var i = 0; i < plan.Slots.Length; i++) if (plan.Slots[i].OfferId == copy.OfferId) return i;
        throw new InvariantException("a copy without its slot");
    }
}
