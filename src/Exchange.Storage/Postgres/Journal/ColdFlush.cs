using Exchange.Engine;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Npgsql;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>Rows were there and are not, within one flush: the batch begins anew.</summary>
internal sealed class RowsMovedException() : Exception("Rows came and went while a batch was read");

/// <summary>
/// The first flush of a batch: begins the transaction, claims what is new and locks and reads what is there. Nobody but the same lead, key or person
/// waits for these rows. Inserts and locks are in the order of the keys.
/// </summary>
internal static class ColdFlush
{
    /// <summary>Not what this transaction made itself.</summary>
    private const string NotMine = "xmin <> pg_current_xact_id()::xid";
    private const string LeadColumns = "l.lead_id, l.state, l.reason, l.publisher, l.max_copies, l.post_hash, l.answer, l.offer_ms, octet_length(l.sealed) = 0";

    public static async Task<ColdRows> RunAsync(NpgsqlConnection connection, IReadOnlyList<JournalWork> works)
    {
        var rows = new ColdRows();
        var flush = new Flush(connection);
        flush.Add("BEGIN");
        flush.Add("SELECT epoch, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM sales_latch", row => (rows.Epoch, rows.NowMs) = (row.Long(0), row.Long(1)));
        Requests(flush, rows, [.. works.SelectMany(work => work.Item.Requests.Select(request => (work.Item.Lead, Claim: request)))]);
        Leads(flush, rows, works);
        Known(flush, rows, [.. works.Where(work => work.Item.New is null)]);
        Persons(flush, rows, works);
        await flush.RunAsync().ConfigureAwait(false);
        RequireAll(rows, works);
        return rows;
    }

    private static void Requests(Flush flush, ColdRows rows, List<(LeadId Lead, RequestClaim Claim)> requests)
    {
        if (requests.Count == 0) return;
        var publishers = requests.Select(request => request.Claim.Publisher).ToArray();
        var keys = requests.Select(request => request.Claim.Key).ToArray();
        flush.Add("""
            INSERT INTO request (publisher, key, lead_id, hash) SELECT * FROM unnest($1, $2, $3, $4) AS t (publisher, key, lead, hash)
            ORDER BY t.publisher COLLATE "C", t.key COLLATE "C" ON CONFLICT DO NOTHING RETURNING publisher, key
            """, row => rows.NewRequests.Add((row.Text(0), row.Text(1))))
            .With(publishers).With(keys).WithLeads(requests.Select(request => request.Lead)).With(requests.Select(request => request.Claim.BodyHash).ToArray());
        flush.Add($"""
            SELECT r.publisher, r.key, r.lead_id, r.hash, {LeadColumns} FROM unnest($1, $2) AS t (publisher, key)
            JOIN request r ON r.publisher = t.publisher AND r.key = t.key LEFT JOIN lead l ON l.lead_id = r.lead_id WHERE r.{NotMine}
            """, row => rows.Add(row.Text(0), row.Text(1), new(row.Lead(2), row.Blob(3)), row.IsDBNull(4) ? null : ReadLead(row, 4)))
            .With(publishers).With(keys);
    }

    private static void Leads(Flush flush, ColdRows rows, IReadOnlyList<JournalWork> works)
    {
        var made = works.Where(work => work.Item.New is not null).Select(work => work.Item).ToList();
        if (made.Count > 0)
        {
            T[] Of<T>(Func<JournalItem, NewLead, T> column) => [.. made.Select(item => column(item, item.New!))];
            // What its copies come to if nothing refuses them; what cannot come true is taken back, whatever stands here.
            flush.Add("""
                INSERT INTO lead (lead_id, publisher, vertical, sub_id, channel, test, state, reason, max_copies, open_copies, open_exclusive, catalog_version,
                    at_ms, offer_ms, promised, post_hash, answer, sealed)
                SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) AS t
                ORDER BY 1 ON CONFLICT DO NOTHING RETURNING lead_id
                """, row => rows.NewLeads.Add(row.Lead(0)))
                .WithLeads(made.Select(item => item.Lead)).With(Of((_, lead) => lead.Publisher)).With(Of((_, lead) => lead.Vertical)).With(Of((_, lead) => lead.SubId))
                .With(Of((_, lead) => lead.Channel)).With(Of((_, lead) => lead.Test)).With(Of((item, _) => (short)item.State)).With(Of((item, _) => (short)item.Reason))
                .With(Of((_, lead) => lead.MaxCopies)).With(Of((item, lead) => MayStand(item, lead) ? item.Starts.Length : 0))
                .With(Of((item, lead) => MayStand(item, lead) && item.Starts.Any(start => start.Exclusive))).With(Of((_, lead) => lead.CatalogVersion))
                .With(Of((item, _) => item.AtMs)).With(Of((_, lead) => lead.OfferUntilMs)).With(Of((_, lead) => lead.Promised?.Micros))
                .With(Of((_, lead) => lead.PostHash)).With(Of((item, _) => item.Answer)).With(Of((_, lead) => lead.Sealed));
        }
        flush.Add($"SELECT {LeadColumns} FROM lead l WHERE l.lead_id = ANY ($1) AND l.{NotMine} ORDER BY l.lead_id FOR NO KEY UPDATE", row => rows.Add(ReadLead(row, 0)))
            .WithLeads(works.Select(work => work.Item.Lead));
    }

