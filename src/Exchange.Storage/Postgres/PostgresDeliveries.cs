using System.Globalization;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Deliveries with their leases and fencing numbers, claimed by many processes at once, and a buyer's inbox.</summary>
internal sealed class PostgresDeliveries(PostgresChanges changes, NpgsqlDataSource reads, NpgsqlDataSource reports, PostgresSilo silo) : IDeliveryStore
{
    /// <summary>What another process has in hand at this moment is passed over.</summary>
    public Task<IReadOnlyList<LeasedDelivery>> ClaimDueAsync(long nowMs, long leaseUntilMs, int limit, Pace? pace, CancellationToken cancel)
    {
        List<LeasedDelivery> sent = [];
        return changes.RunAsync<IReadOnlyList<LeasedDelivery>>(async change =>
        {
            if (change.MayBeDone && await IsMineAsync(change.Connection, sent, leaseUntilMs, cancel).ConfigureAwait(false)) return sent;
            // The last result goes with the claim: if nothing is recorded under this lease either, the next one sees that.
            var due = await change.Connection.AllAsync($"""
                WITH due AS MATERIALIZED (
                    SELECT * FROM delivery WHERE status = 1 AND NOT pulled AND due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
                SELECT {ClaimColumns} FROM due d JOIN copy c ON c.lead_id = d.lead_id AND c.no = d.no ORDER BY d.due_at
                """, Claim,
                cancel, nowMs, pace is null ? Math.Clamp(limit, 1, Limits.PageRows) : IDeliveryStore.PacedRows).ConfigureAwait(false);
            var claimed = new List<LeasedDelivery>(Math.Min(due.Count, limit));
            var postponed = new List<(LeasedDelivery Delivery, long DueAtMs)>();
            foreach (var claim in due)
            {
                if (claimed.Count == limit) break;
                if (pace?.Invoke(claim.Buyer, claim.Endpoint) is { } later) postponed.Add((claim, later));
                else claimed.Add(claim);
            }
            await LeaseAsync(change.Connection, claimed, nowMs, leaseUntilMs, cancel).ConfigureAwait(false);
            if (postponed.Count > 0)
                await change.Connection.RunAsync("""
                    UPDATE delivery d SET due_at = t.due FROM unnest($1, $2, $3, $4) AS t (lead, no, endpoint, due) WHERE d.lead_id = t.lead AND d.no = t.no AND d.endpoint = t.endpoint
                    """, cancel, postponed.Select(each => each.Delivery.Copy.Lead).ToArray(), postponed.Select(each => each.Delivery.Copy.No).ToArray(),
                    postponed.Select(each => each.Delivery.Endpoint).ToArray(), postponed.Select(each => each.DueAtMs).ToArray()).ConfigureAwait(false);
            return sent = claimed;
        }, cancel);
    }

    public Task<IReadOnlyList<LeasedDelivery>> ClaimDueAtAsync(string buyer, string endpoint, long nowMs, long leaseUntilMs, int limit, CancellationToken cancel)
    {
        List<LeasedDelivery> sent = [];
        return changes.RunAsync<IReadOnlyList<LeasedDelivery>>(async change =>
        {
            if (change.MayBeDone && await IsMineAsync(change.Connection, sent, leaseUntilMs, cancel).ConfigureAwait(false)) return sent;
            var due = await change.Connection.AllAsync($"""
                SELECT {ClaimColumns} FROM delivery d JOIN copy c ON c.lead_id = d.lead_id AND c.no = d.no
                WHERE d.status = 1 AND NOT d.pulled AND d.due_at <= $1 AND d.endpoint = $2 AND d.wait = 0 AND c.buyer = $3 AND c.state = 3
                ORDER BY d.lead_id, d.no LIMIT $4 FOR UPDATE OF d SKIP LOCKED
                """, Claim, cancel, nowMs, endpoint, buyer, limit).ConfigureAwait(false);
            await LeaseAsync(change.Connection, due, nowMs, leaseUntilMs, cancel).ConfigureAwait(false);
            return sent = due;
        }, cancel);
    }

