namespace Exchange.Storage.Postgres.Journal;

/// <summary>What publishers are told of the items of a batch: after the fence, for the items that it did not refuse.</summary>
internal sealed class PostbackWrites(Flush flush)
{
    private readonly List<(int Place, PlannedItem Item)> items = [];

    public void Add(int place, PlannedItem item)
    {
        if (item.Plan.Item.Postback is not null) items.Add((place, item));
    }

    public void Emit()
    {
        if (items.Count == 0) return;
        flush.Add($"""
            INSERT INTO postback (lead_id, event, no, publisher, change, status, due_at, lease_until, fence, attempts, created_ms, changed_ms)
            SELECT t.lead, t.event, t.no, t.publisher, t.change, 1, t.at, 0, 0, 0, t.at, t.at
            FROM unnest($1, $2, $3, $4, $5, $6, $7) AS t (item, lead, event, no, publisher, change, at)
            WHERE {PlanRows.Stands} ORDER BY t.lead, t.event, t.no ON CONFLICT DO NOTHING
            """)
            .With(items.Select(pair => pair.Place).ToArray()).WithLeads(items.Select(pair => pair.Item.Plan.Item.Lead))
            .With(items.Select(pair => (short)pair.Item.Plan.Item.Postback!.Value.Event).ToArray()).With(items.Select(pair => pair.Item.Plan.Item.Postback!.Value.No).ToArray())
            .With(items.Select(pair => pair.Item.Plan.Publisher).ToArray()).With(items.Select(pair => pair.Item.Plan.Item.Postback!.Value.Change.Micros).ToArray())
            .With(items.Select(pair => pair.Item.Plan.Item.AtMs).ToArray());
    }
}
