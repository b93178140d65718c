using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;
using Exchange.Storage;

namespace Exchange.Simulation.PlantedBugs;

/// <summary>Mistakes about leases and messages to buyers.</summary>
internal static class DeliveryBugs
{
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("a lease without a fence: an old attempt's result counts", () => new Unfenced()),
        new("a lease that is not looked at", () => new Unleased()),
        new("a lease that ends before the call does", () => new Leased(1)),
        new("held without a lease", () => new Leased(null)),
        new("no delivery written with the sale", () => new Undelivered()),
        new("delivered as soon as it was tried", () => new TriedIsDelivered()),
        new("a dead letter thrown away", () => new Thrown()),
        new("held copies never taken up again", () => new Forgotten(CopyState.Held, CopyState.InDoubt)),
        new("sold copies never brought again", () => new Forgotten(CopyState.Captured)),
        new("tried again under a new id", () => new NewId()),
        new("the loser gets the person's data too", () => new Both()),
    ];

    private sealed class Unfenced : Seams
    {
        public override bool IsFenced(DeliveryEntry delivery, long fence) => true;
    }

    private sealed class Unleased : Seams
    {
        public override bool IsDue(DeliveryEntry delivery, CopyState copy, long nowMs) => delivery.CreatedMs <= nowMs;
    }

    private sealed class Leased(long? ms) : Seams
    {
        public override JournalItem Submitted(JournalItem item) => item with
        {
            Starts = [.. item.Starts.Select(start => start with
            {
                Deliveries = [.. start.Deliveries.Select(delivery => delivery.LeaseUntilMs == 0 ? delivery : delivery with { LeaseUntilMs = ms is { } last ? item.AtMs + last : 0 })],
            })],
        };
    }

    private sealed class Undelivered : Seams
    {
        public override JournalItem Submitted(JournalItem item) => item with { Starts = [.. item.Starts.Select(start => start.Move == CopyMove.Sell ? start with { Deliveries = [] } : start)] };
    }

    private sealed class TriedIsDelivered : Seams
    {
        public override DeliveryResult Recorded(SimDatabase database, DeliveryEntry delivery, DeliveryResult result) => result with { Status = DeliveryStatus.Delivered, NextDueMs = null };
    }

    private sealed class Thrown : Seams
    {
        public override DeliveryResult Recorded(SimDatabase database, DeliveryEntry delivery, DeliveryResult result)
        {
            if (result.Status == DeliveryStatus.Dead)
            {
                database.Deliveries.Remove(delivery);
                database.Find(delivery.Copy.Lead)!.Deliveries.Remove(delivery);
            }
            return result;
        }
    }

    private sealed class Forgotten(params CopyState[] states) : Seams
    {
        public override bool IsDue(DeliveryEntry delivery, CopyState copy, long nowMs) => !states.Contains(copy) && base.IsDue(delivery, copy, nowMs);
    }

    private sealed class NewId : Seams
    {
        public override CopyId IdOnTheWire(CopyId copy, int sentBefore) => sentBefore == 0 ? copy : new(copy.Lead, copy.No + 100);
    }

    private sealed class Both : Seams
    {
        public override string? AlsoTo(string buyer) => buyer == "a" ? "b" : null;
    }
}
