using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;
using Exchange.Storage;

namespace Exchange.Simulation.PlantedBugs;

/// <summary>Mistakes about what people do to a lead after its post, and about bids that are asked for.</summary>
internal static class LaterBugs
{
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("refunded twice: the fence does not know what came back", () => new Rows(static () => new RefundedAgain())),
        new("a copy returned by everybody who asks at once", () => new AskedAgain()),
        new("a return that a crash left is never booked", () => new Unswept()),
        new("a return takes the payout from its publisher whatever the terms", () => new Submits(static item => !item.IsReturn ? item : item with
        {
            Ends = [.. item.Ends.Select(end => end with { Transfers = [.. end.Transfers.Select(transfer => transfer.Debit == "house" && end.Transfers.Length > 1 && transfer == end.Transfers[0] ? transfer with { Debit = "publisher:q" } : transfer)] })],
        })),
        new("a return gives no place back where what is kept counts", () => new Rows(static () => new PlaceKept())),
        new("erased, and its payload stays", () => new Rows(static () => new PayloadStays())),
        new("erased, and a delivery goes on waiting", () => new Rows(static () => new DeliveryStays())),
        new("erased, and the person is not suppressed", () => new Rows(static () => new NotSuppressed())),
        new("erased by what was read before somebody added to it", () => new OldErasure()),
        new("erased, and a lead goes on to somebody else by what was known before", () => new Rows(static () => new SoldErased())) { In = static plan => plan with { Silos = 3, Duplicates = 400, Deeds = [Deed.Erase], DeedsInAll = 8, DeedTwice = 400 } },
        new("erased, and its ping's record stays", () => new Rows(static () => new PingStays())),
        new("resolved: an operator's no lands over a newer outcome", () => new Rows(static () => new OldNo())) { In = static plan => plan with { Silos = 3, Duplicates = 400, Deeds = [Deed.Resolve], DeedsInAll = 8, DeedTwice = 400 } },
        new("resolved while its buyer is being asked", () => new Hasty()) { In = static plan => plan with { Silos = 3, Duplicates = 400, Deeds = [Deed.Resolve], DeedsInAll = 8, DeedTwice = 400 } },
        new("fields added to what was read, whoever added to it meanwhile", () => new LastWriter()),
        new("fields added, and the fence of a lead that waits not raised", () => new LeadFenceKept()) { In = static plan => plan with { Silos = 3, Duplicates = 400, Deeds = [Deed.Add], DeedsInAll = 8, DeedTwice = 400, Market = Markets.WaitForFields[plan.Market % Markets.WaitForFields.Length] } },
        new("fields added, and the fence of a delivery that waits not raised", () => new DeliveryFenceKept()) { In = static plan => plan with { StoreMs = 60, Deeds = [Deed.Add], DeedsInAll = 8, DeedTwice = 400, Market = Markets.HandOverByFields[plan.Market % Markets.HandOverByFields.Length] } },
        new("a mark of a person believed, without a look at the rows", () => new Submits(static item => item.IfTaken ? item with { IfTaken = false, Persons = [] } : item)),
        new("a live bid taken for the answer to another campaign's request", () => new Mixed()),
        new("a winner charged more than it bid", () => new Submits(static item => item.New is null ? item : item with
        {
            Starts = [.. item.Starts.Select(static start => start with
            {
                Price = start.Price + Money.Parse("2.00"), Takes = [.. start.Takes.Select(take => take.Amount >= 1_000_000 ? take with { Amount = take.Amount + 2_000_000 } : take)],
            })],
        })),
    ];

    private sealed class Rows(Func<SimDatabase> make) : Seams
    {
        public override SimDatabase NewDatabase() => make();
    }

    private sealed class Submits(Func<JournalItem, JournalItem> change) : Seams
    {
        public override JournalItem Submitted(JournalItem item) => change(item);
    }

    private sealed class RefundedAgain : SimDatabase
    {
        private bool isReturn;

        public override Verdict Apply(JournalItem item, string owner, News news)
        {
            isReturn = item.IsReturn;
            return base.Apply(item, owner, news);
        }

        protected override IReadOnlyList<JudgedCopy> CopiesOf(LeadId id) =>
            !isReturn ? base.CopiesOf(id) : [.. base.CopiesOf(id).Select(copy => copy.State == CopyState.Reversed ? ((CopyEntry)copy) with { State = CopyState.Captured } : copy)];
    }

    private sealed class AskedAgain : Seams
    {
        public override bool IsAskedFirst(SimDatabase database, CopyId copy) => true;
    }

    private sealed class Unswept : Seams
    {
        public override bool Sweeps => false;
    }

    private sealed class PlaceKept : SimDatabase
    {
        protected override void WriteEnd(LeadEntry lead, JournalItem item, CopyEnd end, CopyEntry copy, string owner, News news)
        {
            base.WriteEnd(lead, item, end, copy, owner, news);
            if (end.Move != CopyMove.Reverse) return;
            foreach (var (counter, amount) in copy.Takes) if (counter.LimitId.EndsWith(":count:kept", StringComparison.Ordinal)) counter.Row.Move(amount, 0);
        }
    }

    private sealed class PayloadStays : SimDatabase
    {
        public override void Erase(LeadErasure erasure, long trueMs)
        {
            var before = Find(erasure.Lead)?.Sealed;
            base.Erase(erasure, trueMs);
            if (before is not null) Find(erasure.Lead)!.Sealed = before;
        }
    }

    private sealed class DeliveryStays : SimDatabase
    {
        public override void Erase(LeadErasure erasure, long trueMs)
        {
            var waits = Find(erasure.Lead)?.Deliveries.Where(delivery => delivery.Status == DeliveryStatus.Waiting).ToArray() ?? [];
            base.Erase(erasure, trueMs);
            foreach (var delivery in waits) delivery.Status = DeliveryStatus.Waiting;
        }
    }

    private sealed class NotSuppressed : SimDatabase
    {
        public override void Erase(LeadErasure erasure, long trueMs)
        {
            var before = Suppressed.ToArray();
            base.Erase(erasure, trueMs);
            // Somebody's, so that the table is not empty.
            foreach (var hmac in erasure.Suppress) if (!before.Any(known => known.Key == Convert.ToHexString(hmac))) IsForgotten.Add(Convert.ToHexString(hmac));
        }

        private HashSet<string> IsForgotten { get; } = new(StringComparer.Ordinal);

        public override bool IsSuppressed(byte[] hmac) => base.IsSuppressed(hmac) && !IsForgotten.Contains(Convert.ToHexString(hmac));
    }

    private sealed class OldErasure : Seams
    {
        public override bool IsAsRead(LeadErasure erasure, LeadEntry? lead) => true;
    }

    private sealed class SoldErased : SimDatabase
    {
        protected override JudgedLead? JudgedLeadOf(LeadId id) => base.JudgedLeadOf(id) is { } lead ? lead with { IsErased = false } : null;
    }

    private sealed class PingStays : SimDatabase
    {
        public override void Erase(LeadErasure erasure, long trueMs)
        {
            var before = Pings.GetValueOrDefault(erasure.Lead);
            base.Erase(erasure, trueMs);
            if (before is not null) Pings[erasure.Lead] = before;
        }
    }

    private sealed class OldNo : SimDatabase
    {
        private bool ofDoubt;

        public override Verdict Apply(JournalItem item, string owner, News news)
        {
            ofDoubt = Array.Exists(item.Ends, static end => end is { Move: CopyMove.Void, From: CopyState.InDoubt });
            return base.Apply(item with { Seen = ofDoubt ? null : item.Seen }, owner, news);
        }

        protected override IReadOnlyList<JudgedCopy> CopiesOf(LeadId id) =>
            !ofDoubt ? base.CopiesOf(id) : [.. base.CopiesOf(id).Select(copy => copy.State == CopyState.Captured ? ((CopyEntry)copy) with { State = CopyState.InDoubt } : copy)];
    }

    private sealed class Hasty : Seams
    {
        public override bool IsLeased(DeliveryEntry delivery, long nowMs) => false;
    }

    private sealed class LastWriter : Seams
    {
        public override bool IsAsRead(LeadEntry lead, byte[] readSealed) => lead.Sealed.Length > 0;
    }

    private sealed class LeadFenceKept : Seams
    {
        public override void Added(LeadEntry lead, long nowMs)
        {
            var fence = lead.Wait?.Fence;
            base.Added(lead, nowMs);
            if (lead.Wait is { } wait) wait.Fence = fence!.Value;
        }
    }

    private sealed class DeliveryFenceKept : Seams
    {
        public override void Added(LeadEntry lead, long nowMs)
        {
            foreach (var delivery in lead.Deliveries) if (delivery is { Status: DeliveryStatus.Waiting, Wait: DeliveryWait.Fields }) delivery.DueAtMs = nowMs;
            lead.Wait?.Look(nowMs);
        }
    }

    private sealed class Mixed : Seams
    {
        private string? last;

        public override string AnsweredAs(string request) => (last, last = request).Item1 ?? request;
    }
}
