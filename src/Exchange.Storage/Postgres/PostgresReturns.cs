using System.Globalization;
using Exchange.Engine;
using Exchange.Engine.Values;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Returns and dispositions.</summary>
internal sealed class PostgresReturns(PostgresChanges changes, NpgsqlDataSource reads, NpgsqlDataSource reports) : IReturnStore
{
    private const string Columns =
        "r.lead_id, r.no, r.buyer, r.campaign, c.publisher, l.vertical, c.price, c.payout, r.status, r.reason, r.sealed, r.sold_ms, r.at_ms, r.decided_ms, r.booked";

    private const string From = "FROM copy_return r JOIN copy c ON c.lead_id = r.lead_id AND c.no = r.no JOIN lead l ON l.lead_id = r.lead_id";

    public async Task<ReturnRow?> FindAsync(CopyId copy, CancellationToken cancel) => (await FindAllAsync([copy], cancel).ConfigureAwait(false)) is [var row] ? row : null;

    public async Task<IReadOnlyList<ReturnRow>> FindAllAsync(IReadOnlyCollection<CopyId> copies, CancellationToken cancel) => await reads.AllAsync(
        $"SELECT {Columns} {From} JOIN unnest($1, $2) AS t (lead_id, no) ON t.lead_id = r.lead_id AND t.no = r.no", Read, cancel, Leads(copies), Numbers(copies)).ConfigureAwait(false);

    /// <summary>Of one buyer one after the other: two that ask at once cannot both be the last that the quota allows.</summary>
    public Task<ReturnVerdict> AskAsync(ReturnAsk ask, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(ask);
        return changes.RunAsync(async change =>
        {
            var database = change.Connection;
            await database.RunAsync("SELECT pg_advisory_xact_lock(7302, hashtext($1))", cancel, ask.Buyer).ConfigureAwait(false);
            var (campaign, sold) = await database.FirstAsync("SELECT campaign, at_ms FROM copy WHERE lead_id = $1 AND no = $2 AND buyer = $3 AND state IN (3, 6) AND NOT is_test(lead_id)",
                static row => (row.Text(0), row.Long(1)), cancel, ask.Copy.Lead, ask.Copy.No, ask.Buyer).ConfigureAwait(false);
            if (campaign is null) return ReturnVerdict.NotSold;
            var asked = await database.AllAsync("SELECT reason, sealed, at_ms FROM copy_return WHERE lead_id = $1 AND no = $2",
                static row => (Reason: row.Text(0), Sealed: row.Blob(1), AtMs: row.Long(2)), cancel, ask.Copy.Lead, ask.Copy.No).ConfigureAwait(false);
            var text = await IsErasedAsync(database, ask.Copy.Lead, cancel).ConfigureAwait(false) ? [] : ask.Sealed;
            // After a commit whose reply was lost the row may be this one's own.
            if (asked is [var before])
                return change.MayBeDone && before.AtMs == ask.AtMs && before.Sealed.AsSpan().SequenceEqual(text) ? ReturnVerdict.Noted : ReturnVerdict.AlreadyAsked;
            if (ask.Quota is { } quota && await CountAsync(database, ask.Buyer, quota.OfCampaign ? campaign : null, quota, cancel).ConfigureAwait(false) >= quota.AtMost)
                return ReturnVerdict.QuotaReached;
            await database.RunAsync("INSERT INTO copy_return (lead_id, no, buyer, campaign, status, reason, sealed, sold_ms, at_ms, decided_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                cancel, ask.Copy.Lead, ask.Copy.No, ask.Buyer, campaign, (short)(ask.Accepted ? ReturnStatus.Accepted : ReturnStatus.Requested), ask.Reason, text, sold, ask.AtMs,
                ask.Accepted ? ask.AtMs : null).ConfigureAwait(false);
            return ReturnVerdict.Noted;
        }, cancel);
    }

    /// <summary>Those that were refused leave their place to others.</summary>
    private static Task<long> CountAsync(NpgsqlConnection database, string buyer, string? campaign, ReturnQuota quota, CancellationToken cancel) => database.FirstAsync(
        "SELECT count(*) FROM copy_return WHERE buyer = $1 AND sold_ms >= $2 AND sold_ms < $3 AND status IN (1, 2) AND ($4::text IS NULL OR campaign = $4)",
        static row => row.Long(0), cancel, buyer, quota.FromMs, quota.UntilMs, campaign);

