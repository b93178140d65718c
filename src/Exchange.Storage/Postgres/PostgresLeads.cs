using System.Globalization;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Engine;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Leads and their copies, read.</summary>
internal sealed class PostgresLeads(PostgresChanges changes, NpgsqlDataSource reads, NpgsqlDataSource reports) : ILeadStore
{
    public async Task<LeadRow?> FindAsync(LeadId id, CancellationToken cancel) =>
        (await Rows.LeadsAsync(reads, [id], cancel).ConfigureAwait(false)).GetValueOrDefault(id);

    public Task<Page<LeadRow>> ListAsync(LeadQuery query, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(query);
        var limit = Math.Clamp(query.Limit, 1, Limits.PageRows);
        return query.Campaign is null && query.Buyer is null ? ByLeadAsync(query, limit, cancel) : ByCopyAsync(query, limit, cancel);
    }

    public Task<bool> AddFieldsAsync(LeadId id, byte[] readSealed, byte[] newSealed, long nowMs, CancellationToken cancel) =>
        changes.RunAsync(async change =>
        {
            if (await change.Connection.RunAsync("UPDATE lead SET sealed = $1 WHERE lead_id = $2 AND sealed = $3", cancel, newSealed, id, readSealed).ConfigureAwait(false) == 0)
                return change.MayBeDone && await change.Connection.FirstAsync("SELECT sealed = $1 FROM lead WHERE lead_id = $2", static row => row.Bool(0), cancel, newSealed, id).ConfigureAwait(false);
            // A statement of its own, which sees what a turn that held the lead has made. Also what somebody is asking just now by what was there before, his
            // claim committed or not: the fence makes his answer void.
            await change.Connection.RunAsync("""
                WITH woken AS (
                    UPDATE delivery SET due_at = $2, fence = fence + 1 WHERE lead_id = $1 AND status = 1 AND (wait = 2 OR wait IN (1, 3) AND (lease_until > $2 OR due_at <= $2)))
                UPDATE lead_wait SET due_at = $2, fence = fence + 1 WHERE lead_id = $1 AND due_at IS NOT NULL
                """, cancel, id, nowMs).ConfigureAwait(false);
            return true;
        }, cancel);

    public Task<(LeadId Lead, byte[] BodyHash)?> FindRequestAsync(string publisher, string key, CancellationToken cancel) =>
        reads.FirstAsync("SELECT lead_id, hash FROM request WHERE publisher = $1 AND key = $2", static row => ((LeadId, byte[])?)(row.Lead(0), row.Blob(1)), cancel, publisher, key);

    public async Task<IReadOnlyList<PassedOverRow>> PassedOverAsync(LeadId id, CancellationToken cancel) =>
        await reads.AllAsync("SELECT campaign, buyer, price, reason, at_ms FROM passed_over WHERE lead_id = $1 ORDER BY at_ms, place, reason",
            static row => new PassedOverRow(row.Text(0), row.Text(1), new(row.Long(2)), (Reason)row.Int(3), row.Long(4)), cancel, id).ConfigureAwait(false);

    public async Task<IReadOnlyList<ExpiredOffer>> ExpiredOffersAsync(long nowMs, int limit, CancellationToken cancel) =>
        await reads.AllAsync("""
            SELECT l.lead_id, ARRAY(SELECT c.no FROM copy c WHERE c.lead_id = l.lead_id AND c.state = 1 ORDER BY c.no)
            FROM lead l WHERE l.offer_ms > 0 AND l.offer_ms < $1 AND l.state = 1 ORDER BY l.offer_ms LIMIT $2
            """, static row => new ExpiredOffer(row.Lead(0), row.GetFieldValue<int[]>(1)), cancel, nowMs, Math.Clamp(limit, 1, Limits.PageRows)).ConfigureAwait(false);

    public async Task<IReadOnlyList<LeadId>> HeldTestsAsync(long beforeMs, int limit, CancellationToken cancel) =>
        await reads.AllAsync("SELECT lead_id FROM copy WHERE state = 1 AND is_test(lead_id) AND at_ms < $1 GROUP BY lead_id ORDER BY min(at_ms), lead_id LIMIT $2",
            static row => row.Lead(0), cancel, beforeMs, Math.Clamp(limit, 1, Limits.PageRows)).ConfigureAwait(false);

