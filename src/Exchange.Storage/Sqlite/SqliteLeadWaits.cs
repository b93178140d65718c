using Exchange.Engine;

namespace Exchange.Storage.Sqlite;

/// <summary>Leads that wait before a tree is asked, claimed when that may be over.</summary>
internal sealed class SqliteLeadWaits(Writer writer, ReadPool reads) : ILeadWaits
{
    public Task<IReadOnlyList<ClaimedWait>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, CancellationToken cancel) =>
        writer.RunAsync<IReadOnlyList<ClaimedWait>>(session =>
        {
            var due = session.Database.Prepare("SELECT lead_id, fence + 1 FROM lead_wait WHERE due_at <= ? ORDER BY due_at LIMIT ?")
                .Bind(nowMs).Bind(Math.Clamp(limit, 1, Limits.PageRows)).All(static row => new ClaimedWait(row.Lead(0), row.Long(1)));
            foreach (var claim in due)
                session.Database.Prepare("UPDATE lead_wait SET fence = ?, due_at = ? WHERE lead_id = ?").Bind(claim.Fence).Bind(leaseUntilMs).Bind(claim.Lead).Run();
            return due;
        }, cancel);

    public Task<bool> SetBackAsync(ClaimedWait claim, long dueMs, CancellationToken cancel) =>
        writer.RunAsync(session => session.Database.Prepare("UPDATE lead_wait SET due_at = ? WHERE lead_id = ? AND fence = ? AND due_at IS NOT NULL")
            .Bind(dueMs).Bind(claim.Lead).Bind(claim.Fence).Run() == 1, cancel);

    public Task<long?> NextDueAsync(CancellationToken cancel) =>
        reads.ReadAsync(static database => database.Prepare("SELECT min(due_at) FROM lead_wait WHERE due_at IS NOT NULL").Scalar(), cancel);
}
