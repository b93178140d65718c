using Exchange.Engine;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Leads that wait before a tree is asked, claimed by many processes at once when that may be over.</summary>
internal sealed class PostgresLeadWaits(PostgresChanges changes, NpgsqlDataSource reads) : ILeadWaits
{
    /// <summary>What another process has in hand at this moment is passed over. After a lost reply the claims run out like any lease.</summary>
    public Task<IReadOnlyList<ClaimedWait>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, CancellationToken cancel) =>
        changes.RunAsync<IReadOnlyList<ClaimedWait>>(async change => await change.Connection.AllAsync("""
            WITH due AS MATERIALIZED (SELECT lead_id FROM lead_wait WHERE due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
            UPDATE lead_wait w SET fence = w.fence + 1, due_at = $2 FROM due WHERE w.lead_id = due.lead_id RETURNING w.lead_id, w.fence
            """, static row => new ClaimedWait(row.Lead(0), row.Long(1)), cancel, nowMs, leaseUntilMs, Math.Clamp(limit, 1, Limits.PageRows)).ConfigureAwait(false), cancel);

    public Task<bool> SetBackAsync(ClaimedWait claim, long dueMs, CancellationToken cancel) => changes.RunAsync(async change => await change.Connection.RunAsync(
        "UPDATE lead_wait SET due_at = $1 WHERE lead_id = $2 AND fence = $3 AND due_at IS NOT NULL", cancel, dueMs, claim.Lead, claim.Fence).ConfigureAwait(false) == 1, cancel);

    public Task<long?> NextDueAsync(CancellationToken cancel) =>
        reads.FirstAsync("SELECT min(due_at) FROM lead_wait WHERE due_at IS NOT NULL", static row => row.LongOrNull(0), cancel);
}
