using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>Copies in doubt with the call that asks their buyer.</summary>
internal sealed class SqliteDoubts(ReadPool reads) : IDoubts
{
    public Task<Page<DoubtRow>> ListAsync(DoubtQuery query, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(query);
        var limit = Math.Clamp(query.Limit, 1, Limits.PageRows);
        var (since, after) = DoubtCursor.Read(query.Cursor);
        return reads.ReadAsync(database =>
        {
            // The newest delivery is the one that asks; a copy in doubt has one.
            var sql = """
                SELECT c.lead_id, c.no, c.campaign, c.buyer, c.price, c.changed_ms, d.status, d.attempts, d.error, d.due_at
                FROM copy c LEFT JOIN delivery d ON d.lead_id = c.lead_id AND d.no = c.no AND d.attempts > 0
                WHERE c.state = 2 AND substr(c.lead_id, 9, 1) < x'80' AND c.changed_ms < ? AND (c.changed_ms, c.lead_id, c.no) > (?, ?, ?)
                """;
            if (query.Buyer is not null) sql += " AND c.buyer = ?";
            if (query.Campaign is not null) sql += " AND c.campaign = ?";
            var statement = database.Prepare(sql + " GROUP BY c.changed_ms, c.lead_id, c.no ORDER BY c.changed_ms, c.lead_id, c.no LIMIT ?")
                .Bind(query.BeforeMs).Bind(since).Bind(after.Lead).Bind(after.No);
            if (query.Buyer is not null) statement.Bind(query.Buyer);
            if (query.Campaign is not null) statement.Bind(query.Campaign);
            return Rows.Page(statement.Bind(limit + 1).All(Read), limit, DoubtCursor.Of);
        }, cancel);
    }

    private static DoubtRow Read(Statement row)
    {
        var status = (DeliveryStatus?)row.LongOrNull(6);
        var due = row.LongOrNull(9);
        return new(new(row.Lead(0), row.Int(1)), row.Text(2), row.Text(3), new(row.Long(4)), row.Long(5), status, row.IsNull(7) ? 0 : row.Int(7), row.TextOrNull(8),
            status == DeliveryStatus.Waiting && due != NewDelivery.NeverDue ? due : null);
    }
}
