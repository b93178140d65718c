using Exchange.Engine.Audit;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage.Audit;

namespace Exchange.Storage.Sqlite;

/// <summary>The facts of one open read transaction. Every table is read once in the order of leads and merged, so that nothing is kept.</summary>
internal sealed class SqliteAuditFacts(Database database) : IAuditFacts
{
    public IEnumerable<CounterFact> Counters()
    {
        var rows = database.Prepare("""
            SELECT c.id, c.key, c.limit_id, c.window_start, c.lim, c.used, c.held, c.seeded, c.over, k.lim, k.weekdays, k.active
            FROM counter c LEFT JOIN cap k ON k.id = c.limit_id
            """);
        try
        {
            while (rows.Step()) yield return Counter(rows);
        }
        finally { rows.Reset(); }
    }

    public IEnumerable<TransferFact> Bookings()
    {
        var rows = database.Prepare("SELECT no, kind, debit, credit, amount FROM transfer WHERE lead_id IS NULL");
        try
        {
            while (rows.Step()) yield return new(rows.Int(0), rows.Text(1), rows.Text(2), rows.Text(3), new Money(rows.Long(4)));
        }
        finally { rows.Reset(); }
    }

    public IEnumerable<LeadFacts> Leads()
    {
        using var leads = new LeadCursor<LeadFact>(
            database.Prepare("SELECT lead_id, publisher, state, max_copies, open_copies, open_exclusive, offer_ms, answer FROM lead ORDER BY lead_id"), Lead);
        using var copies = new LeadCursor<CopyFact>(
            database.Prepare("SELECT lead_id, no, campaign, buyer, company, exclusive, state, price, payout, called, at_ms, takes FROM copy ORDER BY lead_id, no"), Copy);
        using var transfers = new LeadCursor<TransferFact>(
            database.Prepare("SELECT lead_id, no, kind, debit, credit, amount FROM transfer INDEXED BY transfer_source WHERE lead_id IS NOT NULL ORDER BY source, no, kind, part"),
            static row => new(row.Int(1), row.Text(2), row.Text(3), row.Text(4), new Money(row.Long(5))));
        using var deliveries = new LeadCursor<DeliveryFact>(
            database.Prepare("SELECT lead_id, no, status, pulled, due_at FROM delivery ORDER BY lead_id, no"),
            static row => new(row.Int(1), (DeliveryFactState)row.Int(2), row.Bool(3), row.Long(4) != NewDelivery.NeverDue));
        using var persons = new LeadCursor<int>(database.Prepare("SELECT lead_id, count(*) FROM person GROUP BY lead_id ORDER BY lead_id"), static row => row.Int(1));
        leads.Start();
        copies.Start();
        transfers.Start();
        deliveries.Start();
        persons.Start();
        while (First(leads.Next, copies.Next, transfers.Next, deliveries.Next, persons.Next) is { } id)
        {
            var lead = leads.Take(id);
            var facts = new LeadFacts(id, lead.FirstOrDefault(), copies.Take(id), transfers.Take(id), deliveries.Take(id), persons.Take(id).Sum());
            yield return facts;
        }
    }

    public IEnumerable<RequestFact> Requests()
    {
        var rows = database.Prepare("SELECT publisher, lead_id FROM request");
        try
        {
            while (rows.Step()) yield return new(rows.Text(0), rows.Lead(1));
        }
        finally { rows.Reset(); }
    }

    public IEnumerable<SequenceFact> Sequences()
    {
        yield return Numbers("transfer", "SELECT count(*), count(*), min(seq), max(seq) FROM transfer", gapless: true, null);
        yield return Numbers("audit", "SELECT count(*), count(*), min(seq), max(seq) FROM audit", gapless: true, null);
        yield return Numbers("copy.sold_seq", "SELECT count(*), count(DISTINCT sold_seq), min(sold_seq), max(sold_seq) FROM copy WHERE sold_seq IS NOT NULL", gapless: false,
            database.Prepare("SELECT value FROM sequence WHERE name = 'sold'").Scalar());
    }

    private SequenceFact Numbers(string name, string sql, bool gapless, long? given) =>
        database.Prepare(sql).First(row => new SequenceFact(name, row.Long(0), row.Long(1), row.Long(2), row.Long(3), gapless) { Given = given })!;

    private static CounterFact Counter(Statement row)
    {
        var (key, limitId) = (row.Text(1), row.Text(2));
        var kind = CounterNames.KindOf(key);
        // A buyer that left the catalog keeps the credit in its limit; any other limit is the catalog's only while it is in it.
        IReadOnlyList<long>? catalog = row.IsNull(9) || !row.Bool(11) && kind != LimitKind.Balance ? null
            : row.TextOrNull(10) is { } week ? WeekdayLimits.Read(week) : [row.Long(9)];
        return new(row.Long(0), kind, limitId, row.Long(3), row.Long(4), row.Long(5), row.Long(6))
        {
            IsCounted = CounterNames.IsCounted(kind, limitId), Catalog = catalog, Seeded = row.LongOrNull(7), Over = row.Long(8),
        };
    }

    private static LeadFact Lead(Statement row) =>
        new(row.Text(1), (LeadState)row.Int(2), row.Int(3), row.Int(4), row.Bool(5), row.Long(6) == 0, row.IsNull(7) ? null : RecordedAnswer.Read(row.Span(7)));

    private static CopyFact Copy(Statement row) => new(
        row.Int(1), row.Text(2), row.Text(3), row.Text(4), row.Bool(5), (CopyState)row.Int(6), new(row.Long(7)), new(row.Long(8)), row.Bool(9), row.Long(10),
        [.. StoredTakes.Read(row.Span(11)).Select(static take => new TakeFact(take.Counter, take.Amount))]);

    private static LeadId? First(params ReadOnlySpan<LeadId?> ids)
    {
        LeadId? first = null;
        foreach (var id in ids) if (id is { } next && (first is null || next.CompareTo(first.Value) < 0)) first = next;
        return first;
    }
}
