using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>What publishers are told, with leases and fencing numbers.</summary>
internal sealed class SqlitePostbacks(Writer writer, ReadPool reads, ReadPool reports) : IPostbackStore
{
    /// <summary>With the item that makes it so; one that is there already stays as it is.</summary>
    public static void Write(Database database, JournalItem item, string publisher)
    {
        if (item.Postback is not { } postback) return;
        database.Prepare("""
            INSERT INTO postback (lead_id, event, no, publisher, change, status, due_at, lease_until, fence, attempts, created_ms, changed_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, 0, 0, 0, ?6, ?6) ON CONFLICT DO NOTHING
            """).Bind(item.Lead).Bind((long)postback.Event).Bind(postback.No).Bind(publisher).Bind(postback.Change.Micros).Bind(item.AtMs).Run();
    }

    public Task<IReadOnlyList<LeasedPostback>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, Func<string, long?>? pace, CancellationToken cancel) =>
        writer.RunAsync<IReadOnlyList<LeasedPostback>>(session =>
        {
            var due = session.Database.Prepare("""
                SELECT lead_id, event, no, publisher, change, fence + 1, attempts + 1, created_ms, error FROM postback WHERE status = 1 AND due_at <= ? ORDER BY due_at LIMIT ?
                """).Bind(nowMs).Bind(pace is null ? Math.Clamp(limit, 1, Limits.PageRows) : IDeliveryStore.PacedRows)
                .All(static row => new LeasedPostback(Id(row), row.Text(3), new(row.Long(4)), row.Long(5), row.Int(6), row.Long(7), row.TextOrNull(8)));
            var claimed = new List<LeasedPostback>(Math.Min(due.Count, limit));
            foreach (var claim in due)
            {
                if (claimed.Count == limit) break;
                if (pace?.Invoke(claim.Publisher) is { } later)
                {
                    session.Database.Prepare("UPDATE postback SET due_at = ? WHERE lead_id = ? AND event = ? AND no = ?")
                        .Bind(later).Bind(claim.Id.Lead).Bind((long)claim.Id.Event).Bind(claim.Id.No).Run();
                    continue;
                }
                session.Database.Prepare("""
                    UPDATE postback SET fence = ?, attempts = ?, lease_owner = ?, lease_until = ?, due_at = ?, error = NULL, changed_ms = ? WHERE lead_id = ? AND event = ? AND no = ?
                    """).Bind(claim.Fence).Bind(claim.Attempts).Bind(session.Owner).Bind(leaseUntilMs).Bind(leaseUntilMs).Bind(nowMs)
                    .Bind(claim.Id.Lead).Bind((long)claim.Id.Event).Bind(claim.Id.No).Run();
                claimed.Add(claim);
            }
            return claimed;
        }, cancel);

    public Task<bool> RecordAsync(PostbackId id, long fence, DeliveryResult result, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(result);
        return writer.RunAsync(session =>
        {
            var mine = session.Database.Prepare("SELECT 1 FROM postback WHERE lead_id = ? AND event = ? AND no = ? AND fence = ?")
                .Bind(id.Lead).Bind((long)id.Event).Bind(id.No).Bind(fence).Scalar() is not null;
            if (mine)
                session.Database.Prepare("""
                    UPDATE postback SET status = ?, due_at = ?, error = ?, lease_owner = NULL, lease_until = 0, changed_ms = ?
                    WHERE lead_id = ? AND event = ? AND no = ? AND fence = ? AND status = 1
                    """).Bind((long)result.Status).Bind(result.NextDueMs ?? nowMs).Bind(result.Error).Bind(nowMs)
                    .Bind(id.Lead).Bind((long)id.Event).Bind(id.No).Bind(fence).Run();
            return mine;
        }, cancel);
    }

    public Task<int> AdoptAsync(long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session => session.Database.Prepare("""
            UPDATE postback SET due_at = ?, lease_owner = NULL, lease_until = 0, changed_ms = ? WHERE status = 1 AND lease_owner IS NOT NULL AND lease_owner <> ?
            """).Bind(nowMs).Bind(nowMs).Bind(session.Owner).Run(), cancel);

    public Task<long?> NextDueAsync(CancellationToken cancel) =>
        reads.ReadAsync(database => database.Prepare("SELECT min(due_at) FROM postback WHERE status = 1").Scalar(), cancel);

    public Task<Page<PostbackRow>> ListAsync(PostbackQuery query, int limit, string? cursor, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(query);
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        var isAfter = PostbackId.TryParse(cursor, out var after);
        return reports.ReadAsync(database =>
        {
            var sql = "SELECT lead_id, event, no, publisher, change, status, attempts, due_at, error, changed_ms FROM postback WHERE 1";
            if (isAfter) sql += " AND (lead_id, event, no) < (?, ?, ?)";
            if (query.Lead is not null) sql += " AND lead_id = ?";
            if (query.Status is not null) sql += " AND status = ?";
            // Repeated as a constant, so that the small index of dead ones may serve.
            if (query.Status == DeliveryStatus.Dead) sql += " AND status = 4";
            if (query.Publisher is not null) sql += " AND publisher = ?";
            var statement = database.Prepare(sql + " ORDER BY lead_id DESC, event DESC, no DESC LIMIT ?");
            if (isAfter) statement.Bind(after.Lead).Bind((long)after.Event).Bind(after.No);
            if (query.Lead is { } lead) statement.Bind(lead);
            if (query.Status is { } status) statement.Bind((long)status);
            if (query.Publisher is { } publisher) statement.Bind(publisher);
            var rows = statement.Bind(limit + 1).All(static row => new PostbackRow(
                Id(row), row.Text(3), new(row.Long(4)), (DeliveryStatus)row.Int(5), row.Int(6), row.Long(7), row.TextOrNull(8), row.Long(9)));
            return Rows.Page(rows, limit, static row => row.Id.ToString());
        }, cancel);
    }

    /// <summary>With another fence: what came of an attempt before may be recorded once more, by one who does not know that it is there, and would take this back.</summary>
    private const string Replay = $"""
        UPDATE postback SET status = 1, fence = fence + 1, due_at = ?1, error = '{DeliveryDecision.Replayed}', lease_owner = NULL, lease_until = 0, created_ms = ?1, changed_ms = ?1
        """;

    public Task<bool> ReplayAsync(PostbackId id, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session =>
        {
            const string which = "lead_id = ?2 AND event = ?3 AND no = ?4";
            return Run($"UPDATE postback SET fence = fence + 1, due_at = ?1 WHERE {which} AND status = 1 AND attempts > 0 AND due_at > ?1 AND lease_until <= ?1") || Run($"{Replay} WHERE {which} AND status = 4");

            bool Run(string sql) => session.Database.Prepare(sql).Bind(nowMs).Bind(id.Lead).Bind((long)id.Event).Bind(id.No).Run() == 1;
        }, cancel);

    public Task<int> ReplayAsync(DeadPostbacks which, int limit, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session => session.Database.Prepare($"""
            {Replay} WHERE (lead_id, event, no) IN (
                SELECT d.lead_id, d.event, d.no FROM postback d WHERE d.status = 4 AND d.changed_ms < ?2 AND d.changed_ms >= ?3 AND (?4 IS NULL OR d.publisher = ?4)
                  AND (?5 IS NULL OR d.error = ?5) ORDER BY d.lead_id, d.event, d.no LIMIT ?6)
            """).Bind(nowMs).Bind(Math.Min(nowMs, which.UntilMs ?? nowMs)).Bind(which.FromMs ?? 0).Bind(which.Publisher).Bind(which.Error).Bind(limit).Run(), cancel);

    private static PostbackId Id(Statement row) => new(row.Lead(0), (PostbackEvent)row.Int(1), row.Int(2));
}