    public Task<bool> DecideAsync(CopyId copy, bool accept, ChangeNote note, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(note);
        var status = (short)(accept ? ReturnStatus.Accepted : ReturnStatus.Refused);
        return changes.RunAsync(async change =>
        {
            var database = change.Connection;
            if (await database.RunAsync("UPDATE copy_return SET status = $1, decided_ms = $2 WHERE lead_id = $3 AND no = $4 AND status = 1", cancel, status, note.AtMs, copy.Lead, copy.No).ConfigureAwait(false) == 1)
                return await PostgresAccess.NoteAsync(database, note, cancel).ConfigureAwait(false) == 1;
            // After a commit whose reply was lost the word may be this one's own, and its note is there with it.
            return change.MayBeDone && await database.FirstAsync("SELECT true FROM copy_return WHERE lead_id = $1 AND no = $2 AND status = $3 AND decided_ms = $4", static row => row.Bool(0), cancel,
                copy.Lead, copy.No, status, note.AtMs).ConfigureAwait(false);
        }, cancel);
    }

    public Task BookedAsync(CopyId copy, CancellationToken cancel) => changes.RunAsync(change =>
        change.Connection.RunAsync("UPDATE copy_return SET booked = true WHERE lead_id = $1 AND no = $2 AND status = 2", cancel, copy.Lead, copy.No), cancel);

    public async Task<IReadOnlyList<ReturnRow>> UnbookedAsync(long acceptedBeforeMs, int limit, CancellationToken cancel) => await reads.AllAsync(
        $"SELECT {Columns} {From} WHERE r.status = 2 AND NOT r.booked AND r.decided_ms < $1 ORDER BY r.decided_ms LIMIT $2", Read, cancel, acceptedBeforeMs, limit).ConfigureAwait(false);

    public async Task<Page<ReturnRow>> ListAsync(ReturnStatus? status, string? buyer, int limit, string? cursor, CancellationToken cancel)
    {
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        var sql = $"SELECT {Columns} {From} WHERE true";
        var values = new List<object?>();
        string Value(object value)
        {
            values.Add(value);
            return string.Create(CultureInfo.InvariantCulture, $"${values.Count}");
        }
        if (ReadCursor(cursor) is { } after) sql += $" AND (r.at_ms, r.lead_id, r.no) < ({Value(after.AtMs)}, {Value(after.Copy.Lead)}, {Value(after.Copy.No)})";
        if (status == ReturnStatus.Requested) sql += " AND r.status = 1";
        else if (status is { } wanted) sql += $" AND r.status = {Value((short)wanted)}";
        if (buyer is not null) sql += $" AND r.buyer = {Value(buyer)}";
        sql += $" ORDER BY r.at_ms DESC, r.lead_id DESC, r.no DESC LIMIT {Value(limit + 1)}";
        var rows = await reports.ReportAsync(sql, Read, cancel, [.. values]).ConfigureAwait(false);
        return Rows.Page(rows, limit, static row => string.Create(CultureInfo.InvariantCulture, $"{row.AtMs}.{row.Copy}"));
    }

    /// <summary>
    /// Among the reports, though a return waits for it: a buyer that gives back hundreds at once counts its month each time. Nothing of the return is noted by then, so
    /// it may come again.
    /// </summary>
    public async Task<long> SoldAsync(string buyer, string? campaign, long fromMs, long untilMs, CancellationToken cancel) => (await reports.ReportAsync(
        $"SELECT count(*) FROM copy WHERE at_ms >= $1 AND at_ms < $2 AND state IN (3, 6) AND NOT is_test(lead_id) AND buyer = $3{(campaign is null ? "" : " AND campaign = $4")}",
        static row => row.Long(0), cancel, campaign is null ? [fromMs, untilMs, buyer] : [fromMs, untilMs, buyer, campaign]).ConfigureAwait(false))[0];

