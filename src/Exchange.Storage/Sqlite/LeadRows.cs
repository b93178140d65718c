using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>A copy with what it took, as its row has it.</summary>
internal sealed record StoredCopyRow(
    int No, string OfferId, string Campaign, string Company, bool Exclusive, CopyState State, bool IsCalled, string Tier, long AtMs, byte[] Takes)
    : JudgedCopy(No, OfferId, Campaign, Company, Exclusive, State, IsCalled, Tier, AtMs);

/// <summary>Reads what an item is judged against.</summary>
internal sealed class LeadRows(Database database) : IJudgedRows
{
    public JudgedLead? FindLead(LeadId id) =>
        database.Prepare("""
            SELECT state, reason, publisher, max_copies, post_hash, answer, offer_ms, (SELECT w.fence FROM lead_wait w WHERE w.lead_id = lead.lead_id AND w.due_at IS NOT NULL), length(sealed) = 0
            FROM lead WHERE lead_id = ?
            """).Bind(id)
            .First(row => new JudgedLead(id, (LeadState)row.Int(0), (Reason)row.Int(1), row.Text(2), row.Int(3), row.Blob(4), row.BlobOrNull(5), row.Long(6) == 0) { WaitFence = row.LongOrNull(7), IsErased = row.Bool(8) });

    public IReadOnlyList<JudgedCopy> CopiesOf(LeadId id) =>
        database.Prepare("SELECT no, offer_id, campaign, company, exclusive, state, called, tier, at_ms, takes FROM copy WHERE lead_id = ? ORDER BY no").Bind(id)
            .All(static row => new StoredCopyRow(row.Int(0), row.Text(1), row.Text(2), row.Text(3), row.Bool(4), (CopyState)row.Int(5), row.Bool(6),
                row.Text(7), row.Long(8), row.Blob(9)));

    public ClaimedRequest? FindRequest(RequestClaim request)
    {
        var (lead, hash) = database.Prepare("SELECT lead_id, hash FROM request WHERE publisher = ? AND key = ?").Bind(request.Publisher).Bind(request.Key)
            .First(static row => (row.Lead(0), row.Blob(1)));
        return hash is null ? null : new(lead, hash);
    }

    public PersonRow? FindPerson(PersonClaim claim) =>
        database.Prepare("SELECT lead_id, no, at_ms, was_lead IS NOT NULL, coalesce(was_lead, lead_id), coalesce(was_no, 0), coalesce(was_ms, 0) FROM person WHERE scope = ? AND hmac = ?")
            .Bind(claim.Scope).Bind(claim.Hmac)
            .First(static row => new PersonRow(new(row.Lead(0), row.Int(1), row.Long(2)), row.Bool(3) ? new PersonHolder(row.Lead(4), row.Int(5), row.Long(6)) : null));
}