    /// <summary>
    /// Whether a claim whose commit's reply was lost is there: all of it or nothing. Left to run out it would come late, and as an attempt that may have arrived, though nobody
    /// was called.
    /// </summary>
    private async Task<bool> IsMineAsync(NpgsqlConnection database, List<LeasedDelivery> sent, long leaseUntilMs, CancellationToken cancel) => sent is [var first, ..]
        && await database.FirstAsync("SELECT EXISTS (SELECT 1 FROM delivery WHERE lead_id = $1 AND no = $2 AND endpoint = $3 AND fence = $4 AND lease_owner = $5 AND lease_until = $6)",
            static row => row.Bool(0), cancel, first.Copy.Lead, first.Copy.No, first.Endpoint, first.Fence, silo.Owner, leaseUntilMs).ConfigureAwait(false);

    private const string ClaimColumns =
        "d.lead_id, d.no, d.endpoint, d.fence + 1, d.attempts + CASE WHEN d.wait = 0 THEN 1 ELSE 0 END, d.created_ms, c.state, c.campaign, c.buyer, d.error, d.wait, d.wait_ms";

    private static LeasedDelivery Claim(NpgsqlDataReader row) => new(new CopyId(row.Lead(0), row.Int(1)), row.Text(2), row.Long(3), row.Int(4), row.Long(5), (CopyState)row.Int(6),
        row.Text(7), row.Text(8), row.TextOrNull(9)) { Wait = (DeliveryWait)row.Int(10), WaitUntilMs = row.Long(11) };

    private async Task LeaseAsync(NpgsqlConnection connection, List<LeasedDelivery> claimed, long nowMs, long leaseUntilMs, CancellationToken cancel)
    {
        if (claimed.Count == 0) return;
        await connection.RunAsync("""
            UPDATE delivery d SET fence = d.fence + 1, attempts = t.attempts, lease_owner = $6, lease_until = $7, due_at = $7, error = NULL, changed_ms = $5
            FROM unnest($1, $2, $3, $4) AS t (lead, no, endpoint, attempts) WHERE d.lead_id = t.lead AND d.no = t.no AND d.endpoint = t.endpoint
            """, cancel, claimed.Select(claim => claim.Copy.Lead).ToArray(), claimed.Select(claim => claim.Copy.No).ToArray(), claimed.Select(claim => claim.Endpoint).ToArray(),
            claimed.Select(claim => claim.Attempts).ToArray(), nowMs, silo.Owner, leaseUntilMs).ConfigureAwait(false);
    }

    /// <summary>A delivery that its copy's end has settled in the meantime stays as it is: the result is known already.</summary>
    public Task<bool> RecordAsync(CopyId copy, string endpoint, long fence, DeliveryResult result, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(result);
        return changes.RunAsync(change => RecordAsync(change.Connection, copy, endpoint, fence, result, nowMs, cancel), cancel);
    }

    /// <summary>None of them waits: what goes out together was sold, and is due.</summary>
    public async Task<IReadOnlySet<CopyId>> RecordAllAsync(IReadOnlyList<(LeasedDelivery Delivery, DeliveryResult Result)> results, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(results);
        T[] Of<T>(Func<LeasedDelivery, DeliveryResult, T> column) => [.. results.Select(each => column(each.Delivery, each.Result))];
        return await changes.RunAsync(async change => (await change.Connection.AllAsync($"""
            WITH told AS (SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7) AS t (lead, no, endpoint, fence, status, due, error)),
            mine AS MATERIALIZED (
                SELECT d.lead_id, d.no, d.endpoint FROM delivery d JOIN told t ON d.lead_id = t.lead AND d.no = t.no AND d.endpoint = t.endpoint AND d.fence = t.fence
                ORDER BY d.lead_id, d.no, d.endpoint FOR UPDATE OF d),
            recorded AS (
                UPDATE delivery d SET status = t.status, due_at = t.due, error = t.error, lease_owner = NULL, lease_until = 0, changed_ms = $8
                FROM told t JOIN mine m ON m.lead_id = t.lead AND m.no = t.no AND m.endpoint = t.endpoint
                WHERE d.lead_id = t.lead AND d.no = t.no AND d.endpoint = t.endpoint AND {MayBeRecorded("d", "t.status")})
            SELECT lead_id, no FROM mine
            """, static row => new CopyId(row.Lead(0), row.Int(1)), cancel, Of(static (delivery, _) => delivery.Copy.Lead), Of(static (delivery, _) => delivery.Copy.No),
            Of(static (delivery, _) => delivery.Endpoint), Of(static (delivery, _) => delivery.Fence), Of(static (_, result) => (short)result.Status),
            Of((_, result) => result.NextDueMs ?? nowMs), Of(static (_, result) => result.Error), nowMs).ConfigureAwait(false)).ToHashSet(), cancel).ConfigureAwait(false);
    }

