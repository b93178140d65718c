using Exchange.Engine;
using Exchange.Engine.Ledger;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Copies in doubt with the call that asks their buyer.</summary>
internal sealed class PostgresDoubts(NpgsqlDataSource reads) : IDoubts
{
    public async Task<Page<DoubtRow>> ListAsync(DoubtQuery query, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(query);
        var limit = Math.Clamp(query.Limit, 1, Limits.PageRows);
        var (since, after) = DoubtCursor.Read(query.Cursor);
        // A copy in doubt has one delivery that was tried.
        var rows = await reads.AllAsync("""
            SELECT c.lead_id, c.no, c.campaign, c.buyer, c.price, c.changed_ms, d.status, d.attempts, d.error, d.due_at
            FROM copy c LEFT JOIN LATERAL (SELECT * FROM delivery d WHERE d.lead_id = c.lead_id AND d.no = c.no AND d.attempts > 0 ORDER BY d.endpoint LIMIT 1) d ON true
            WHERE c.state = 2 AND NOT is_test(c.lead_id) AND c.changed_ms < $1 AND (c.changed_ms, c.lead_id, c.no) > ($2, $3, $4)
              AND ($5::text IS NULL OR c.buyer = $5) AND ($6::text IS NULL OR c.campaign = $6)
            ORDER BY c.changed_ms, c.lead_id, c.no LIMIT $7
            """, Read, cancel, query.BeforeMs, since, after.Lead, after.No, query.Buyer, query.Campaign, limit + 1).ConfigureAwait(false);
        return Rows.Page(rows, limit, DoubtCursor.Of);
    }

    private static DoubtRow Read(NpgsqlDataReader row)
    {
        var status = row.IsDBNull(6) ? (DeliveryStatus?)null : (DeliveryStatus)row.Int(6);
        var due = row.LongOrNull(9);
        return new(new(row.Lead(0), row.Int(1)), row.Text(2), row.Text(3), new(row.Long(4)), row.Long(5), status, row.IsDBNull(7) ? 0 : row.Int(7), row.TextOrNull(8),
            status == DeliveryStatus.Waiting && due != NewDelivery.NeverDue ? due : null);
    }
}
