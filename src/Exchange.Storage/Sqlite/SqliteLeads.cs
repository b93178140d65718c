using System.Globalization;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>Leads and their copies, read.</summary>
internal sealed class SqliteLeads(Writer writer, ReadPool reads, ReadPool reports) : ILeadStore
{
    public Task<LeadRow?> FindAsync(LeadId id, CancellationToken cancel) => reads.ReadAsync(database => Find(database, id), cancel);

    public Task<Page<LeadRow>> ListAsync(LeadQuery query, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(query);
        var limit = Math.Clamp(query.Limit, 1, Limits.PageRows);
        return reports.ReadAsync(database => query.Campaign is null && query.Buyer is null
            ? ByLead(database, query, limit) : ByCopy(database, query, limit), cancel);
    }

    public Task<bool> AddFieldsAsync(LeadId id, byte[] readSealed, byte[] newSealed, long nowMs, CancellationToken cancel) =>
        writer.RunAsync(session =>
        {
            if (session.Database.Prepare("UPDATE lead SET sealed = ? WHERE lead_id = ? AND sealed = ?").Bind(newSealed).Bind(id).Bind(readSealed).Run() == 0) return false;
            // Also what somebody is asking just now by what was there before: the fence makes his answer void.
            session.Database.Prepare("UPDATE delivery SET due_at = ?1, fence = fence + 1 WHERE lead_id = ?2 AND status = 1 AND (wait = 2 OR wait IN (1, 3) AND lease_until > ?1)").Bind(nowMs).Bind(id).Run();
            session.Database.Prepare("UPDATE lead_wait SET due_at = ?, fence = fence + 1 WHERE lead_id = ? AND due_at IS NOT NULL").Bind(nowMs).Bind(id).Run();
            return true;
        }, cancel);

    public Task<(LeadId Lead, byte[] BodyHash)?> FindRequestAsync(string publisher, string key, CancellationToken cancel) =>
        reads.ReadAsync(database => database.Prepare("SELECT lead_id, hash FROM request WHERE publisher = ? AND key = ?").Bind(publisher).Bind(key)
            .First(static row => ((LeadId, byte[])?)(row.Lead(0), row.Blob(1))), cancel);