    /// <summary>That it arrived is recorded also where its person was erased meanwhile: whoever has it is to be known.</summary>
    private static string MayBeRecorded(string row, string status) =>
        $"({row}.status = 1 OR {row}.status = 5 AND {status} = 2 AND {row}.lease_until > 0 AND (SELECT c.state FROM copy c WHERE c.lead_id = d.lead_id AND c.no = d.no) = 3)";

    private static async Task<bool> RecordAsync(NpgsqlConnection database, CopyId copy, string endpoint, long fence, DeliveryResult result, long nowMs, CancellationToken cancel)
    {
        if ((await PutAsync("AND wait = 0").ConfigureAwait(false)).IsMine) return true;
        // A newer fence, or one that waited, which is seldom: its copy's turns come one after the other, and the copy is locked before its deliveries.
        await LockAsync(database, copy, cancel).ConfigureAwait(false);
        var (isMine, waited) = await PutAsync("").ConfigureAwait(false);
        // Paid for, whatever became of its wait: the buyer may look at it.
        if (waited) await ListAsync(database, copy, [endpoint], cancel).ConfigureAwait(false);
        return isMine;

        Task<(bool IsMine, bool Waited)> PutAsync(string which) => database.FirstAsync($"""
            WITH mine AS MATERIALIZED (SELECT status, wait, lease_until FROM delivery WHERE lead_id = $1 AND no = $2 AND endpoint = $3 AND fence = $4 {which} FOR UPDATE),
            recorded AS (
                UPDATE delivery d SET status = $5, due_at = $6, error = $7::text, lease_owner = NULL, lease_until = 0, changed_ms = $8, wait = 0
                FROM mine WHERE d.lead_id = $1 AND d.no = $2 AND d.endpoint = $3 AND d.fence = $4
                  AND {MayBeRecorded("mine", "$5")})
            SELECT count(*) > 0, coalesce(bool_or(status = 1 AND wait > 0), false) FROM mine
            """, static row => (row.Bool(0), row.Bool(1)), cancel, copy.Lead, copy.No, endpoint, fence, (short)result.Status, result.NextDueMs ?? nowMs, result.Error, nowMs);
    }

    /// <summary>What is decided about the deliveries of one copy is decided one after the other.</summary>
    private static Task<CopyState> LockAsync(NpgsqlConnection database, CopyId copy, CancellationToken cancel) =>
        database.FirstAsync("SELECT state FROM copy WHERE lead_id = $1 AND no = $2 FOR NO KEY UPDATE", static row => (CopyState)row.Int(0), cancel, copy.Lead, copy.No);

    public Task<IReadOnlyList<string>?> TurnAsync(CopyId copy, string endpoint, long fence, IReadOnlyList<NewDelivery> become, long nowMs, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(become);
        return changes.RunAsync<IReadOnlyList<string>?>(async change =>
        {
            var database = change.Connection;
            // Fields that are being added come before it, and raise its fence, or after it, and find what it became.
            await database.RunAsync("SELECT 1 FROM lead WHERE lead_id = $1 FOR SHARE", cancel, copy.Lead).ConfigureAwait(false);
            var state = await LockAsync(database, copy, cancel).ConfigureAwait(false);
            var mine = await database.RunAsync("DELETE FROM delivery WHERE lead_id = $1 AND no = $2 AND endpoint = $3 AND fence = $4 AND status = 1 AND wait > 0", cancel,
                copy.Lead, copy.No, endpoint, fence).ConfigureAwait(false);
            // A commit whose reply was lost: its rows are there, leased to this process with this fence.
            if (mine == 0)
            {
                if (!change.MayBeDone) return null;
                var there = await database.AllAsync("SELECT endpoint FROM delivery WHERE lead_id = $1 AND no = $2 AND fence = $3 AND endpoint = ANY ($4) AND created_ms = $5",
                    static row => row.Text(0), cancel, copy.Lead, copy.No, fence, become.Select(delivery => delivery.Endpoint).ToArray(), nowMs).ConfigureAwait(false);
                return there.Count > 0 ? there : null;
            }
            var made = new List<NewDelivery>(become.Count);
            foreach (var delivery in become)
            {
                if (await database.RunAsync("""
                    INSERT INTO delivery (lead_id, no, endpoint, status, pulled, due_at, lease_owner, lease_until, fence, attempts, created_ms, changed_ms, wait, wait_ms)
                    VALUES ($1, $2, $3, 1, $4, $5, $6::text, $7, $8, $9, $10, $10, $11, $12) ON CONFLICT DO NOTHING
                    """, cancel, copy.Lead, copy.No, delivery.Endpoint, delivery is { DueAtMs: NewDelivery.NeverDue, IsLeased: false }, delivery.FirstDueMs(state == CopyState.Captured),
                    delivery.IsLeased ? silo.Owner : null, Math.Max(0, delivery.LeaseUntilMs), fence, delivery.IsLeased ? 1 : 0, nowMs,
                    (short)delivery.Wait, delivery.Wait == DeliveryWait.None ? 0 : delivery.DueAtMs).ConfigureAwait(false) == 1) made.Add(delivery);
            }
            string[] endpoints = [.. made.Select(static delivery => delivery.Endpoint)];
            if (made.Exists(static delivery => delivery.Wait == DeliveryWait.None)) await ListAsync(database, copy, endpoints, cancel).ConfigureAwait(false);
            return endpoints;
        }, cancel);
    }

