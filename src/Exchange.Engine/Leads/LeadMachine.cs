using System.Collections.Immutable;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
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
        LeadEvent.WaitOver over => WaitOver(sale, over, context),
        LeadEvent.TestOver => TestOver(sale, context),
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
        CopyEnd[] ends = [.. sale.First.Unwanted.Select(no => new CopyEnd(no, CopyMove.Void, Reason.Cancelled, []))];
        if (refused != Reason.None && !(IsNoOffer(refused) && sale.Slots.IsEmpty)) return RecordNo(sale, ends, refused, context);
        sale = Ranks.WithoutUnfit(sale, 0, context) with { Reason = refused };
        if (sale.Late)
            for (var i = 0; i < sale.Slots.Length; i++) sale = PassOver(sale, ref ends, i, Reason.PingExpired, context);
        if (LeadWaits.BeforeFirst(sale, context) is { } wait) return Hold(sale, sale with { Waits = wait }, ends, context);
        return Propose(sale, sale is { Record.IsUnasked: true, Reason: Reason.None } ? Ranks.Auctioned(sale, context) : sale, ends, context);
    }

    /// <summary>Nobody is asked yet: the lead is written as it is, to be taken up when its wait may be over.</summary>
    private static LeadStep Hold(LeadSale sale, LeadSale plan, CopyEnd[] ends, SaleContext context)
    {
        var done = plan with { First = null, Reason = Reason.None, Slots = plan.Slots.RemoveAll(static slot => slot.State == SlotState.Proposed) };
        return Submit(sale, plan, ends, Item(plan, context, ends, [], done), done);
    }

    private static LeadStep WaitOver(LeadSale sale, LeadEvent.WaitOver over, SaleContext context)
    {
        Invariant.Require(sale.InFlight is null);
        if (sale.Waits is not { } wait) return LeadStep.Stay(sale);
        var plan = sale with { Waits = null, EndsWait = over.End, Waited = wait.AtPing, Slots = wait.IsFirst ? LeadWaits.SlotsOf(wait) : sale.Slots };
        if (over.Cancelled || sale.IsSuppressed) return End(sale, plan with { Reason = over.Cancelled ? Reason.Cancelled : Reason.Suppressed }, [], context);
        if (LeadWaits.Longer(wait, context) is { } longer) return Hold(sale, plan with { Waits = longer }, [], context);
        if (LeadWaits.IsDropped(wait, context)) return End(sale, plan with { Reason = Reason.Expired }, [], context);
        if (wait.IsFirst) return Propose(sale, Ranks.Auctioned(plan, context), [], context);
        if (LeadWaits.BeforeTree(wait, context) is { } next) return Hold(sale, plan with { Waits = next }, [], context);
        // Where it offers nothing the next tree is asked.
        Ranks.Offer(ref plan, wait.Trees[^1], context);
        return Propose(sale, plan, [], context);
    }

    /// <summary>Nobody else is asked: what is held ends with nothing. A doubt is what a test came to, and stays.</summary>
    private static LeadStep TestOver(LeadSale sale, SaleContext context)
    {
        Invariant.Require(sale.Test && sale.InFlight is null);
        CopyEnd[] ends = [.. sale.Slots.Where(slot => slot.State == SlotState.Held).Select(slot => new CopyEnd(slot.CopyNo, CopyMove.Void, Reason.Expired, []) { From = CopyState.Held })];
        if (ends.Length == 0) return LeadStep.Stay(sale);
        var plan = sale with { Slots = [.. sale.Slots.Select(slot => slot.State == SlotState.Held ? slot with { State = SlotState.Lost, LostBy = Reason.Expired } : slot)] };
        return End(sale, plan.State == LeadState.Unsold ? plan with { Reason = Reason.Expired } : plan, ends, context);
    }

    /// <summary>A direct post whose own walk made no offer is a lead that nobody took: the tree for what is unsold may still sell it.</summary>
    private static bool IsNoOffer(Reason reason) => reason is Reason.NoEligibleCampaign or Reason.NoBids or Reason.AllBelowFloor or Reason.MinPayout;

    /// <summary>
    /// One item for all that is proposed: sold or held at once, together with the ends of what fell out. Where nothing is proposed any more and
    /// nobody has the lead, the tree for what is unsold is asked; at last the no.
    /// </summary>
    /// <param name="sale">As it is durable now.</param>
    /// <param name="plan">As it is to be, its copies still proposed.</param>
    /// <param name="ends">Of copies that fell out and are still held.</param>
    private static LeadStep Propose(LeadSale sale, LeadSale plan, CopyEnd[] ends, SaleContext context)
    {
        do
        {
            for (var i = 0; i < plan.Slots.Length; i++)
                while (plan.Slots[i].State is SlotState.Proposed or SlotState.Reserved && WhyNot(plan, plan.Slots[i], context) is var reason && reason != Reason.None)
                    plan = PassOver(plan, ref ends, i, reason, context);
        }
        while (plan.State == LeadState.Unsold && plan.Tries < Limits.CallsPerPost && Ranks.GoesOnUnsold(ref plan, context));

        if (plan.Waits is not null) return Hold(sale, plan, ends, context);
        if (!plan.IsPlanned) return plan.First is not null ? RecordNo(plan, ends, NoOf(plan), context) : End(sale, plan, ends, context);

        if (plan is { MayBeTaken: true, Test: false, First.Persons.Length: > 0 }) return RecordNo(plan, ends, Reason.Duplicate, context, ifTaken: true);

        var starts = new List<NewCopy>();
        var allEnds = new List<CopyEnd>(ends);
        var slots = plan.Slots;
        var next = plan.NextCopyNo;
        for (var i = 0; i < plan.Slots.Length; i++)
        {
            var slot = plan.Slots[i];
            bool sold;
            switch (slot.State)
            {
                case SlotState.Reserved:
                    var post = CopyMaker.Post(plan, slot, context);
                    allEnds.Add(post);
                    sold = post.Move == CopyMove.Capture;
                    break;
                case SlotState.Proposed:
                    slot = slot with { CopyNo = next++ };
                    var copy = CopyMaker.Create(plan, slot, context);
                    starts.Add(copy);
                    sold = copy.Move == CopyMove.Sell;
                    break;
                default: continue;
            }
            slots = slots.SetItem(i, slot with { State = sold ? SlotState.Captured : SlotState.Held });
        }
        var done = plan with { Slots = slots, NextCopyNo = next, First = null, InFlight = null, Tries = plan.Tries + 1, Reason = Reason.None };
        return Submit(sale, plan, ends, Item(plan, context, [.. allEnds], [.. starts], done), done);
    }

    /// <summary>Why a chosen bid may not have the lead now. A tree that was paused sells nothing more; what was held in it before is sold.</summary>
    private static Reason WhyNot(LeadSale plan, Slot slot, SaleContext context)
    {
        if (slot.State != SlotState.Proposed) return Ranks.Unfit(plan, slot.BidIndex, context);
        var reason = Ranks.UnfitOrClosed(plan, slot.BidIndex, context);
        if (reason != Reason.None) return reason;
        // A later walk knows whom the consent names; whatever brought the bid here, nobody else gets the lead.
        if (plan.BidAt(slot.BidIndex).Seller is { } seller && !context.NamedSellers.Contains(seller, StringComparer.OrdinalIgnoreCase)) return Reason.ConsentNotNamed;
        return Ranks.IsSpent(plan, slot, context) ? Reason.NoBid : Reason.None;
    }

    private static Reason NoOf(LeadSale plan) => plan.Reason != Reason.None ? plan.Reason : plan.IsSuppressed ? Reason.Suppressed : plan.Late ? Reason.Expired : Reason.AllRejected;

    /// <param name="ifTaken">Only if the rows say so too; else the plan goes on.</param>
    private static LeadStep RecordNo(LeadSale plan, CopyEnd[] ends, Reason reason, SaleContext context, bool ifTaken = false)
    {
        var first = plan.First!;
        // What is still reserved stays so in the plan: another no, if this one is refused, frees it itself.
        var all = ends;
        var done = Lost(plan, ref all, reason) with { First = null, InFlight = null, Reason = reason };
        // A vertical that counts received leads remembers the person of an unsold one too; a duplicate's person is remembered already.
        var claims = ifTaken || plan.KeepPersonsWhenUnsold && !plan.Test && reason != Reason.Duplicate ? first.Persons : [];
        return Submit(plan, plan, ends, Item(plan, context, all, [], done) with { Persons = claims, IfTaken = ifTaken }, done);
    }

    private static LeadStep End(LeadSale sale, LeadSale plan, CopyEnd[] ends, SaleContext context)
    {
        var done = plan.State == LeadState.Unsold ? plan with { Reason = NoOf(plan) } : plan;
        return Submit(sale, plan, ends, Item(plan, context, ends, [], done), done);
    }

    private static LeadStep Settle(LeadSale sale, Verdict verdict, SaleContext context)
    {
        Invariant.Require(sale.InFlight is not null);
        var flight = sale.InFlight;
        if (verdict.IsSuccess)
        {
            // 100 for a lead's first item: somebody else's post of the same ping and body is there; its rows speak, not our plan.
            if (verdict.Code == VerdictCode.AlreadyThere && flight.Plan.First is not null) return new(sale, null, []) { Conflict = verdict };
            var calls = new List<int>();
            foreach (var end in flight.Item.Ends) if (end.Move == CopyMove.Call && IsCalledNow(end.Deliveries)) calls.Add(end.No);
            foreach (var copy in flight.Item.Starts) if (copy.Move == CopyMove.Hold && !sale.Test && IsCalledNow(copy.Deliveries)) calls.Add(copy.No);
            return new(flight.IfDone, null, calls);
        }
        sale = sale with { InFlight = null };
        var (plan, ends) = (flight.Plan with { InFlight = null, Waits = null }, flight.Voids);
        switch (verdict.Code)
        {
            case VerdictCode.Refused:
                var copy = flight.Item.Starts[verdict.CopyIndex];
                var reason = copy.Takes[verdict.TakeIndex].Reason;
                if (reason is not (Reason.PublisherCap or Reason.PublisherPaused)) return Without(SlotOf(plan, copy.OfferId), reason);
                // A limit of the publisher refuses the whole lead; nobody else could have it either. Another copy that is held or sold stands.
                if (plan.First is not null && !plan.Slots.Any(slot => slot.State == SlotState.Reserved)) return RecordNo(plan, ends, reason, context);
                plan = Lost(plan, reason);
                return plan.IsPlanned ? Propose(sale, plan, ends, context) : End(sale, plan, ends, context);
            case VerdictCode.NoFreeCopy when flight.Item.Starts.Length > 0:
                return Without(SlotOf(plan, flight.Item.Starts[Math.Max(0, verdict.CopyIndex)].OfferId), Reason.BuyerHasLead);
            case VerdictCode.PersonSeen when verdict.CopyIndex >= 0:
                return Without(
                    verdict.OfEnd ? IndexOfCopy(plan, flight.Item.Ends[verdict.CopyIndex].No) : SlotOf(plan, flight.Item.Starts[verdict.CopyIndex].OfferId), Reason.BuyerHasLead);
            case VerdictCode.PersonFree:
                plan = plan with { MayBeTaken = false };
                return Propose(sale with { MayBeTaken = false }, plan, ends, context);
            case VerdictCode.PersonSeen when plan.First is not null:
                return RecordNo(plan, ends, Reason.Duplicate, context);
            case VerdictCode.EndedOtherwise when plan.First?.Post is not null && flight.Item.Ends.Length > 0:
                // What was held at the ping has expired meanwhile: the same campaigns are held anew.
                plan = plan with
                {
                    Slots = [.. plan.Slots.Select(slot => slot.State == SlotState.Reserved ? slot with { State = SlotState.Proposed } : slot)],
                    First = plan.First with { Unwanted = [] },
                };
                return flight is { IfDone.State: LeadState.Unsold, Item.IfTaken: false } ? RecordNo(plan, [], flight.Item.Reason, context) : Propose(plan, plan, [], context);
            default:
                // 102: another activation ended it first; the rows speak.
                return new(sale, null, []) { Conflict = verdict };
        }

        // The old hold stands until the next one fits: both go in one item again.
        LeadStep Without(int index, Reason why)
        {
            plan = PassOver(plan, ref ends, index, why, context);
            return Propose(sale, plan, ends, context);
        }
    }

    /// <summary>The first delivery of a held copy asks its buyer; one that waits is called when its wait is over.</summary>
    private static bool IsCalledNow(NewDelivery[] deliveries) => deliveries is [{ IsLeased: true }, ..];

    private static LeadStep Again(LeadSale sale, SaleContext context)
    {
        Invariant.Require(sale.InFlight is not null);
        var flight = sale.InFlight;
        var plan = flight.Plan with { InFlight = null };
        return plan.First is not null && flight is { IfDone.State: LeadState.Unsold, Item.IfTaken: false }
            ? RecordNo(plan, flight.Voids, flight.Item.Reason, context)
            : Propose(sale with { InFlight = null }, plan, flight.Voids, context);
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
                // In whole steps, as every price that is charged.
                var named = answered.Price?.CutTo(sale.RoundAt(slot.BidIndex).Model.PriceStep);
                Money? lower = named < slot.Price && named >= slot.Payout ? named : null;
                slot = slot with { Price = lower ?? slot.Price };
                var sold = sale with { Slots = sale.Slots.SetItem(index, slot with { State = SlotState.Captured, RedirectUrl = answered.RedirectUrl }) };
                var capture = new CopyEnd(slot.CopyNo, CopyMove.Capture, Reason.None, CopyMaker.Money(sale, slot)) { BuyerRef = answered.BuyerRef, RedirectUrl = answered.RedirectUrl, Price = lower };
                return Submit(sale, sale, [], Item(sale, context, [capture], [], sold), sold);
            case BuyerAnswer.Duplicate when slot.State == SlotState.InDoubt:
            case BuyerAnswer.Later:
                return LeadStep.Stay(sale);
            case BuyerAnswer.Unknown:
                if (slot.State == SlotState.InDoubt) return LeadStep.Stay(sale);
                var doubt = sale with { Slots = sale.Slots.SetItem(index, slot with { State = SlotState.InDoubt }) };
                return Submit(sale, sale, [], Item(sale, context, [new CopyEnd(slot.CopyNo, CopyMove.Doubt, Reason.InDoubt, [])], [], doubt), doubt);
            default:
                var reason = answered.Reason != Reason.None ? answered.Reason : answered.Answer == BuyerAnswer.Duplicate ? Reason.BuyerDuplicate : Reason.BuyerRejected;
                return VoidAndGoOn(sale, index, reason, context);
        }
    }

    /// <summary>Ends a held copy and, in the same item, holds the next rank if somebody can pay the promise.</summary>
    private static LeadStep VoidAndGoOn(LeadSale sale, int index, Reason reason, SaleContext context)
    {
        var slot = sale.Slots[index];
        var plan = sale with { Out = sale.Out.Add(slot.BidIndex), Had = sale.Had.Add(slot.BidIndex) };
        NextRank? next = sale.Tries < Limits.CallsPerPost ? Ranks.NextOrAnew(ref plan, index, context) : null;
        return Propose(sale, MovedOn(plan, index, next, reason, context), [new CopyEnd(slot.CopyNo, CopyMove.Void, reason, []) { From = slot.State == SlotState.InDoubt ? CopyState.InDoubt : CopyState.Held }], context);
    }

    /// <summary>A slot whose bid may not have this lead goes to the next in rank, or is lost. What was held for it since the ping is freed.</summary>
    private static LeadSale PassOver(LeadSale plan, ref CopyEnd[] ends, int index, Reason reason, SaleContext context)
    {
        var slot = plan.Slots[index];
        if (slot.State == SlotState.Reserved) ends = [.. ends, new CopyEnd(slot.CopyNo, CopyMove.Void, reason, [])];
        else plan = Passed.With(plan, slot.BidIndex, slot.Price, reason);
        // Bidders of an expired offer or a paused tree did not fall out: they may be asked anew.
        plan = plan with { Out = reason is Reason.PingExpired or Reason.NoTree ? plan.Out : plan.Out.Add(slot.BidIndex), Passes = plan.Passes + 1 };
        NextRank? next = plan.Passes <= Limits.TriesPerPost ? Ranks.NextOrAnew(ref plan, index, context) : null;
        return MovedOn(plan, index, next, reason, context);
    }

    private static LeadSale MovedOn(LeadSale plan, int index, NextRank? next, Reason reason, SaleContext context)
    {
        var slot = plan.Slots[index];
        plan = Passed.WithUnfit(plan, slot.BidIndex + 1, next?.BidIndex ?? plan.BidCount, context);
        return plan with
        {
            Slots = plan.Slots.SetItem(index, next is { } taken
                ? slot with { State = SlotState.Proposed, BidIndex = taken.BidIndex, Price = taken.Price, LostBy = reason }
                : slot with { State = SlotState.Lost, LostBy = reason }),
        };
    }

    /// <summary>Nothing new is held, beside copies that are.</summary>
    private static LeadSale Lost(LeadSale plan, Reason reason)
    {
        foreach (var slot in plan.Slots) if (slot.State == SlotState.Proposed) plan = Passed.With(plan, slot.BidIndex, slot.Price, reason);
        return plan with { Slots = [.. plan.Slots.Select(slot => slot.State == SlotState.Proposed ? slot with { State = SlotState.Lost, LostBy = reason } : slot)] };
    }

    /// <summary>Nothing new is held, and what was held since the ping is freed.</summary>
    private static LeadSale Lost(LeadSale plan, ref CopyEnd[] ends, Reason reason)
    {
        ends = [.. ends, .. plan.Slots.Where(slot => slot.State == SlotState.Reserved).Select(slot => new CopyEnd(slot.CopyNo, CopyMove.Void, reason, []))];
        return plan with
        {
            Slots = [.. plan.Slots.Select(slot => slot.State is SlotState.Proposed or SlotState.Reserved ? slot with { State = SlotState.Lost, LostBy = reason } : slot)],
        };
    }

    private static JournalItem Item(LeadSale plan, SaleContext context, CopyEnd[] ends, NewCopy[] starts, LeadSale done) => new()
    {
        Lead = plan.Id, AtMs = context.NowMs, New = plan.First?.Lead, Post = plan.First?.Post, Request = plan.First?.Request,
        Persons = plan.Test ? [] : plan.First?.Persons ?? [],
        Ends = ends, Starts = starts, Seen = plan.First is null ? Seen(plan, ends) : null, State = Durable(done), Wait = done.Waits, EndsWait = plan.EndsWait, Reason = done.Reason, ReleasePersons = done.State == LeadState.Unsold && !plan.KeepPersonsWhenUnsold,
        PassedOver = [.. plan.PassedOver],
        Postback = NewPostback.Of(context.Current.Publishers.GetValueOrDefault(plan.Record.Publisher), done, ends, starts),
    };

    /// <summary>The copies that the item does not name, as this sale knows them.</summary>
    private static SeenCopy[] Seen(LeadSale plan, CopyEnd[] ends) =>
    [
        .. plan.Slots.Where(slot => slot.State is SlotState.Held or SlotState.InDoubt or SlotState.Captured && !Array.Exists(ends, end => end.No == slot.CopyNo))
            .Select(slot => new SeenCopy(slot.CopyNo, slot.State switch { SlotState.Held => CopyState.Held, SlotState.InDoubt => CopyState.InDoubt, _ => CopyState.Captured })),
    ];

    private static LeadState Durable(LeadSale done) => done.State == LeadState.Pending ? LeadState.Open : done.State;

    private static LeadStep Submit(LeadSale sale, LeadSale plan, CopyEnd[] voids, JournalItem item, LeadSale done) =>
        new(sale with { InFlight = new(item, plan, voids, done with { InFlight = null, EndsWait = null, PassedOver = [] }) }, item, []);

    private static int IndexOfCopy(LeadSale sale, int copyNo)
    {
        for (var i = 0; i < sale.Slots.Length; i++) if (sale.Slots[i].CopyNo == copyNo) return i;
        return -1;
    }

    private static int SlotOf(LeadSale plan, string offerId)
    {
        for (var i = 0; i < plan.Slots.Length; i++) if (plan.Slots[i].OfferId == offerId) return i;
        throw new InvariantException("a copy without its slot");
    }
}
