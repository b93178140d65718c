using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>A lead as an item is judged against it.</summary>
internal sealed record JudgedLead(LeadId Id, LeadState State, Reason Reason, string Publisher, int MaxCopies, byte[] PostHash, byte[]? Answer, bool IsPosted)
{
    public RecordedLead Recorded => new(Id, State, PostHash, Answer);
}

/// <summary>A copy as an item is judged against it.</summary>
internal sealed record JudgedCopy(
    int No, string OfferId, string Campaign, string Company, bool Exclusive, CopyState State, byte[] Takes, bool IsCalled, string Tier, long AtMs)
{
    public bool IsOpen => State is CopyState.Held or CopyState.InDoubt or CopyState.Captured;
}

/// <summary>Reads what an item is judged against.</summary>
internal static class LeadRows
{
    public static JudgedLead? FindLead(Database database, LeadId id) =>
        database.Prepare("SELECT state, reason, publisher, max_copies, post_hash, answer, offer_ms FROM lead WHERE lead_id = ?").Bind(id)
            .First(row => new JudgedLead(id, (LeadState)row.Int(0), (Reason)row.Int(1), row.Text(2), row.Int(3), row.Blob(4), row.BlobOrNull(5), row.Long(6) == 0));

    public static List<JudgedCopy> FindCopies(Database database, LeadId id) =>
        database.Prepare("SELECT no, offer_id, campaign, company, exclusive, state, takes, called, tier, at_ms FROM copy WHERE lead_id = ? ORDER BY no").Bind(id)
            .All(static row => new JudgedCopy(row.Int(0), row.Text(1), row.Text(2), row.Text(3), row.Bool(4), (CopyState)row.Int(5), row.Blob(6), row.Bool(7),
                row.Text(8), row.Long(9)));

    public static (LeadId Lead, byte[] Hash)? FindRequest(Database database, RequestClaim request)
    {
        var (lead, hash) = database.Prepare("SELECT lead_id, hash FROM request WHERE publisher = ? AND key = ?").Bind(request.Publisher).Bind(request.Key)
            .First(static row => (row.Lead(0), row.Blob(1)));
        return hash is null ? null : (lead, hash);
    }
}