    /// <summary>
    /// The buyer sees a copy at the end of what it has bought so far, so that whoever reads on from a cursor meets it: unless it does already, because another
    /// delivery of the copy waits no more. The copy is locked by whoever asks.
    /// </summary>
    private static Task<int> ListAsync(NpgsqlConnection database, CopyId copy, string[] beside, CancellationToken cancel) => database.RunAsync("""
        WITH shown AS (
            SELECT c.buyer FROM copy c WHERE c.lead_id = $1 AND c.no = $2 AND c.state = 3 AND NOT is_test(c.lead_id)
              AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.lead_id = $1 AND d.no = $2 AND d.wait = 0 AND d.endpoint <> ALL ($3))),
        counted AS (
            INSERT INTO buyer_sales AS b (buyer, last) SELECT s.buyer, 1 FROM shown s ON CONFLICT (buyer) DO UPDATE SET last = b.last + 1 RETURNING b.buyer, b.last)
        INSERT INTO sold (buyer, seq, lead_id, no) SELECT t.buyer, t.last, $1, $2 FROM counted t
        """, cancel, copy.Lead, copy.No, beside);

    public Task<bool> GiveUpAsync(CopyId copy, long nowMs, CancellationToken cancel) => changes.RunAsync(async change =>
    {
        const string asks = "lead_id = $1 AND no = $2 AND status = 1 AND NOT pulled AND wait = 0";
        // A claim that is on its way has the row: its lease is seen when it is committed.
        await change.Connection.RunAsync($"UPDATE delivery SET status = 4, error = 'resolved', lease_owner = NULL, lease_until = 0, changed_ms = $3 WHERE {asks} AND lease_until <= $3",
            cancel, copy.Lead, copy.No, nowMs).ConfigureAwait(false);
        return !await change.Connection.FirstAsync($"SELECT EXISTS (SELECT 1 FROM delivery WHERE {asks})", static row => row.Bool(0), cancel, copy.Lead, copy.No).ConfigureAwait(false);
    }, cancel);

    /// <summary>Of processes that were opened under this one's name before and are gone: see <see cref="PostgresSilo"/>. Others' leases run out.</summary>
    public Task<int> AdoptAsync(long nowMs, CancellationToken cancel) => !silo.IsAloneUnderItsName
        ? Task.FromResult(0)
        : changes.RunAsync(change => change.Connection.RunAsync("""
            UPDATE delivery SET due_at = $1, lease_owner = NULL, lease_until = 0, changed_ms = $1
            WHERE status = 1 AND NOT pulled AND lease_owner IN (SELECT s.number::text FROM silo s WHERE s.node = $2 AND s.number <> $3)
            """, cancel, nowMs, silo.Node, (int)silo.Number), cancel);

    public async Task<long?> NextDueAsync(CancellationToken cancel) =>
        await reads.FirstAsync("SELECT min(due_at) FROM delivery WHERE status = 1 AND NOT pulled", static row => row.LongOrNull(0), cancel).ConfigureAwait(false) is { } due
            && due != NewDelivery.NeverDue ? due : null;

