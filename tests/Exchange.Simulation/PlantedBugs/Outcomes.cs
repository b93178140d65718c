using Exchange.Engine;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;
using Exchange.Storage;

namespace Exchange.Simulation.PlantedBugs;

/// <summary>Mistakes about who has the lead and how it ends.</summary>
internal static class Outcomes
{
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("fall through on a timeout", () => new Decides(static (sale, happened, context) =>
            LeadMachine.Step(sale, happened is LeadEvent.Answered { Answer: BuyerAnswer.Unknown } unknown ? unknown with { Answer = BuyerAnswer.Refused, Reason = Reason.BuyerError } : happened, context))),
        new("a no taken for a yes", () => new Decides(static (sale, happened, context) =>
            LeadMachine.Step(sale, happened is LeadEvent.Answered { Answer: BuyerAnswer.Refused } no ? no with { Answer = BuyerAnswer.Accepted } : happened, context))),
        new("a refused item taken for done", () => new Decides(static (sale, happened, context) =>
            LeadMachine.Step(sale, happened is LeadEvent.Settled { Verdict.Code: VerdictCode.Refused } ? new LeadEvent.Settled(new(VerdictCode.Done)) : happened, context))),
        new("a doubt forgotten: the copy stays held", () => new Rows(() => new DoubtLost())),
        new("two outcomes: unsold over a copy that is open", () => new TwoOutcomes()),
        new("an end accepted whatever came before (no state in the fence)", () => new Rows(() => new AnyEnd())),
        new("an exclusive lead beside another copy", () => new Rows(() => new NoCopyFence())),
        new("a doubt given up by time: voided", () => new GivenUp()),
        new("a called copy expires", () => new CalledExpires()),
        new("hold without expiry: offers that ran out stay held", () => new NeverExpires()),
        new("a late sale that its publisher is never told", () => new Submits(static item => item.New is null && item.Postback?.Event == PostbackEvent.Sold ? item with { Postback = null } : item)),
        new("a no told with every refusal", () => new Submits(static item => Array.Exists(item.Ends, static end => end.Move == CopyMove.Void) ? item with { Postback = new(PostbackEvent.Unsold, PostbackId.NoCopy, Money.Zero) } : item)),
        new("the lead's state not moved by its last end", () => new Rows(() => new StaleState())),
    ];

    private sealed class Rows(Func<SimDatabase> make) : Seams
    {
        public override SimDatabase NewDatabase() => make();
    }

    private sealed class Submits(Func<JournalItem, JournalItem> change) : Seams
    {
        public override JournalItem Submitted(JournalItem item) => change(item);
    }

    private sealed class Decides(LeadDecision decide) : Seams
    {
        public override LeadDecision Decide => decide;
    }

    private sealed class DoubtLost : SimDatabase
    {
        protected override void WriteEnd(LeadEntry lead, JournalItem item, CopyEnd end, CopyEntry copy, string owner, News news)
        {
            if (end.Move != CopyMove.Doubt) base.WriteEnd(lead, item, end, copy, owner, news);
        }
    }

    private sealed class TwoOutcomes : Seams
    {
        public override SimDatabase NewDatabase() => new Sloppy();

        private sealed class Sloppy : SimDatabase
        {
            protected override void Write(ItemPlan plan, string owner, News news)
            {
                base.Write(plan, owner, news);
                if (plan.Ends.Exists(end => end.End.Move == CopyMove.Doubt)) Find(plan.Item.Lead)!.State = LeadState.Unsold;
            }
        }
    }

    private sealed class AnyEnd : SimDatabase
    {
        protected override IReadOnlyList<JudgedCopy> CopiesOf(LeadId id) => [.. base.CopiesOf(id).Select(copy => copy.State == CopyState.Held ? copy : ((CopyEntry)copy) with { State = CopyState.Held })];
    }

    private sealed class NoCopyFence : SimDatabase
    {
        /// <summary>Copies that other items started are not seen.</summary>
        protected override IReadOnlyList<JudgedCopy> CopiesOf(LeadId id) => [.. base.CopiesOf(id).Select(copy => ((CopyEntry)copy) with { Exclusive = false, Company = copy.Company + copy.No })];

        protected override Verdict Pass(ItemPlan plan)
        {
            // The start that had no free copy is written all the same.
            var verdict = base.Pass(plan);
            return verdict.Code == VerdictCode.NoFreeCopy ? new(VerdictCode.Done) : verdict;
        }
    }

    private sealed class GivenUp : Seams
    {
        public override DeliveryResult Recorded(SimDatabase database, DeliveryEntry delivery, DeliveryResult result)
        {
            var lead = database.Find(delivery.Copy.Lead)!;
            var place = lead.Copies.FindIndex(copy => copy.No == delivery.Copy.No);
            if (result.Status == DeliveryStatus.Dead && lead.Copies[place].State == CopyState.InDoubt) lead.Copies[place] = lead.Copies[place] with { State = CopyState.Voided };
            return result;
        }
    }

    private sealed class CalledExpires : Seams
    {
        public override SimDatabase NewDatabase() => new Uncalled();

        public override bool OfferExpires(LeadEntry lead, long nowMs) => base.OfferExpires(lead, nowMs) || lead.State == LeadState.Open && lead.AtMs < nowMs - 100;

        private sealed class Uncalled : SimDatabase
        {
            protected override IReadOnlyList<JudgedCopy> CopiesOf(LeadId id) => [.. base.CopiesOf(id).Select(copy => ((CopyEntry)copy) with { IsCalled = false })];
        }
    }

    private sealed class NeverExpires : Seams
    {
        public override bool OfferExpires(LeadEntry lead, long nowMs) => false;
    }

    private sealed class StaleState : SimDatabase
    {
        protected override void Write(ItemPlan plan, string owner, News news)
        {
            var before = Find(plan.Item.Lead)?.State;
            base.Write(plan, owner, news);
            if (before is { } state && plan.Item.Post is null && plan.Ends.Exists(end => end.End.Move == CopyMove.Capture)) Find(plan.Item.Lead)!.State = state;
        }
    }
}
