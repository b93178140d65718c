using Exchange.Engine.Audit;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Storage.Audit;

namespace Exchange.Storage.Sqlite;

/// <summary>The facts of one open read transaction. Every table is read in the order of leads, copies once more for the lists they stand in, and merged, so that nothing is kept.</summary>
internal sealed class SqliteAuditFacts(Database database, long nowMs) : IAuditFacts
{
    public long NowMs => nowMs;

    public IEnumerable<CounterFact> Counters() => Rows("""
        SELECT c.id, c.key, c.limit_id, c.window_start, c.lim, c.used, c.held, c.seeded, c.over, k.lim, k.weekdays, k.active
        FROM counter c LEFT JOIN cap k ON k.id = c.limit_id
        """, Counter);

    public IEnumerable<LimitFact> Limits() => Rows("SELECT k.kind, k.id, EXISTS (SELECT 1 FROM counter c WHERE c.key = k.id) FROM cap k WHERE k.active AND k.kind <> 1",
        static row => new LimitFact((LimitKind)row.Int(0), row.Text(1), row.Bool(2)));

    public IEnumerable<TransferFact> Bookings() => Rows("SELECT no, kind, debit, credit, amount FROM transfer WHERE lead_id IS NULL", static row => Transfer(row, 0));

    private const string Waits = "EXISTS (SELECT 1 FROM lead_wait w WHERE w.lead_id = lead.lead_id AND w.due_at IS NOT NULL)";

    public IEnumerable<LeadFacts> Leads() => LeadMerge.Merge(
        Rows($"SELECT lead_id, publisher, state, max_copies, open_copies, open_exclusive, offer_ms, answer, {Waits} FROM lead ORDER BY lead_id", static row => (row.Lead(0), Lead(row))),
        Rows("SELECT lead_id, no, campaign, buyer, company, exclusive, state, price, payout, called, at_ms, takes FROM copy ORDER BY lead_id, no", static row => (row.Lead(0), Copy(row))),
        Rows("SELECT lead_id, no, kind, debit, credit, amount FROM transfer INDEXED BY transfer_source WHERE lead_id IS NOT NULL ORDER BY source, no, kind, part",
            static row => (row.Lead(0), Transfer(row, 1))),
        Rows("SELECT lead_id, no, status, pulled, due_at, wait > 0 FROM delivery ORDER BY lead_id, no",
            static row => (row.Lead(0), new DeliveryFact(row.Int(1), (DeliveryFactState)row.Int(2), row.Bool(3), row.Long(4) != NewDelivery.NeverDue) { Waits = row.Bool(5) })),
        Rows("SELECT lead_id, count(*) FROM person GROUP BY lead_id ORDER BY lead_id", static row => (row.Lead(0), row.Int(1))),
        Rows("SELECT lead_id, event, no, status FROM postback ORDER BY lead_id, event, no",
            static row => (row.Lead(0), new PostbackFact((PostbackEvent)row.Int(1), row.Int(2), (DeliveryFactState)row.Int(3)))),
        Rows("SELECT lead_id, no, buyer FROM copy WHERE sold_seq > 0 ORDER BY lead_id, no", static row => (row.Lead(0), new ListedFact(row.Int(1), row.Text(2)))),
        Rows("SELECT lead_id, no, status, booked, decided_ms FROM copy_return ORDER BY lead_id, no",
            static row => (row.Lead(0), new ReturnFact(row.Int(1), (ReturnFactState)row.Int(2), row.Bool(3), row.LongOrNull(4) ?? 0))));

    public IEnumerable<RequestFact> Requests() => Rows("SELECT publisher, lead_id FROM request", static row => new RequestFact(row.Text(0), row.Lead(1)));

    public IEnumerable<SequenceFact> Sequences()
    {
        yield return Numbers("transfer", "SELECT count(*), count(*), min(seq), max(seq) FROM transfer", gapless: true, null);
        yield return Numbers("audit", "SELECT count(*), count(*), min(seq), max(seq) FROM audit", gapless: true, null);
        // Below 0 stands what is in no list yet: whoever waits for its place has no number of it.
        yield return Numbers("copy.sold_seq", "SELECT count(*), count(DISTINCT sold_seq), min(sold_seq), max(sold_seq) FROM copy WHERE sold_seq > 0", gapless: false,
            database.Prepare("SELECT value FROM sequence WHERE name = 'sold'").Scalar());
    }

    public IEnumerable<AccountFact> Accounts() => SqliteLedger.Balances(database).Select(static account => new AccountFact(account.Account, account.Balance));

    private IEnumerable<T> Rows<T>(string sql, Func<Statement, T> read)
    {
        var rows = database.Prepare(sql);
        try
        {
            while (rows.Step()) yield return read(rows);
        }
        finally { rows.Reset(); }
    }

    private SequenceFact Numbers(string name, string sql, bool gapless, long? given) =>
        database.Prepare(sql).First(row => new SequenceFact(name, row.Long(0), row.Long(1), row.Long(2), row.Long(3), gapless) { Given = given })!;

    private static CounterFact Counter(Statement row)
    {
        var (key, limitId) = (row.Text(1), row.Text(2));
        var kind = CounterNames.KindOf(key);
        return new(row.Long(0), kind, limitId, row.Long(3), row.Long(4), row.Long(5), row.Long(6))
        {
            IsCounted = CounterNames.IsCounted(kind, limitId), Seeded = row.LongOrNull(7), Over = row.Long(8),
            Catalog = CounterNames.CatalogOf(kind, row.LongOrNull(9), row.TextOrNull(10) is { } week ? WeekdayLimits.Read(week) : null, !row.IsNull(11) && row.Bool(11)),
        };
    }

    private static TransferFact Transfer(Statement row, int first) => new(row.Int(first), row.Text(first + 1), row.Text(first + 2), row.Text(first + 3), new(row.Long(first + 4)));

    private static LeadFact Lead(Statement row) =>
        new(row.Text(1), (LeadState)row.Int(2), row.Int(3), row.Int(4), row.Bool(5), row.Long(6) == 0, row.IsNull(7) ? null : RecordedAnswer.Read(row.Span(7))) { Waits = row.Bool(8) };

    private static CopyFact Copy(Statement row) => new(
        row.Int(1), row.Text(2), row.Text(3), row.Text(4), row.Bool(5), (CopyState)row.Int(6), new(row.Long(7)), new(row.Long(8)), row.Bool(9), row.Long(10),
        [.. StoredTakes.Read(row.Span(11)).Select(static take => new TakeFact(take.Counter, take.Amount))]);
}