    public async Task<Page<DeliveryRow>> ListAsync(DeliveryStatus? status, string? buyer, int limit, string? cursor, CancellationToken cancel)
    {
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        List<object?> values = [limit + 1];
        string Place(object value)
        {
            values.Add(value);
            return string.Create(CultureInfo.InvariantCulture, $"${values.Count}");
        }
        var sql = """
            SELECT d.lead_id, d.no, d.endpoint, c.campaign, c.buyer, d.status, d.attempts, d.due_at, d.error, d.changed_ms, d.wait
            FROM delivery d JOIN copy c ON c.lead_id = d.lead_id AND c.no = d.no WHERE true
            """;
        if (ReadCursor(cursor) is { } from) sql += $" AND (d.lead_id, d.no, d.endpoint) < ({Place(from.Copy.Lead)}, {Place(from.Copy.No)}, {Place(from.Endpoint)})";
        if (status is { } wanted) sql += $" AND d.status = {Place((short)wanted)}";
        // Repeated as constants, so that the small index of the badly ended may serve.
        if (status is DeliveryStatus.Failed or DeliveryStatus.Dead) sql += " AND d.status IN (3, 4)";
        if (buyer is not null) sql += $" AND c.buyer = {Place(buyer)}";
        var rows = await reports.ReportAsync(sql + " ORDER BY d.lead_id DESC, d.no DESC, d.endpoint DESC LIMIT $1", static row => new DeliveryRow(
            new CopyId(row.Lead(0), row.Int(1)), row.Text(2), row.Text(3), row.Text(4), (DeliveryStatus)row.Int(5), row.Int(6), row.Long(7), row.TextOrNull(8), row.Long(9)) { Wait = (DeliveryWait)row.Int(10) },
            cancel, [.. values]).ConfigureAwait(false);
        return Rows.Page(rows, limit, static row => string.Create(CultureInfo.InvariantCulture, $"{row.Copy}.{row.Endpoint}"));
    }

    /// <summary>With another fence: what came of an attempt before may be recorded once more, by one who does not know that it is there, and would take this back.</summary>
    private const string Replay = $"""
        UPDATE delivery d SET status = 1, fence = fence + 1, due_at = $1, error = '{DeliveryDecision.Replayed}', lease_owner = NULL, lease_until = 0, created_ms = $1, changed_ms = $1
        """;

    public Task<bool> ReplayAsync(CopyId copy, string endpoint, long nowMs, CancellationToken cancel) =>
        changes.RunAsync(async change =>
        {
            const string which = "lead_id = $2 AND no = $3 AND endpoint = $4 AND EXISTS (SELECT 1 FROM copy c WHERE c.lead_id = $2 AND c.no = $3 AND c.state IN (2, 3))";
            // What waits for its next attempt only comes sooner: what became of the last one, and how long it is tried, stay as they are.
            return await RunAsync($"UPDATE delivery SET fence = fence + 1, due_at = $1 WHERE {which} AND status = 1 AND NOT pulled AND wait = 0 AND attempts > 0 AND due_at > $1 AND lease_until <= $1").ConfigureAwait(false)
                || await RunAsync($"{Replay} WHERE {which} AND status IN (3, 4)").ConfigureAwait(false);

            async Task<bool> RunAsync(string sql) => await change.Connection.RunAsync(sql, cancel, nowMs, copy.Lead, copy.No, endpoint).ConfigureAwait(false) == 1;
        }, cancel);

    public Task<int> ReplayAsync(DeadLetters which, int limit, long nowMs, CancellationToken cancel) =>
        changes.RunAsync(change => change.Connection.RunAsync($"""
            {Replay} FROM (
                SELECT x.lead_id, x.no, x.endpoint FROM delivery x JOIN copy c ON c.lead_id = x.lead_id AND c.no = x.no
                WHERE x.status IN (3, 4) AND c.state IN (2, 3) AND x.changed_ms < $2 AND x.changed_ms >= $3 AND ($4::text IS NULL OR c.buyer = $4)
                  AND ($5::text IS NULL OR x.endpoint = $5) AND ($6::text IS NULL OR x.error = $6) ORDER BY x.lead_id, x.no LIMIT $7 FOR UPDATE OF x) AS t
            WHERE d.lead_id = t.lead_id AND d.no = t.no AND d.endpoint = t.endpoint
            """, cancel, nowMs, Math.Min(nowMs, which.UntilMs ?? nowMs), which.FromMs ?? 0, which.Buyer, which.Endpoint, which.Error, limit), cancel);

