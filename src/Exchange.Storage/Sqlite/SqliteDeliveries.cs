using System.Globalization;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>Deliveries with their leases and fencing numbers, and a buyer's inbox.</summary>
internal sealed class SqliteDeliveries(Writer writer, ReadPool reads, ReadPool reports) : IDeliveryStore
{
    public Task<IReadOnlyList<LeasedDelivery>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, Pace? pace, CancellationToken cancel) =>
        writer.RunAsync<IReadOnlyList<LeasedDelivery>>(session =>
        {
            var due = session.Database.Prepare($"""
                SELECT {ClaimColumns} FROM delivery d JOIN copy c ON c.lead_id = d.lead_id AND c.no = d.no
                WHERE d.status = 1 AND d.pulled = 0 AND d.due_at <= ? ORDER BY d.due_at LIMIT ?
                """).Bind(nowMs).Bind(pace is null ? Math.Clamp(limit, 1, Limits.PageRows) : IDeliveryStore.PacedRows)
                .All(Claim);
            var claimed = new List<LeasedDelivery>(Math.Min(due.Count, limit));
            foreach (var claim in due)
            {
                if (claimed.Count == limit) break;
                if (pace?.Invoke(claim.Buyer, claim.Endpoint) is { } later)
                {
                    session.Database.Prepare("UPDATE delivery SET due_at = ? WHERE lead_id = ? AND no = ? AND endpoint = ?")
                        .Bind(later).Bind(claim.Copy.Lead).Bind(claim.Copy.No).Bind(claim.Endpoint).Run();
                    continue;
                }
                Lease(session, claim, leaseUntilMs, nowMs);
                claimed.Add(claim);
            }
            return claimed;
        }, cancel);

    public Task<IReadOnlyList<LeasedDelivery>> ClaimDueAtAsync(string buyer, string endpoint, long nowMs, long leaseUntilMs, int limit, CancellationToken cancel) =>
        writer.RunAsync<IReadOnlyList<LeasedDelivery>>(session =>
        {
            var due = session.Database.Prepare($"""
                SELECT {ClaimColumns} FROM delivery d JOIN copy c ON c.lead_id = d.lead_id AND c.no = d.no
                WHERE d.status = 1 AND d.pulled = 0 AND d.due_at <= ? AND d.endpoint = ? AND d.wait = 0 AND c.buyer = ? AND c.state = 3 ORDER BY d.lead_id, d.no LIMIT ?
                """).Bind(nowMs).Bind(endpoint).Bind(buyer).Bind(limit).All(Claim);
            foreach (var claim in due) Lease(session, claim, leaseUntilMs, nowMs);
            return due;
        }, cancel);

    private const string ClaimColumns = "d.lead_id, d.no, d.endpoint, d.fence + 1, d.attempts + (d.wait = 0), d.created_ms, c.state, c.campaign, c.buyer, d.error, d.wait, d.wait_ms";

    private static LeasedDelivery Claim(Statement row) => new(new CopyId(row.Lead(0), row.Int(1)), row.Text(2), row.Long(3), row.Int(4), row.Long(5), (CopyState)row.Int(6),
        row.Text(7), row.Text(8), row.TextOrNull(9)) { Wait = (DeliveryWait)row.Int(10), WaitUntilMs = row.Long(11) };

    /// <summary>The last result goes with the claim: if nothing is recorded under this lease either, the next one sees that.</summary>
    private static void Lease(WriteSession session, LeasedDelivery claim, long leaseUntilMs, long nowMs) => session.Database.Prepare("""
        UPDATE delivery SET fence = ?, attempts = ?, lease_owner = ?, lease_until = ?, due_at = ?, error = NULL, changed_ms = ?
        WHERE lead_id = ? AND no = ? AND endpoint = ?
        """)
        .Bind(claim.Fence).Bind(claim.Attempts).Bind(session.Owner).Bind(leaseUntilMs).Bind(leaseUntilMs).Bind(nowMs)
        .Bind(claim.Copy.Lead).Bind(claim.Copy.No).Bind(claim.Endpoint).Run();

    /// <summary>A delivery that its copy's end has settled in the meantime stays as it is: the result is known already.</summary>
    public Task<bool> RecordAsync(CopyId copy, string endpoint, long fence, DeliveryResult result, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(result);
        return writer.RunAsync(session => Record(session, copy, endpoint, fence, result, nowMs), cancel);
    }

    public Task<IReadOnlySet<CopyId>> RecordAllAsync(IReadOnlyList<(LeasedDelivery Delivery, DeliveryResult Result)> results, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(results);
        return writer.RunAsync<IReadOnlySet<CopyId>>(session => results.Where(each => Record(session, each.Delivery.Copy, each.Delivery.Endpoint, each.Delivery.Fence, each.Result, nowMs))
            .Select(static each => each.Delivery.Copy).ToHashSet(), cancel);
    }

    private static bool Record(WriteSession session, CopyId copy, string endpoint, long fence, DeliveryResult result, long nowMs)
    {
        var database = session.Database;
        var mine = database.Prepare("SELECT 1 FROM delivery WHERE lead_id = ? AND no = ? AND endpoint = ? AND fence = ?")
            .Bind(copy.Lead).Bind(copy.No).Bind(endpoint).Bind(fence).Scalar() is not null;
        if (!mine) return false;
        // That it arrived is recorded also where its person was erased meanwhile: whoever has it is to be known.
        var recorded = database.Prepare("""
            UPDATE delivery SET status = ?1, due_at = ?2, error = ?3, lease_owner = NULL, lease_until = 0, changed_ms = ?4, wait = 0
            WHERE lead_id = ?5 AND no = ?6 AND endpoint = ?7 AND fence = ?8
              AND (status = 1 OR status = 5 AND ?1 = 2 AND lease_until > 0 AND (SELECT c.state FROM copy c WHERE c.lead_id = ?5 AND c.no = ?6) = 3)
            """)
            .Bind((long)result.Status).Bind(result.NextDueMs ?? nowMs).Bind(result.Error).Bind(nowMs)
            .Bind(copy.Lead).Bind(copy.No).Bind(endpoint).Bind(fence).Run();
        // Paid for, whatever became of its wait: the buyer may look at it.
        if (recorded > 0) List(session, copy);
        return true;
    }

    public Task<IReadOnlyList<string>?> TurnAsync(CopyId copy, string endpoint, long fence, IReadOnlyList<NewDelivery> become, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(become);
        return writer.RunAsync<IReadOnlyList<string>?>(session =>
        {
            var database = session.Database;
            var state = database.Prepare("SELECT state FROM copy WHERE lead_id = ? AND no = ?").Bind(copy.Lead).Bind(copy.No).Scalar();
            if (database.Prepare("DELETE FROM delivery WHERE lead_id = ? AND no = ? AND endpoint = ? AND fence = ? AND status = 1 AND wait > 0")
                .Bind(copy.Lead).Bind(copy.No).Bind(endpoint).Bind(fence).Run() == 0) return null;
            NewDelivery[] made = [.. become.Where(delivery => DeliveryInsert.Run(database, copy, delivery, state == (long)CopyState.Captured, session.Owner, fence, nowMs))];
            if (NewDelivery.AreListed(made)) List(session, copy);
            return [.. made.Select(static delivery => delivery.Endpoint)];
        }, cancel);
    }

    /// <summary>The buyer sees a copy that waited at the end of what it has bought so far, so that whoever reads on from a cursor meets it.</summary>
    private static void List(WriteSession session, CopyId copy)
    {
        if (session.Database.Prepare("SELECT 1 FROM copy WHERE lead_id = ? AND no = ? AND sold_seq < 0").Bind(copy.Lead).Bind(copy.No).Scalar() is null) return;
        session.Database.Prepare("UPDATE copy SET sold_seq = ? WHERE lead_id = ? AND no = ?").Bind(session.Sold.Next()).Bind(copy.Lead).Bind(copy.No).Run();
    }

    public Task<bool> GiveUpAsync(CopyId copy, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session =>
        {
            const string asks = "lead_id = ? AND no = ? AND status = 1 AND pulled = 0 AND wait = 0";
            if (session.Database.Prepare($"SELECT 1 FROM delivery WHERE {asks} AND lease_until > ?").Bind(copy.Lead).Bind(copy.No).Bind(nowMs).Scalar() is not null) return false;
            session.Database.Prepare($"UPDATE delivery SET status = 4, error = 'resolved', lease_owner = NULL, lease_until = 0, changed_ms = ? WHERE {asks}").Bind(nowMs).Bind(copy.Lead).Bind(copy.No).Run();
            return true;
        }, cancel);

    public Task<int> AdoptAsync(long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session => session.Database.Prepare("""
            UPDATE delivery SET due_at = ?, lease_owner = NULL, lease_until = 0, changed_ms = ?
            WHERE status = 1 AND pulled = 0 AND lease_owner IS NOT NULL AND lease_owner <> ?
            """).Bind(nowMs).Bind(nowMs).Bind(session.Owner).Run(), cancel);

    public Task<long?> NextDueAsync(CancellationToken cancel) =>
        reads.ReadAsync(database => database.Prepare("SELECT min(due_at) FROM delivery WHERE status = 1 AND pulled = 0").Scalar() is { } due
            && due != NewDelivery.NeverDue ? due : (long?)null, cancel);

    public Task<Page<DeliveryRow>> ListAsync(DeliveryStatus? status, string? buyer, int limit, string? cursor, CancellationToken cancel)
    {
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        var after = ReadCursor(cursor);
        return reports.ReadAsync(database =>
        {
            var sql = """
                SELECT d.lead_id, d.no, d.endpoint, c.campaign, c.buyer, d.status, d.attempts, d.due_at, d.error, d.changed_ms, d.wait
                FROM delivery d JOIN copy c ON c.lead_id = d.lead_id AND c.no = d.no WHERE 1
                """;
            if (after is not null) sql += " AND (d.lead_id, d.no, d.endpoint) < (?, ?, ?)";
            if (status is not null) sql += " AND d.status = ?";
            // Repeated as constants, so that the small index of the badly ended may serve.
            if (status is DeliveryStatus.Failed or DeliveryStatus.Dead) sql += " AND d.status IN (3, 4)";
            if (buyer is not null) sql += " AND c.buyer = ?";
            var statement = database.Prepare(sql + " ORDER BY d.lead_id DESC, d.no DESC, d.endpoint DESC LIMIT ?");
            if (after is { } from) statement.Bind(from.Copy.Lead).Bind(from.Copy.No).Bind(from.Endpoint);
            if (status is { } wanted) statement.Bind((long)wanted);
            if (buyer is not null) statement.Bind(buyer);
            var rows = statement.Bind(limit + 1).All(static row => new DeliveryRow(new CopyId(row.Lead(0), row.Int(1)), row.Text(2), row.Text(3), row.Text(4),
                (DeliveryStatus)row.Int(5), row.Int(6), row.Long(7), row.TextOrNull(8), row.Long(9)) { Wait = (DeliveryWait)row.Int(10) });
            return Rows.Page(rows, limit, static row => string.Create(CultureInfo.InvariantCulture, $"{row.Copy}.{row.Endpoint}"));
        }, cancel);
    }

    /// <summary>With another fence: what came of an attempt before may be recorded once more, by one who does not know that it is there, and would take this back.</summary>
    private const string Replay = $"""
        UPDATE delivery SET status = 1, fence = fence + 1, due_at = ?1, error = '{DeliveryDecision.Replayed}', lease_owner = NULL, lease_until = 0, created_ms = ?1, changed_ms = ?1
        """;

    private const string HasItsCopy = "(SELECT c.state FROM copy c WHERE c.lead_id = delivery.lead_id AND c.no = delivery.no) IN (2, 3)";

    public Task<bool> ReplayAsync(CopyId copy, string endpoint, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session =>
        {
            const string which = $"lead_id = ?2 AND no = ?3 AND endpoint = ?4 AND {HasItsCopy}";
            // What waits for its next attempt only comes sooner: what became of the last one, and how long it is tried, stay as they are.
            return Run($"UPDATE delivery SET fence = fence + 1, due_at = ?1 WHERE {which} AND status = 1 AND pulled = 0 AND wait = 0 AND attempts > 0 AND due_at > ?1 AND lease_until <= ?1")
                || Run($"{Replay} WHERE {which} AND status IN (3, 4)");

            bool Run(string sql) => session.Database.Prepare(sql).Bind(nowMs).Bind(copy.Lead).Bind(copy.No).Bind(endpoint).Run() == 1;
        }, cancel);

    public Task<int> ReplayAsync(DeadLetters which, int limit, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session => session.Database.Prepare($"""
            {Replay} WHERE (lead_id, no, endpoint) IN (
                SELECT d.lead_id, d.no, d.endpoint FROM delivery d JOIN copy c ON c.lead_id = d.lead_id AND c.no = d.no
                WHERE d.status IN (3, 4) AND c.state IN (2, 3) AND d.changed_ms < ?2 AND d.changed_ms >= ?3 AND (?4 IS NULL OR c.buyer = ?4)
                  AND (?5 IS NULL OR d.endpoint = ?5) AND (?6 IS NULL OR d.error = ?6) ORDER BY d.lead_id, d.no LIMIT ?7)
            """).Bind(nowMs).Bind(Math.Min(nowMs, which.UntilMs ?? nowMs)).Bind(which.FromMs ?? 0).Bind(which.Buyer).Bind(which.Endpoint).Bind(which.Error).Bind(limit).Run(), cancel);

    public Task<bool> RedeliverAsync(CopyId copy, string endpoint, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session =>
        {
            var database = session.Database;
            if (database.Prepare("SELECT 1 FROM copy WHERE lead_id = ? AND no = ? AND state = 3 AND sold_seq IS NOT NULL").Bind(copy.Lead).Bind(copy.No).Scalar() is null) return false;
            if (database.Prepare($"{Replay}, wait = 0 WHERE lead_id = ?2 AND no = ?3 AND endpoint = ?4 AND status <> 1 AND pulled = 0")
                .Bind(nowMs).Bind(copy.Lead).Bind(copy.No).Bind(endpoint).Run() == 1) return true;
            if (database.Prepare("SELECT 1 FROM delivery WHERE lead_id = ? AND no = ? AND endpoint = ?").Bind(copy.Lead).Bind(copy.No).Bind(endpoint).Scalar() is not null) return false;
            DeliveryInsert.Run(database, copy, new(endpoint, nowMs, 0), isSold: true, session.Owner, 0, nowMs);
            List(session, copy);
            return true;
        }, cancel);

    public Task<Page<BuyerCopy>> CopiesOfBuyerAsync(string buyer, DeliveryStatus? status, int limit, string? cursor, CancellationToken cancel)
    {
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        var after = Rows.Number(cursor, 0);
        // Without a status these are the next rows of its list; with one it may pass over all that it ever bought.
        return (status is null ? reads : reports).ReadAsync(database =>
        {
            const string inbox = "(SELECT min(d.status) FROM delivery d WHERE d.lead_id = c.lead_id AND d.no = c.no AND d.pulled = 1)";
            var sql = $"SELECT {Rows.CopyColumns}, {Rows.LeadColumns}, {inbox}, c.sold_seq FROM copy c JOIN lead l ON l.lead_id = c.lead_id"
                + " WHERE c.buyer = ? AND c.sold_seq > ?";
            if (status is not null) sql += $" AND {inbox} = ?";
            var statement = database.Prepare(sql + " ORDER BY c.sold_seq LIMIT ?").Bind(buyer).Bind(after);
            if (status is { } wanted) statement.Bind((long)wanted);
            var rows = statement.Bind(limit + 1).All(static row =>
            {
                var copy = Rows.Copy(row);
                var delivery = row.LongOrNull(Rows.CopyCount + Rows.LeadCount);
                return (Copy: new BuyerCopy(copy, Rows.Lead(row, Rows.CopyCount, [copy]), (DeliveryStatus?)delivery), Seq: row.Long(Rows.CopyCount + Rows.LeadCount + 1));
            });
            var page = Rows.Page(rows, limit, static row => Rows.Cursor(row.Seq));
            return new Page<BuyerCopy>([.. page.Rows.Select(row => row.Copy)], page.Next);
        }, cancel);
    }

    public Task<bool> AcknowledgeAsync(string buyer, CopyId copy, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session =>
        {
            var database = session.Database;
            var his = database.Prepare("SELECT 1 FROM copy WHERE lead_id = ? AND no = ? AND buyer = ? AND sold_seq IS NOT NULL")
                .Bind(copy.Lead).Bind(copy.No).Bind(buyer).Scalar() is not null;
            if (!his) return false;
            database.Prepare("UPDATE delivery SET status = 2, changed_ms = ? WHERE lead_id = ? AND no = ? AND pulled = 1 AND status = 1")
                .Bind(nowMs).Bind(copy.Lead).Bind(copy.No).Run();
            return true;
        }, cancel);

    private static (CopyId Copy, string Endpoint)? ReadCursor(string? cursor)
    {
        var dot = cursor?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        return dot > 0 && CopyId.TryParse(cursor.AsSpan(0, dot), out var copy) ? (copy, cursor![(dot + 1)..]) : null;
    }
}
