using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>Leads that wait before a tree is asked.</summary>
internal sealed class SimWaits(SimStore store) : ILeadWaits
{
    public Task<IReadOnlyList<ClaimedWait>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, CancellationToken cancel) =>
        store.WriteAsync<IReadOnlyList<ClaimedWait>>(() =>
        {
            var claimed = new List<ClaimedWait>();
            foreach (var lead in store.Database.Leads.Where(lead => lead.Wait?.DueAtMs <= nowMs).OrderBy(lead => lead.Wait!.DueAtMs).Take(limit).ToArray())
            {
                lead.Wait!.DueAtMs = leaseUntilMs;
                claimed.Add(new(lead.Id, ++lead.Wait.Fence));
                store.Silo.Note("claims wait", lead.Id.ToString(), lead.Wait.Fence);
                store.World.Office.Claimed(lead);
            }
            return claimed;
        });

    public Task<bool> SetBackAsync(ClaimedWait claim, long dueMs, CancellationToken cancel) => store.WriteAsync(() =>
    {
        if (store.Database.Find(claim.Lead)?.Wait is not { DueAtMs: not null } wait || wait.Fence != claim.Fence) return false;
        wait.DueAtMs = dueMs;
        return true;
    });

    public Task<long?> NextDueAsync(CancellationToken cancel) => store.ReadAsync(() => store.Database.Leads.Min(lead => lead.Wait?.DueAtMs));
}
