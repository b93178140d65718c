using Exchange.Engine.Ledger;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>The bids that the items of a batch passed over: after the fence, for the items that it did not refuse.</summary>
internal sealed class PassedOverWrites(Flush flush)
{
    private readonly List<(int Place, JournalItem Item, PassedOver Passed)> rows = [];

    public void Add(int place, PlannedItem item)
    {
        foreach (var passed in item.Plan.Item.PassedOver) rows.Add((place, item.Plan.Item, passed));
    }

    public void Emit()
    {
        if (rows.Count == 0) return;
        flush.Add($"""
            INSERT INTO passed_over (lead_id, campaign, reason, buyer, price, place, at_ms)
            SELECT t.lead, t.campaign, t.reason, t.buyer, t.price, t.place, t.at
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS t (item, lead, campaign, reason, buyer, price, place, at)
            WHERE {PlanRows.Stands} ORDER BY t.lead, t.campaign COLLATE "C", t.reason ON CONFLICT DO NOTHING
            """)
            .With(rows.Select(row => row.Place).ToArray()).WithLeads(rows.Select(row => row.Item.Lead)).With(rows.Select(row => row.Passed.Campaign).ToArray())
            .With(rows.Select(row => (short)row.Passed.Reason).ToArray()).With(rows.Select(row => row.Passed.Buyer).ToArray())
            .With(rows.Select(row => row.Passed.Price.Micros).ToArray()).With(rows.Select(row => row.Passed.Place).ToArray()).With(rows.Select(row => row.Item.AtMs).ToArray());
    }
}
