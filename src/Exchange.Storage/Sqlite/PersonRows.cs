using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Writes who has which person, as <see cref="PersonRow"/> says. One row for each scope and person; the lead's own claims are those of copy 0.
/// </summary>
internal sealed class PersonRows(Database database, CommitNews news)
{
    public void Claim(LeadId lead, int no, PersonClaim[] claims, long atMs)
    {
        foreach (var claim in claims)
        {
            // Windows differ from campaign to campaign: a claim too old for this one may count for another, if this one is freed again.
            var changed = database.Prepare("""
                INSERT INTO person (scope, hmac, lead_id, no, at_ms) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET was_lead = lead_id, was_no = no, was_ms = at_ms, lead_id = excluded.lead_id, no = excluded.no, at_ms = excluded.at_ms
                WHERE lead_id <> excluded.lead_id
                """)
                .Bind(claim.Scope).Bind(claim.Hmac).Bind(lead).Bind(no).Bind(atMs).Run();
            if (changed > 0 && !lead.IsTest) news.Person(claim.Scope, claim.Hmac, atMs);
        }
    }

    /// <summary>What one copy claimed is free again.</summary>
    public void Free(LeadId lead, int no)
    {
        database.Prepare("UPDATE person SET was_lead = NULL, was_no = NULL, was_ms = NULL WHERE was_lead = ? AND was_no = ?").Bind(lead).Bind(no).Run();
        Free(database.Prepare("SELECT scope, hmac, was_lead IS NOT NULL, coalesce(was_ms, 0) FROM person WHERE lead_id = ? AND no = ?").Bind(lead).Bind(no));
    }

    /// <summary>What the lead and its copies claimed is free again.</summary>
    public void Free(LeadId lead)
    {
        database.Prepare("UPDATE person SET was_lead = NULL, was_no = NULL, was_ms = NULL WHERE was_lead = ?").Bind(lead).Run();
        Free(database.Prepare("SELECT scope, hmac, was_lead IS NOT NULL, coalesce(was_ms, 0) FROM person WHERE lead_id = ?").Bind(lead));
    }

    private void Free(Statement claims)
    {
        // Read first: rows change below.
        foreach (var (scope, hmac, restored, atMs) in claims.All(static row => (row.Text(0), row.Blob(1), row.Bool(2), row.Long(3))))
        {
            database.Prepare(restored
                    ? """
                      UPDATE person SET lead_id = was_lead, no = was_no, at_ms = was_ms, was_lead = NULL, was_no = NULL, was_ms = NULL
                      WHERE scope = ? AND hmac = ?
                      """
                    : "DELETE FROM person WHERE scope = ? AND hmac = ?")
                .Bind(scope).Bind(hmac).Run();
            news.Person(scope, hmac, atMs);
        }
    }
}
