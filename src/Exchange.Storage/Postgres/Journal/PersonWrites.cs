using Exchange.Engine.Ledger;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>
/// The statements that write what items do to persons, beyond the claims that the first flush made. After the fence they do nothing for an item that it
/// refused, but take its claims back.
/// </summary>
internal sealed class PersonWrites(Flush flush)
{
    private readonly List<(int Place, PlannedItem Item)> items = [];

    public void Add(int place, PlannedItem item) => items.Add((place, item));

    public void Emit()
    {
        // Two items that cannot be refused may have the same person after each other: the last word counts.
        var rows = new Dictionary<PersonKey, (int Place, PersonRow? Row)>();
        foreach (var (place, item) in items)
            foreach (var (key, row) in item.Persons.Written) rows[key] = (place, row);
        var gone = rows.Where(pair => pair.Value.Row is null).Select(pair => (pair.Value.Place, pair.Key, Refused: false)).ToList();
        // What the first flush made for an item that the fence then refused; a new lead's goes with the lead.
        foreach (var (place, item) in items)
            if (place > 0 && !item.IsNew) gone.AddRange(item.Persons.Made.Select(key => (place, key, true)));
        if (gone.Count > 0)
            flush.Add($"""
                DELETE FROM person p USING unnest($1, $2, $3, $4) AS t (item, scope, hmac, refused)
                WHERE p.scope = t.scope AND p.hmac = t.hmac AND t.refused <> ({PlanRows.Stands})
                """)
                .With(gone.Select(row => row.Place).ToArray()).With(gone.Select(row => row.Key.Scope).ToArray()).With(gone.Select(row => row.Key.Hmac).ToArray())
                .With(gone.Select(row => row.Refused).ToArray());
        var kept = rows.Where(pair => pair.Value.Row is not null).Select(pair => (pair.Value.Place, pair.Key, Row: pair.Value.Row!)).ToList();
        if (kept.Count > 0)
            flush.Add($"""
                INSERT INTO person (scope, hmac, lead_id, no, at_ms, was_lead, was_no, was_ms)
                SELECT t.scope, t.hmac, t.lead, t.no, t.at, t.was_lead, t.was_no, t.was_ms
                FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS t (item, scope, hmac, lead, no, at, was_lead, was_no, was_ms)
                WHERE {PlanRows.Stands} ORDER BY t.scope COLLATE "C", t.hmac
                ON CONFLICT (scope, hmac) DO UPDATE SET lead_id = excluded.lead_id, no = excluded.no, at_ms = excluded.at_ms,
                    was_lead = excluded.was_lead, was_no = excluded.was_no, was_ms = excluded.was_ms
                """)
                .With(kept.Select(row => row.Place).ToArray()).With(kept.Select(row => row.Key.Scope).ToArray()).With(kept.Select(row => row.Key.Hmac).ToArray())
                .WithLeads(kept.Select(row => row.Row.Holder.Lead)).With(kept.Select(row => row.Row.Holder.No).ToArray()).With(kept.Select(row => row.Row.Holder.AtMs).ToArray())
                .With(kept.Select(row => row.Row.Was?.Lead.ToGuid()).ToArray()).With(kept.Select(row => row.Row.Was?.No).ToArray()).With(kept.Select(row => row.Row.Was?.AtMs).ToArray());
    }
}