    public Task<IReadOnlyList<PassedOverRow>> PassedOverAsync(LeadId id, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<PassedOverRow>>(database => database.Prepare("SELECT campaign, buyer, price, reason, at_ms FROM passed_over WHERE lead_id = ? ORDER BY at_ms, place, reason")
            .Bind(id).All(static row => new PassedOverRow(row.Text(0), row.Text(1), new(row.Long(2)), (Reason)row.Int(3), row.Long(4))), cancel);

    public Task<IReadOnlyList<ExpiredOffer>> ExpiredOffersAsync(long nowMs, int limit, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<ExpiredOffer>>(database =>
        {
            var leads = database.Prepare("SELECT lead_id FROM lead WHERE offer_ms > 0 AND offer_ms < ? AND state = 1 ORDER BY offer_ms LIMIT ?")
                .Bind(nowMs).Bind(Math.Clamp(limit, 1, Limits.PageRows)).All(static row => row.Lead(0));
            return [.. leads.Select(lead => new ExpiredOffer(lead,
                database.Prepare("SELECT no FROM copy WHERE lead_id = ? AND state = 1 ORDER BY no").Bind(lead).All(static row => row.Int(0))))];
        }, cancel);

    public Task<IReadOnlyList<LeadId>> HeldTestsAsync(long beforeMs, int limit, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<LeadId>>(database => database.Prepare("""
            SELECT lead_id FROM copy INDEXED BY copy_held_test WHERE state = 1 AND substr(lead_id, 9, 1) >= x'80' AND at_ms < ? GROUP BY lead_id ORDER BY min(at_ms), lead_id LIMIT ?
            """).Bind(beforeMs).Bind(Math.Clamp(limit, 1, Limits.PageRows)).All(static row => row.Lead(0)), cancel);

    public Task<IReadOnlyList<PromiseRow>> PromisesAsync(long fromMs, long untilMs, CancellationToken cancel) =>
        reports.ReadAsync<IReadOnlyList<PromiseRow>>(database => database.Prepare("""
            SELECT l.publisher, l.vertical, count(*),
                coalesce(sum((SELECT sum(c.payout) FROM copy c WHERE c.lead_id = l.lead_id AND c.state IN (3, 6)) >= l.promised), 0), sum(l.state IN (1, 3, 4))
            FROM lead l WHERE l.promised IS NOT NULL AND l.at_ms >= ? AND l.at_ms < ? GROUP BY l.publisher, l.vertical ORDER BY l.publisher, l.vertical
            """).Bind(fromMs).Bind(untilMs).All(static row => new PromiseRow(row.Text(0), row.Text(1), row.Long(2), row.Long(3), row.Long(4))), cancel);

    private static LeadRow? Find(Database database, LeadId id)
    {
        var copies = Rows.CopiesOf(database, id);
        var wait = database.Prepare("SELECT kind, until_ms, plan, begun_ms, fence, due_at IS NULL FROM lead_wait WHERE lead_id = ?").Bind(id)
            .First(static row => new LeadWaitRow(LeadWaitJson.Read(row.Text(2), (DeliveryWait)row.Int(0), row.Long(1)), row.Long(3), row.Long(4), row.Bool(5)));
        return database.Prepare($"SELECT {Rows.LeadColumns} FROM lead l WHERE l.lead_id = ?").Bind(id).First(row => Rows.Lead(row, 0, copies) with { Wait = wait });
    }

    private static Page<LeadRow> ByLead(Database database, LeadQuery query, int limit)
    {
        var sql = $"SELECT l.lead_id FROM lead l WHERE l.lead_id < ? AND l.offer_ms = 0";
        if (query.Publisher is not null) sql += " AND l.publisher = ?";
        if (query.State is not null) sql += " AND l.state = ?";
        // Repeated as constants, so that the small index of unsettled leads may serve.
        if (query.State is LeadState.Open or LeadState.InDoubt or LeadState.Pending) sql += " AND l.state IN (1, 3, 4)";
        var statement = database.Prepare(sql + " ORDER BY l.lead_id DESC LIMIT ?");
        // Behind every id there can be: one byte longer than the largest.
        if (LeadId.TryParse(query.Cursor, out var before)) statement.Bind(before);
        else statement.Bind((ReadOnlySpan<byte>)[255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0]);
        if (query.Publisher is not null) statement.Bind(query.Publisher);
        if (query.State is { } state) statement.Bind((long)state);
        var ids = statement.Bind(limit + 1).All(static row => row.Lead(0));
        var page = Rows.Page(ids, limit, static id => id.ToString());
        return new([.. page.Rows.Select(id => Find(database, id)!)], page.Next);
    }

    /// <summary>By the newest copy that matches. The cursor is that copy's time and lead.</summary>
    private static Page<LeadRow> ByCopy(Database database, LeadQuery query, int limit)
    {
        var (at, before) = ReadCursor(query.Cursor);
        var (column, value) = query.Campaign is { } campaign ? ("campaign", campaign) : ("buyer", query.Buyer!);
        var sql = $"SELECT c.at_ms, c.lead_id FROM copy c WHERE c.{column} = ? AND c.at_ms <= ? AND (c.at_ms < ? OR c.lead_id < ?)"
            + $" AND NOT EXISTS (SELECT 1 FROM copy d WHERE d.lead_id = c.lead_id AND d.{column} = c.{column} AND d.no > c.no)"
            + " AND EXISTS (SELECT 1 FROM lead l WHERE l.lead_id = c.lead_id AND l.offer_ms = 0)";
        if (query is { Campaign: not null, Buyer: not null }) sql += " AND c.buyer = ?";
        if (query.Publisher is not null) sql += " AND c.publisher = ?";
        if (query.State is not null) sql += " AND (SELECT l.state FROM lead l WHERE l.lead_id = c.lead_id) = ?";
        var statement = database.Prepare(sql + " ORDER BY c.at_ms DESC, c.lead_id DESC LIMIT ?").Bind(value).Bind(at).Bind(at).Bind(before);
        if (query is { Campaign: not null, Buyer: { } buyer }) statement.Bind(buyer);
        if (query.Publisher is not null) statement.Bind(query.Publisher);
        if (query.State is { } state) statement.Bind((long)state);
        var found = statement.Bind(limit + 1).All(static row => (At: row.Long(0), Lead: row.Lead(1)));
        var page = Rows.Page(found, limit, static row => string.Create(CultureInfo.InvariantCulture, $"{row.At}.{row.Lead}"));
        return new([.. page.Rows.Select(row => Find(database, row.Lead)!)], page.Next);
    }

    private static (long At, LeadId Before) ReadCursor(string? cursor)
    {
        var dot = cursor?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        return dot > 0 && long.TryParse(cursor.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && LeadId.TryParse(cursor.AsSpan(dot + 1), out var lead) ? (at, lead) : (long.MaxValue, default);
    }
}