    private static bool MayStand(JournalItem item, NewLead lead) =>
        item.Starts.Length <= lead.MaxCopies && (item.Starts.Length <= 1 || !item.Starts.Any(start => start.Exclusive));

    /// <summary>What hangs on leads that were there before.</summary>
    private static void Known(Flush flush, ColdRows rows, List<JournalWork> works)
    {
        if (works.Count == 0) return;
        // Locked, so that no claim raises the fence before this item is written.
        flush.Add("SELECT lead_id, fence FROM lead_wait WHERE lead_id = ANY ($1) AND due_at IS NOT NULL ORDER BY lead_id FOR UPDATE", row => rows.AddWait(row.Lead(0), row.Long(1)))
            .WithLeads(works.Select(work => work.Item.Lead));
        flush.Add("""
            SELECT lead_id, no, offer_id, campaign, company, exclusive, state, called, tier, at_ms, buyer, takes, amounts FROM copy
            WHERE lead_id = ANY ($1) ORDER BY lead_id, no
            """, row => rows.Add(row.Lead(0), new HeldCopy(row.Int(1), row.Text(2), row.Text(3), row.Text(4), row.Bool(5), (CopyState)row.Int(6), row.Bool(7), row.Text(8),
                row.Long(9), row.Text(10), row.GetFieldValue<string[]>(11), row.GetFieldValue<long[]>(12))))
            .WithLeads(works.Select(work => work.Item.Lead));
    }

    private static void Persons(Flush flush, ColdRows rows, IReadOnlyList<JournalWork> works)
    {
        var claims = new Dictionary<PersonKey, PersonHolder>();
        foreach (var work in works)
            foreach (var (no, claim) in WorkKey.WithHolder(work.Item)) claims.TryAdd(new(claim.Scope, claim.Hmac), new(work.Item.Lead, no, work.Item.AtMs));
        var freed = works.Where(work => work.Item.ReleasePersons || Array.Exists(work.Item.Ends, end => end.Move is CopyMove.Void or CopyMove.Expire))
            .Select(work => work.Item.Lead).ToList();
        if (claims.Count + freed.Count == 0) return;

        var scopes = claims.Keys.Select(key => key.Scope).ToArray();
        var hmacs = claims.Keys.Select(key => key.Hmac).ToArray();
        if (claims.Count > 0)
            flush.Add("""
                INSERT INTO person (scope, hmac, lead_id, no, at_ms) SELECT * FROM unnest($1, $2, $3, $4, $5) AS t (scope, hmac, lead, no, at_ms)
                ORDER BY t.scope COLLATE "C", t.hmac ON CONFLICT DO NOTHING RETURNING scope, hmac
                """, row => rows.NewPersons.Add(new(row.Text(0), row.Blob(1))))
                .With(scopes).With(hmacs).WithLeads(claims.Values.Select(holder => holder.Lead)).With(claims.Values.Select(holder => holder.No).ToArray())
                .With(claims.Values.Select(holder => holder.AtMs).ToArray());
        // What a lead frees is found by the lead; it is locked in one go with what is claimed, so that all is in one order.
        var also = freed.Count == 0 ? "" : """
            UNION SELECT f.scope, f.hmac FROM person f WHERE f.lead_id = ANY ($3) UNION SELECT f.scope, f.hmac FROM person f WHERE f.was_lead = ANY ($3)
            """;
        var values = flush.Add($"""
            SELECT p.scope, p.hmac, p.lead_id, p.no, p.at_ms, p.was_lead, p.was_no, p.was_ms FROM person p
            WHERE (p.scope, p.hmac) IN (SELECT t.scope, t.hmac FROM unnest($1, $2) AS t (scope, hmac) {also}) AND p.{NotMine}
            ORDER BY p.scope, p.hmac FOR UPDATE OF p
            """, row => rows.Add(new(row.Text(0), row.Blob(1)), new PersonRow(new(row.Lead(2), row.Int(3), row.Long(4)),
                row.IsDBNull(5) ? null : new PersonHolder(row.Lead(5), row.Int(6), row.Long(7)))))
            .With(scopes).With(hmacs);
        if (freed.Count > 0) values.WithLeads(freed);
    }

    /// <summary>What was claimed is either made or read.</summary>
    private static void RequireAll(ColdRows rows, IReadOnlyList<JournalWork> works)
    {
        foreach (var work in works)
        {
            var isThere = (work.Item.New is null || rows.NewLeads.Contains(work.Item.Lead) || rows.FindLead(work.Item.Lead) is not null)
                && work.Item.Requests.All(rows.Has)
                && WorkKey.ClaimsOf(work.Item).All(claim => new PersonKey(claim.Scope, claim.Hmac) is var key && (rows.NewPersons.Contains(key) || rows.Find(key) is not null));
            if (!isThere) throw new RowsMovedException();
        }
    }

    private static JudgedLead ReadLead(NpgsqlDataReader row, int first) => new(row.Lead(first), (LeadState)row.Int(first + 1), (Reason)row.Int(first + 2), row.Text(first + 3),
        row.Int(first + 4), row.Blob(first + 5), row.BlobOrNull(first + 6), row.Long(first + 7) == 0) { IsErased = row.Bool(first + 8) };
}
