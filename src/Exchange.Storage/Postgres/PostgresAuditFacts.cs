using Exchange.Engine.Audit;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Exchange.Storage.Audit;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// The facts of one open transaction that sees one moment. Every table is read once, through a cursor, in the order of leads and merged; only the names of
/// counters are kept, by which copies say what they took.
/// </summary>
internal sealed class PostgresAuditFacts(NpgsqlConnection database, long nowMs, CancellationToken cancel) : IAuditFacts
{
    private const int RowsAtOnce = 2_000;

    private readonly Dictionary<string, long> counters = new(StringComparer.Ordinal);
    private int cursors;

    public long NowMs => nowMs;

    public IEnumerable<CounterFact> Counters() => Rows("""
        SELECT c.key, c.limit_id, c.window_start, c.lim, c.used, c.held, c.seeded, c.over, k.lim, k.weekdays, k.active
        FROM counter c LEFT JOIN cap k ON k.id = c.limit_id
        """, Counter);

    public IEnumerable<LimitFact> Limits() => Rows("SELECT k.kind, k.id, EXISTS (SELECT 1 FROM counter c WHERE c.key = k.id) FROM cap k WHERE k.active AND k.kind <> 1",
        static row => new LimitFact((LimitKind)row.Int(0), row.Text(1), row.Bool(2)));

    public IEnumerable<TransferFact> Bookings() => Rows("SELECT no, kind, debit, credit, amount FROM transfer WHERE lead_id IS NULL", static row => Transfer(row, 0));

    private const string Waits = "EXISTS (SELECT 1 FROM lead_wait w WHERE w.lead_id = lead.lead_id AND w.due_at IS NOT NULL)";

    public IEnumerable<LeadFacts> Leads() => LeadMerge.Merge(
        Rows($"SELECT lead_id, publisher, state, max_copies, open_copies, open_exclusive, offer_ms, answer, {Waits} FROM lead ORDER BY lead_id", static row => (row.Lead(0), Lead(row))),
        Rows("SELECT lead_id, no, campaign, buyer, company, exclusive, state, price, payout, called, at_ms, takes, amounts FROM copy ORDER BY lead_id, no", row => (row.Lead(0), Copy(row))),
        // A lead's bookings have its id as their source.
        Rows("SELECT lead_id, no, kind, debit, credit, amount FROM transfer WHERE lead_id IS NOT NULL ORDER BY source, no, kind, part", static row => (row.Lead(0), Transfer(row, 1))),
        Rows("SELECT lead_id, no, status, pulled, due_at, wait > 0 FROM delivery ORDER BY lead_id, no",
            static row => (row.Lead(0), new DeliveryFact(row.Int(1), (DeliveryFactState)row.Int(2), row.Bool(3), row.Long(4) != NewDelivery.NeverDue) { Waits = row.Bool(5) })),
        Rows("SELECT lead_id, count(*)::integer FROM person GROUP BY lead_id ORDER BY lead_id", static row => (row.Lead(0), row.Int(1))),
        Rows("SELECT lead_id, event, no, status FROM postback ORDER BY lead_id, event, no",
            static row => (row.Lead(0), new PostbackFact((PostbackEvent)row.Int(1), row.Int(2), (DeliveryFactState)row.Int(3)))),
        Rows("SELECT lead_id, no, buyer FROM sold ORDER BY lead_id, no", static row => (row.Lead(0), new ListedFact(row.Int(1), row.Text(2)))),
        Rows("SELECT lead_id, no, status, booked, decided_ms FROM copy_return ORDER BY lead_id, no",
            static row => (row.Lead(0), new ReturnFact(row.Int(1), (ReturnFactState)row.Int(2), row.Bool(3), row.LongOrNull(4) ?? 0))));

    public IEnumerable<RequestFact> Requests() => Rows("SELECT publisher, lead_id FROM request", static row => new RequestFact(row.Text(0), row.Lead(1)));