    public async Task<IReadOnlyList<PromiseRow>> PromisesAsync(long fromMs, long untilMs, CancellationToken cancel) =>
        await reports.ReportAsync("""
            SELECT l.publisher, l.vertical, count(*),
                count(*) FILTER (WHERE (SELECT sum(c.payout) FROM copy c WHERE c.lead_id = l.lead_id AND c.state IN (3, 6)) >= l.promised),
                count(*) FILTER (WHERE l.state IN (1, 3, 4))
            FROM lead l WHERE l.promised IS NOT NULL AND l.at_ms >= $1 AND l.at_ms < $2 GROUP BY l.publisher, l.vertical ORDER BY l.publisher, l.vertical
            """, static row => new PromiseRow(row.Text(0), row.Text(1), row.Long(2), row.Long(3), row.Long(4)), cancel, fromMs, untilMs).ConfigureAwait(false);

    private async Task<Page<LeadRow>> ByLeadAsync(LeadQuery query, int limit, CancellationToken cancel)
    {
        var values = new List<object?>();
        var sql = "SELECT l.lead_id FROM lead l WHERE l.offer_ms = 0";
        if (LeadId.TryParse(query.Cursor, out var before)) sql += $" AND l.lead_id < {Place(values, before)}";
        if (query.Publisher is { } publisher) sql += $" AND l.publisher = {Place(values, publisher)}";
        if (query.State is { } state) sql += $" AND l.state = {Place(values, (short)state)}";
        // Repeated as constants, so that the small index of unsettled leads may serve.
        if (query.State is LeadState.Open or LeadState.InDoubt or LeadState.Pending) sql += " AND l.state IN (1, 3, 4)";
        var ids = await reports.ReportAsync($"{sql} ORDER BY l.lead_id DESC LIMIT {Place(values, limit + 1)}", static row => row.Lead(0), cancel, [.. values]).ConfigureAwait(false);
        return await LoadAsync(Rows.Page(ids, limit, static id => id.ToString()), static id => id, cancel).ConfigureAwait(false);
    }

    /// <summary>By the newest copy that matches. The cursor is that copy's time and lead.</summary>
    private async Task<Page<LeadRow>> ByCopyAsync(LeadQuery query, int limit, CancellationToken cancel)
    {
        var values = new List<object?>();
        var (column, value) = query.Campaign is { } campaign ? ("campaign", campaign) : ("buyer", query.Buyer!);
        var sql = $"SELECT c.at_ms, c.lead_id FROM copy c WHERE c.{column} = {Place(values, value)}"
            + $" AND NOT EXISTS (SELECT 1 FROM copy d WHERE d.lead_id = c.lead_id AND d.{column} = c.{column} AND d.no > c.no)"
            + " AND EXISTS (SELECT 1 FROM lead l WHERE l.lead_id = c.lead_id AND l.offer_ms = 0)";
        if (ReadCursor(query.Cursor) is var (at, before)) sql += $" AND (c.at_ms, c.lead_id) < ({Place(values, at)}, {Place(values, before)})";
        if (query is { Campaign: not null, Buyer: { } buyer }) sql += $" AND c.buyer = {Place(values, buyer)}";
        if (query.Publisher is { } publisher) sql += $" AND c.publisher = {Place(values, publisher)}";
        if (query.State is { } state) sql += $" AND (SELECT l.state FROM lead l WHERE l.lead_id = c.lead_id) = {Place(values, (short)state)}";
        var found = await reports.ReportAsync($"{sql} ORDER BY c.at_ms DESC, c.lead_id DESC LIMIT {Place(values, limit + 1)}",
            static row => (At: row.Long(0), Lead: row.Lead(1)), cancel, [.. values]).ConfigureAwait(false);
        var page = Rows.Page(found, limit, static row => string.Create(CultureInfo.InvariantCulture, $"{row.At}.{row.Lead}"));
        return await LoadAsync(page, static row => row.Lead, cancel).ConfigureAwait(false);
    }

    private async Task<Page<LeadRow>> LoadAsync<T>(Page<T> page, Func<T, LeadId> lead, CancellationToken cancel)
    {
        LeadId[] ids = [.. page.Rows.Select(lead)];
        var leads = await Rows.LeadsAsync(reports, ids, cancel).ConfigureAwait(false);
        return new([.. ids.Where(leads.ContainsKey).Select(id => leads[id])], page.Next);
    }

    /// <summary>Adds the value and says where it stands.</summary>
    private static string Place(List<object?> values, object value)
    {
        values.Add(value);
        return string.Create(CultureInfo.InvariantCulture, $"${values.Count}");
    }

    private static (long At, LeadId Before)? ReadCursor(string? cursor)
    {
        var dot = cursor?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        return dot > 0 && long.TryParse(cursor.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && LeadId.TryParse(cursor.AsSpan(dot + 1), out var lead) ? (at, lead) : null;
    }
}
