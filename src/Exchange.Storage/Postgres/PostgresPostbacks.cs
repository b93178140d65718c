using System.Globalization;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Postbacks;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>What publishers are told, claimed by many processes at once, with leases and fencing numbers.</summary>
internal sealed class PostgresPostbacks(PostgresChanges changes, NpgsqlDataSource reads, NpgsqlDataSource reports, PostgresSilo silo) : IPostbackStore
{
    /// <summary>What another process has in hand at this moment is passed over.</summary>
    public Task<IReadOnlyList<LeasedPostback>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, Func<string, long?>? pace, CancellationToken cancel)
    {
        List<LeasedPostback> sent = [];
        return changes.RunAsync<IReadOnlyList<LeasedPostback>>(async change =>
        {
            if (change.MayBeDone && await IsMineAsync(change.Connection, sent, leaseUntilMs, cancel).ConfigureAwait(false)) return sent;
            var due = await change.Connection.AllAsync("""
                SELECT lead_id, event, no, publisher, change, fence + 1, attempts + 1, created_ms, error FROM postback WHERE status = 1 AND due_at <= $1
                ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
                """, static row => new LeasedPostback(Id(row), row.Text(3), new(row.Long(4)), row.Long(5), row.Int(6), row.Long(7), row.TextOrNull(8)),
                cancel, nowMs, pace is null ? Math.Clamp(limit, 1, Limits.PageRows) : IDeliveryStore.PacedRows).ConfigureAwait(false);
            var claimed = new List<LeasedPostback>(Math.Min(due.Count, limit));
            var postponed = new List<(PostbackId Id, long DueAtMs)>();
            foreach (var claim in due)
            {
                if (claimed.Count == limit) break;
                if (pace?.Invoke(claim.Publisher) is { } later) postponed.Add((claim.Id, later));
                else claimed.Add(claim);
            }
            if (claimed.Count > 0)
                await change.Connection.RunAsync("""
                    UPDATE postback p SET fence = p.fence + 1, attempts = p.attempts + 1, lease_owner = $4, lease_until = $5, due_at = $5, error = NULL, changed_ms = $6
                    FROM unnest($1, $2, $3) AS t (lead, event, no) WHERE p.lead_id = t.lead AND p.event = t.event AND p.no = t.no
                    """, cancel, claimed.Select(claim => claim.Id.Lead).ToArray(), claimed.Select(claim => (short)claim.Id.Event).ToArray(), claimed.Select(claim => claim.Id.No).ToArray(),
                    silo.Owner, leaseUntilMs, nowMs).ConfigureAwait(false);
            if (postponed.Count > 0)
                await change.Connection.RunAsync("""
                    UPDATE postback p SET due_at = t.due FROM unnest($1, $2, $3, $4) AS t (lead, event, no, due) WHERE p.lead_id = t.lead AND p.event = t.event AND p.no = t.no
                    """, cancel, postponed.Select(each => each.Id.Lead).ToArray(), postponed.Select(each => (short)each.Id.Event).ToArray(), postponed.Select(each => each.Id.No).ToArray(),
                    postponed.Select(each => each.DueAtMs).ToArray()).ConfigureAwait(false);
            return sent = claimed;
        }, cancel);
    }

    /// <summary>Whether a claim whose commit's reply was lost is there: all of it or nothing. Left to run out it would be told late.</summary>
    private async Task<bool> IsMineAsync(NpgsqlConnection database, List<LeasedPostback> sent, long leaseUntilMs, CancellationToken cancel) => sent is [var first, ..]
        && await database.FirstAsync("SELECT EXISTS (SELECT 1 FROM postback WHERE lead_id = $1 AND event = $2 AND no = $3 AND fence = $4 AND lease_owner = $5 AND lease_until = $6)",
            static row => row.Bool(0), cancel, first.Id.Lead, (short)first.Id.Event, first.Id.No, first.Fence, silo.Owner, leaseUntilMs).ConfigureAwait(false);

    public Task<bool> RecordAsync(PostbackId id, long fence, DeliveryResult result, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(result);
        return changes.RunAsync(change => change.Connection.FirstAsync("""
            WITH mine AS MATERIALIZED (SELECT status FROM postback WHERE lead_id = $1 AND event = $2 AND no = $3 AND fence = $4 FOR UPDATE),
            recorded AS (
                UPDATE postback p SET status = $5, due_at = $6, error = $7::text, lease_owner = NULL, lease_until = 0, changed_ms = $8
                FROM mine WHERE p.lead_id = $1 AND p.event = $2 AND p.no = $3 AND p.fence = $4 AND mine.status = 1)
            SELECT count(*) > 0 FROM mine
            """, static row => row.Bool(0), cancel, id.Lead, (short)id.Event, id.No, fence, (short)result.Status, result.NextDueMs ?? nowMs, result.Error, nowMs), cancel);
    }

    /// <summary>Of processes that were opened under this one's name before and are gone: see <see cref="PostgresSilo"/>. Others' leases run out.</summary>
    public Task<int> AdoptAsync(long nowMs, CancellationToken cancel) => !silo.IsAloneUnderItsName
        ? Task.FromResult(0)
        : changes.RunAsync(change => change.Connection.RunAsync("""
            UPDATE postback SET due_at = $1, lease_owner = NULL, lease_until = 0, changed_ms = $1
            WHERE status = 1 AND lease_owner IN (SELECT s.number::text FROM silo s WHERE s.node = $2 AND s.number <> $3)
            """, cancel, nowMs, silo.Node, (int)silo.Number), cancel);

    public Task<long?> NextDueAsync(CancellationToken cancel) => reads.FirstAsync("SELECT min(due_at) FROM postback WHERE status = 1", static row => row.LongOrNull(0), cancel);

    public async Task<Page<PostbackRow>> ListAsync(PostbackQuery query, int limit, string? cursor, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(query);
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        List<object?> values = [limit + 1];
        string Place(object value)
        {
            values.Add(value);
            return string.Create(CultureInfo.InvariantCulture, $"${values.Count}");
        }
        var sql = "SELECT lead_id, event, no, publisher, change, status, attempts, due_at, error, changed_ms FROM postback WHERE true";
        if (PostbackId.TryParse(cursor, out var after)) sql += $" AND (lead_id, event, no) < ({Place(after.Lead)}, {Place((short)after.Event)}, {Place(after.No)})";
        if (query.Lead is { } lead) sql += $" AND lead_id = {Place(lead)}";
        if (query.Status is { } status) sql += $" AND status = {Place((short)status)}";
        // Repeated as a constant, so that the small index of dead ones may serve.
        if (query.Status == DeliveryStatus.Dead) sql += " AND status = 4";
        if (query.Publisher is { } publisher) sql += $" AND publisher = {Place(publisher)}";
        var rows = await reports.ReportAsync(sql + " ORDER BY lead_id DESC, event DESC, no DESC LIMIT $1", static row => new PostbackRow(
            Id(row), row.Text(3), new(row.Long(4)), (DeliveryStatus)row.Int(5), row.Int(6), row.Long(7), row.TextOrNull(8), row.Long(9)), cancel, [.. values]).ConfigureAwait(false);
        return Rows.Page(rows, limit, static row => row.Id.ToString());
    }

    /// <summary>With another fence: what came of an attempt before may be recorded once more, by one who does not know that it is there, and would take this back.</summary>
    private const string Replay = $"""
        UPDATE postback p SET status = 1, fence = fence + 1, due_at = $1, error = '{DeliveryDecision.Replayed}', lease_owner = NULL, lease_until = 0, created_ms = $1, changed_ms = $1
        """;

    public Task<bool> ReplayAsync(PostbackId id, long nowMs, CancellationToken cancel) =>
        changes.RunAsync(async change =>
        {
            const string which = "lead_id = $2 AND event = $3 AND no = $4";
            return await RunAsync($"UPDATE postback SET fence = fence + 1, due_at = $1 WHERE {which} AND status = 1 AND attempts > 0 AND due_at > $1 AND lease_until <= $1").ConfigureAwait(false)
                || await RunAsync($"{Replay} WHERE {which} AND status = 4").ConfigureAwait(false);

            async Task<bool> RunAsync(string sql) => await change.Connection.RunAsync(sql, cancel, nowMs, id.Lead, (short)id.Event, id.No).ConfigureAwait(false) == 1;
        }, cancel);

    public Task<int> ReplayAsync(DeadPostbacks which, int limit, long nowMs, CancellationToken cancel) =>
        changes.RunAsync(change => change.Connection.RunAsync($"""
            {Replay} FROM (
                SELECT x.lead_id, x.event, x.no FROM postback x WHERE x.status = 4 AND x.changed_ms < $2 AND x.changed_ms >= $3 AND ($4::text IS NULL OR x.publisher = $4)
                  AND ($5::text IS NULL OR x.error = $5) ORDER BY x.lead_id, x.event, x.no LIMIT $6 FOR UPDATE) AS t
            WHERE p.lead_id = t.lead_id AND p.event = t.event AND p.no = t.no
            """, cancel, nowMs, Math.Min(nowMs, which.UntilMs ?? nowMs), which.FromMs ?? 0, which.Publisher, which.Error, limit), cancel);

    private static PostbackId Id(NpgsqlDataReader row) => new(row.Lead(0), (PostbackEvent)row.Int(1), row.Int(2));
}