    /// <summary>
    /// A number of the database's own that a transaction took is not given back when that is undone: bookings and the audit trail have gaps. A buyer's list has
    /// none but those that a restored database left out, which are taken off, and ends where its next number begins.
    /// </summary>
    public IEnumerable<SequenceFact> Sequences() =>
        Rows("""
            SELECT 'transfer', count(*), count(*), coalesce(min(seq), 0), coalesce(max(seq), 0), pg_sequence_last_value(pg_get_serial_sequence('transfer', 'seq')::regclass), false FROM transfer
            UNION ALL
            SELECT 'audit', count(*), count(*), coalesce(min(seq), 0), coalesce(max(seq), 0), pg_sequence_last_value(pg_get_serial_sequence('audit', 'seq')::regclass), false FROM audit
            UNION ALL
            SELECT 'sold:' || coalesce(b.buyer, s.buyer), coalesce(s.rows, 0), coalesce(s.rows, 0), coalesce(s.first, 0),
              coalesce(s.last, 0) - coalesce((SELECT sum(l.numbers) FROM sold_left_out l WHERE l.buyer = s.buyer AND l.after < s.last), 0)::bigint,
              coalesce(b.last, 0) - coalesce((SELECT sum(l.numbers) FROM sold_left_out l WHERE l.buyer = b.buyer AND l.after < b.last), 0)::bigint, true
            FROM buyer_sales b FULL JOIN (SELECT buyer, count(*) AS rows, min(seq) AS first, max(seq) AS last FROM sold GROUP BY buyer) s ON s.buyer = b.buyer
            """, static row => new SequenceFact(row.Text(0), row.Long(1), row.Long(2), row.Long(3), row.Long(4), row.Bool(6)) { Given = row.LongOrNull(5) });

    public IEnumerable<AccountFact> Accounts() => Rows(PostgresLedger.Balances(PostgresLedger.Closed), static row => new AccountFact(row.Text(0), new(row.Long(1))));

    private IEnumerable<T> Rows<T>(string sql, Func<NpgsqlDataReader, T> read)
    {
        var cursor = "facts_" + ++cursors;
        using (var declare = Command($"DECLARE {cursor} NO SCROLL CURSOR FOR {sql}")) declare.ExecuteNonQuery();
        List<T> rows;
        do
        {
            cancel.ThrowIfCancellationRequested();
            rows = [];
            using (var fetch = Command($"FETCH {RowsAtOnce} FROM {cursor}"))
            using (var reader = fetch.ExecuteReader())
                while (reader.Read()) rows.Add(read(reader));
            foreach (var row in rows) yield return row;
        }
        while (rows.Count == RowsAtOnce);
        using var close = Command($"CLOSE {cursor}");
        close.ExecuteNonQuery();
    }

#pragma warning disable CA2100 // Statements of this file.
    private NpgsqlCommand Command(string sql) => new(sql, database);
#pragma warning restore CA2100

    private CounterFact Counter(NpgsqlDataReader row)
    {
        var (key, limitId) = (row.Text(0), row.Text(1));
        var kind = CounterNames.KindOf(key);
        counters.Add(key, counters.Count + 1);
        return new(counters.Count, kind, limitId, row.Long(2), row.Long(3), row.Long(4), row.Long(5))
        {
            IsCounted = CounterNames.IsCounted(kind, limitId), Seeded = row.LongOrNull(6), Over = row.Long(7),
            Catalog = CounterNames.CatalogOf(kind, row.LongOrNull(8), row.IsDBNull(9) ? null : row.GetFieldValue<long[]>(9), !row.IsDBNull(10) && row.Bool(10)),
        };
    }

    private static LeadFact Lead(NpgsqlDataReader row) =>
        new(row.Text(1), (LeadState)row.Int(2), row.Int(3), row.Int(4), row.Bool(5), row.Long(6) == 0, row.BlobOrNull(7) is { } answer ? RecordedAnswer.Read(answer) : null) { Waits = row.Bool(8) };

    private CopyFact Copy(NpgsqlDataReader row) => new(
        row.Int(1), row.Text(2), row.Text(3), row.Text(4), row.Bool(5), (CopyState)row.Int(6), new(row.Long(7)), new(row.Long(8)), row.Bool(9), row.Long(10),
        Takes(row.GetFieldValue<string[]>(11), row.GetFieldValue<long[]>(12)));

    /// <summary>A counter that is not there has the number 0: those of old windows are not.</summary>
    private List<TakeFact> Takes(string[] keys, long[] amounts)
    {
        List<TakeFact> takes = [];
        for (var i = 0; i < keys.Length; i++)
            if (amounts[i] != 0) takes.Add(new(counters.GetValueOrDefault(keys[i]), amounts[i]));
        return takes;
    }

    private static TransferFact Transfer(NpgsqlDataReader row, int first) => new(row.Int(first), row.Text(first + 1), row.Text(first + 2), row.Text(first + 3), new(row.Long(first + 4)));
}
