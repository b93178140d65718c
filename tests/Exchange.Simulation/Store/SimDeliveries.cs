using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>Deliveries with their leases and fencing numbers.</summary>
internal sealed class SimDeliveries(SimStore store) : IDeliveryStore
{
    public Task<IReadOnlyList<LeasedDelivery>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, Pace? pace, CancellationToken cancel) =>
        store.WriteAsync<IReadOnlyList<LeasedDelivery>>(() =>
        {
            var due = store.Database.Deliveries.Where(delivery => delivery is { Status: DeliveryStatus.Waiting, Pulled: false } && store.World.Seams.IsDue(delivery, CopyOf(delivery.Copy).State, nowMs))
                .OrderBy(delivery => delivery.DueAtMs).Take(IDeliveryStore.PacedRows).ToArray();
            var claimed = new List<LeasedDelivery>();
            foreach (var delivery in due)
            {
                if (claimed.Count == limit) break;
                if (pace?.Invoke(CopyOf(delivery.Copy).Buyer, delivery.Endpoint) is { } later)
                {
                    delivery.DueAtMs = later;
                    continue;
                }
                // The last result goes with the claim: if nothing is recorded under this lease either, the next one sees that.
                var last = delivery.Error;
                (delivery.Owner, delivery.LeaseUntilMs, delivery.DueAtMs, delivery.Error) = (store.Silo.Name, leaseUntilMs, leaseUntilMs, null);
                delivery.Fence++;
                if (delivery.Wait == DeliveryWait.None) delivery.Attempts++;
                store.Silo.Note("claims", delivery.Copy.ToString(), delivery.Fence);
                if (delivery.Wait == DeliveryWait.Fields) store.World.Office.Claimed(store.Database.Find(delivery.Copy.Lead)!);
                var copy = CopyOf(delivery.Copy);
                claimed.Add(new LeasedDelivery(delivery.Copy, delivery.Endpoint, delivery.Fence, delivery.Attempts, delivery.CreatedMs, copy.State, copy.Campaign, copy.Buyer, last)
                {
                    Wait = delivery.Wait, WaitUntilMs = delivery.WaitUntilMs,
                });
            }
            return claimed;
        });

    public Task<IReadOnlyList<LeasedDelivery>> ClaimDueAtAsync(string buyer, string endpoint, long nowMs, long leaseUntilMs, int limit, CancellationToken cancel) =>
        throw new NotSupportedException();

    private CopyEntry CopyOf(CopyId id) => store.Database.Find(id.Lead)!.Copies.Find(copy => copy.No == id.No)!;

    public Task<bool> RecordAsync(CopyId copy, string endpoint, long fence, DeliveryResult result, long nowMs, CancellationToken cancel) => store.WriteAsync(() =>
    {
        var delivery = store.Database.Deliveries.Find(each => each.Copy == copy && each.Endpoint == endpoint);
        if (delivery is null || !store.World.Seams.IsFenced(delivery, fence)) return false;
        if (delivery.Status != DeliveryStatus.Waiting) return true;
        result = store.World.Seams.Recorded(store.Database, delivery, result);
        (delivery.Status, delivery.DueAtMs, delivery.Error, delivery.Wait) = (result.Status, result.NextDueMs ?? nowMs, result.Error, DeliveryWait.None);
        delivery.Unlease();
        return true;
    });

    public Task<IReadOnlyList<string>?> TurnAsync(CopyId copy, string endpoint, long fence, IReadOnlyList<NewDelivery> become, long nowMs, CancellationToken cancel) => store.WriteAsync<IReadOnlyList<string>?>(() =>
    {
        var lead = store.Database.Find(copy.Lead)!;
        var waited = lead.Deliveries.Find(each => each.Copy == copy && each.Endpoint == endpoint);
        if (waited is not { Status: DeliveryStatus.Waiting, Wait: not DeliveryWait.None } || !store.World.Seams.IsFenced(waited, fence)) return null;
        store.World.Laws.Turned(lead, copy, become);
        lead.Deliveries.Remove(waited);
        store.Database.Deliveries.Remove(waited);
        var made = new List<string>();
        foreach (var delivery in become)
        {
            if (store.Database.Deliver(lead, copy, store.World.Seams.Turned(delivery), CopyOf(copy).State == CopyState.Captured, store.Silo.Name, fence, nowMs)) made.Add(delivery.Endpoint);
            if (delivery.Wait == DeliveryWait.Drop) store.World.Nemesis.Sent(store.Silo);
        }
        return made;
    });

    public async Task<IReadOnlySet<CopyId>> RecordAllAsync(IReadOnlyList<(LeasedDelivery Delivery, DeliveryResult Result)> results, long nowMs, CancellationToken cancel)
    {
        var recorded = new HashSet<CopyId>();
        foreach (var (delivery, result) in results)
            if (await RecordAsync(delivery.Copy, delivery.Endpoint, delivery.Fence, result, nowMs, cancel)) recorded.Add(delivery.Copy);
        return recorded;
    }

    public Task<bool> GiveUpAsync(CopyId copy, long nowMs, CancellationToken cancel) => store.WriteAsync(() =>
    {
        var asks = store.Database.Find(copy.Lead)!.Deliveries.Where(each => each.Copy == copy && each is { Status: DeliveryStatus.Waiting, Pulled: false, Wait: DeliveryWait.None }).ToArray();
        if (asks.Any(delivery => store.World.Seams.IsLeased(delivery, nowMs))) return false;
        foreach (var delivery in asks)
        {
            (delivery.Status, delivery.Error) = (DeliveryStatus.Dead, "resolved");
            delivery.Unlease();
            store.Silo.Note("gives up", copy.ToString());
        }
        return true;
    });

    /// <summary>Only where one process has the whole database: its dead predecessor's leases end at once.</summary>
    public Task<int> AdoptAsync(long nowMs, CancellationToken cancel) => store.WriteAsync(() =>
    {
        var adopted = 0;
        if (store.World.Plan.Silos > 1) return adopted;
        foreach (var delivery in store.Database.Deliveries)
        {
            if (delivery is not { Status: DeliveryStatus.Waiting, Pulled: false, Owner: { } owner } || owner == store.Silo.Name) continue;
            delivery.DueAtMs = nowMs;
            delivery.Unlease();
            adopted++;
        }
        return adopted;
    });

    public Task<long?> NextDueAsync(CancellationToken cancel) => store.ReadAsync(() =>
    {
        var next = NewDelivery.NeverDue;
        foreach (var delivery in store.Database.Deliveries)
            if (delivery is { Status: DeliveryStatus.Waiting, Pulled: false }) next = Math.Min(next, delivery.DueAtMs);
        return next == NewDelivery.NeverDue ? (long?)null : next;
    });

    public Task<Page<DeliveryRow>> ListAsync(DeliveryStatus? status, string? buyer, int limit, string? cursor, CancellationToken cancel) => throw new NotSupportedException();
    public Task<int> ReplayAsync(DeadLetters which, int limit, long nowMs, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> RedeliverAsync(CopyId copy, string endpoint, long nowMs, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> ReplayAsync(CopyId copy, string endpoint, long nowMs, CancellationToken cancel) => throw new NotSupportedException();
    public Task<Page<BuyerCopy>> CopiesOfBuyerAsync(string buyer, DeliveryStatus? status, int limit, string? cursor, CancellationToken cancel) => throw new NotSupportedException();
    public Task<bool> AcknowledgeAsync(string buyer, CopyId copy, long nowMs, CancellationToken cancel) => throw new NotSupportedException();
}