    public Task<bool> RedeliverAsync(CopyId copy, string endpoint, long nowMs, CancellationToken cancel) =>
        changes.RunAsync(async change =>
        {
            var database = change.Connection;
            var isSold = await database.FirstAsync("SELECT true FROM copy WHERE lead_id = $1 AND no = $2 AND state = 3 AND NOT is_test(lead_id) FOR NO KEY UPDATE",
                static row => row.Bool(0), cancel, copy.Lead, copy.No).ConfigureAwait(false);
            if (!isSold) return false;
            if (await database.RunAsync($"{Replay}, wait = 0 WHERE lead_id = $2 AND no = $3 AND endpoint = $4 AND status <> 1 AND NOT pulled", cancel, nowMs, copy.Lead, copy.No, endpoint)
                .ConfigureAwait(false) == 1) return true;
            if (await database.RunAsync("""
                INSERT INTO delivery (lead_id, no, endpoint, status, pulled, due_at, lease_until, fence, attempts, created_ms, changed_ms)
                VALUES ($1, $2, $3, 1, false, $4, 0, 0, 0, $4, $4) ON CONFLICT DO NOTHING
                """, cancel, copy.Lead, copy.No, endpoint, nowMs).ConfigureAwait(false) == 1)
            {
                await ListAsync(database, copy, [endpoint], cancel).ConfigureAwait(false);
                return true;
            }
            // On its way; after a commit whose reply was lost by this very call.
            return change.MayBeDone && await database.FirstAsync("SELECT created_ms FROM delivery WHERE lead_id = $1 AND no = $2 AND endpoint = $3 AND status = 1",
                static row => row.Long(0), cancel, copy.Lead, copy.No, endpoint).ConfigureAwait(false) == nowMs;
        }, cancel);

    public async Task<Page<BuyerCopy>> CopiesOfBuyerAsync(string buyer, DeliveryStatus? status, int limit, string? cursor, CancellationToken cancel)
    {
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        const string inbox = "(SELECT min(d.status) FROM delivery d WHERE d.lead_id = c.lead_id AND d.no = c.no AND d.pulled)";
        var sql = $"SELECT {Rows.CopyColumns}, {Rows.LeadColumns}, {inbox}, s.seq FROM sold s JOIN copy c ON c.lead_id = s.lead_id AND c.no = s.no"
            + " JOIN lead l ON l.lead_id = s.lead_id WHERE s.buyer = $1 AND s.seq > $2";
        List<object?> values = [buyer, Rows.Number(cursor, 0), limit + 1];
        if (status is { } wanted)
        {
            sql += $" AND {inbox} = $4";
            values.Add((short)wanted);
        }
        sql += " ORDER BY s.seq LIMIT $3";
        // Without a status these are the next rows of its list; with one it may pass over all that it ever bought.
        var rows = await (status is null ? reads.AllAsync(sql, ReadListed, cancel, [.. values]) : reports.ReportAsync(sql, ReadListed, cancel, [.. values]))
            .ConfigureAwait(false);
        var page = Rows.Page(rows, limit, static row => Rows.Cursor(row.Seq));
        return new Page<BuyerCopy>([.. page.Rows.Select(row => row.Copy)], page.Next);

        static (BuyerCopy Copy, long Seq) ReadListed(NpgsqlDataReader row)
        {
            var copy = Rows.Copy(row, 0);
            var delivery = row.IsDBNull(Rows.CopyCount + Rows.LeadCount) ? (DeliveryStatus?)null : (DeliveryStatus)row.Int(Rows.CopyCount + Rows.LeadCount);
            return (new BuyerCopy(copy, Rows.Lead(row, Rows.CopyCount, [copy]), delivery), row.Long(Rows.CopyCount + Rows.LeadCount + 1));
        }
    }

    public Task<bool> AcknowledgeAsync(string buyer, CopyId copy, long nowMs, CancellationToken cancel) =>
        changes.RunAsync(change => change.Connection.FirstAsync("""
            WITH his AS (SELECT 1 FROM copy WHERE lead_id = $1 AND no = $2 AND buyer = $3 AND state IN (3, 6) AND NOT is_test(lead_id)),
            fetched AS (UPDATE delivery SET status = 2, changed_ms = $4 WHERE lead_id = $1 AND no = $2 AND pulled AND status = 1 AND EXISTS (SELECT 1 FROM his))
            SELECT count(*) > 0 FROM his
            """, static row => row.Bool(0), cancel, copy.Lead, copy.No, buyer, nowMs), cancel);

    private static (CopyId Copy, string Endpoint)? ReadCursor(string? cursor)
    {
        var dot = cursor?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        return dot > 0 && CopyId.TryParse(cursor.AsSpan(0, dot), out var copy) ? (copy, cursor![(dot + 1)..]) : null;
    }
}