    public Task<bool> SayAsync(string buyer, DispositionRow disposition, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(disposition);
        return changes.RunAsync(async change =>
        {
            var text = await IsErasedAsync(change.Connection, disposition.Copy.Lead, cancel).ConfigureAwait(false) ? null : disposition.Sealed;
            return await change.Connection.RunAsync("""
                INSERT INTO copy_disposition (lead_id, no, word, value, sealed, at_ms)
                SELECT c.lead_id, c.no, $4, $5::bigint, $6::bytea, $7 FROM copy c WHERE c.lead_id = $1 AND c.no = $2 AND c.buyer = $3 AND c.state IN (3, 6) AND NOT is_test(c.lead_id)
                ON CONFLICT (lead_id, no, word) DO UPDATE SET value = excluded.value, sealed = excluded.sealed, at_ms = excluded.at_ms
                """, cancel, disposition.Copy.Lead, disposition.Copy.No, buyer, disposition.Word, disposition.Value?.Micros, text, disposition.AtMs).ConfigureAwait(false) == 1;
        }, cancel);
    }

    /// <summary>No text about its person is kept any more. An erasure that comes at the same time is waited for, or finds what is written.</summary>
    private static Task<bool> IsErasedAsync(NpgsqlConnection database, LeadId lead, CancellationToken cancel) =>
        database.FirstAsync("SELECT octet_length(sealed) = 0 FROM lead WHERE lead_id = $1 FOR SHARE", static row => row.Bool(0), cancel, lead);

    public async Task<IReadOnlyList<DispositionRow>> SaidAsync(IReadOnlyCollection<CopyId> copies, CancellationToken cancel) => await reads.AllAsync("""
        SELECT d.lead_id, d.no, d.word, d.value, d.sealed, d.at_ms FROM copy_disposition d JOIN unnest($1, $2) AS t (lead_id, no) ON t.lead_id = d.lead_id AND t.no = d.no
        ORDER BY d.at_ms, d.word
        """, static row => new DispositionRow(new(row.Lead(0), row.Int(1)), row.Text(2), row.LongOrNull(3) is { } value ? new Money(value) : null, row.BlobOrNull(4), row.Long(5)),
        cancel, Leads(copies), Numbers(copies)).ConfigureAwait(false);

    /// <summary>Campaign by campaign, each by its own index: a span is a small part of a large table.</summary>
    public async Task<IReadOnlyList<ReturnSum>> SumsAsync(long fromMs, long untilMs, CancellationToken cancel) => await reports.ReportAsync("""
        WITH RECURSIVE list (campaign) AS (
            (SELECT campaign FROM copy ORDER BY campaign LIMIT 1)
            UNION ALL SELECT (SELECT c.campaign FROM copy c WHERE c.campaign > list.campaign ORDER BY c.campaign LIMIT 1) FROM list WHERE list.campaign IS NOT NULL)
        SELECT c.buyer, c.campaign, c.publisher, count(*), count(*) FILTER (WHERE c.state = 6), count(*) FILTER (WHERE r.status = 1), sum(c.price)::bigint,
            coalesce(sum(c.price) FILTER (WHERE c.state = 6), 0)::bigint
        FROM list JOIN copy c ON c.campaign = list.campaign AND c.at_ms >= $1 AND c.at_ms < $2 AND c.state IN (3, 6) AND NOT is_test(c.lead_id)
        LEFT JOIN copy_return r ON r.lead_id = c.lead_id AND r.no = c.no
        GROUP BY c.buyer, c.campaign, c.publisher ORDER BY c.buyer, c.campaign, c.publisher
        """, static row => new ReturnSum(row.Text(0), row.Text(1), row.Text(2), row.Long(3), row.Long(4), row.Long(5), new(row.Long(6)), new(row.Long(7))),
        cancel, fromMs, untilMs).ConfigureAwait(false);

    private static LeadId[] Leads(IReadOnlyCollection<CopyId> copies) => [.. copies.Select(copy => copy.Lead)];

    private static int[] Numbers(IReadOnlyCollection<CopyId> copies) => [.. copies.Select(copy => copy.No)];

    private static ReturnRow Read(NpgsqlDataReader row) => new(
        new(row.Lead(0), row.Int(1)), row.Text(2), row.Text(3), row.Text(4), row.Text(5), new(row.Long(6)), new(row.Long(7)), (ReturnStatus)row.Int(8), row.Text(9), row.Blob(10),
        row.Long(11), row.Long(12), row.LongOrNull(13), row.Bool(14));

    private static (long AtMs, CopyId Copy)? ReadCursor(string? cursor)
    {
        var dot = cursor?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        return dot > 0 && long.TryParse(cursor.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && CopyId.TryParse(cursor.AsSpan(dot + 1), out var copy) ? (at, copy) : null;
    }
}
