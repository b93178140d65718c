using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Counts for a cap that was not in force what its current window has sold already. Leads are opened only for caps that ask (condition, count for
/// each value), and before the transaction as far as they are there: what such a cap makes of a copy never changes.
/// </summary>
internal sealed class LimitSeeder(ICopyFacts? facts, long nowMs)
{
    private const string Live = "at_ms >= ? AND at_ms < ? AND substr(lead_id, 9, 1) < x'80' AND state";

    private readonly Dictionary<(string Limit, LeadId Lead, int No), (bool Counts, string? Value)> known = [];

    private readonly record struct Taken(LeadId Lead, int No, CopyState State, long Price, long Payout, byte[] Takes);

    private sealed class Row(long id)
    {
        public long Id { get; set; } = id;
        public long Used { get; set; }
        public long Held { get; set; }
        /// <summary>Those whose end will move this counter.</summary>
        public List<Taken> Moving { get; } = [];
    }

    private static bool Asks(LimitModel limit) => limit.When is not null || limit.Each is not null;

    /// <summary>Looks at the copies that are there, on a reading connection.</summary>
    public void Prepare(Database database, IEnumerable<LimitModel> limits)
    {
        foreach (var limit in limits)
            if (limit.Kind == LimitKind.Cap && limit.IsTake && Asks(limit) && !AppliedLimits.IsActive(database, limit.Id))
                foreach (var copy in Copies(database, limit, WindowOf(limit), "")) Ask(database, limit, copy);
    }

    /// <summary>
    /// The current window's counters become what its live copies took; those still held get the take, so that their end moves this counter too. What came
    /// back counts, unless the cap counts what was kept: then it does not, and what is sold gets the take, so that its return moves this counter.
    /// Tests take nothing.
    /// </summary>
    public void Seed(Database database, LimitModel limit)
    {
        var window = WindowOf(limit);
        var rows = database.Prepare("SELECT key, id FROM counter WHERE limit_id = ? AND window_start = ?").Bind(limit.Id).Bind(window.Start)
            .All(static row => (Key: row.Text(0), Row: new Row(row.Long(1)))).ToDictionary(pair => pair.Key, pair => pair.Row, StringComparer.Ordinal);
        if (Asks(limit) || limit.CountsKept)
        {
            foreach (var copy in Copies(database, limit, window, ""))
                if (Ask(database, limit, copy) is (true, var value)) Add(rows, limit, value, copy);
        }
        else
        {
            var (count, price, payout) = Sold(database, limit, window);
            if (count > 0) RowOf(rows, limit, null).Used = limit.Metric == CapMetric.Spend ? limit.AmountOf(new(price), new(payout)) : count;
            foreach (var copy in Copies(database, limit, window, "AND state IN (1, 2) ")) Add(rows, limit, null, copy);
        }
        foreach (var (key, row) in rows) Write(database, limit, window, key, row);
    }

    private (bool Counts, string? Value) Ask(Database database, LimitModel limit, in Taken copy)
    {
        if (!Asks(limit)) return (true, null);
        var key = (limit.Id, copy.Lead, copy.No);
        if (known.TryGetValue(key, out var told)) return told;
        if (facts is null) throw new InvalidOperationException("a cap with a condition or a count for each value needs the facts of copies");
        var stored = database.Prepare("""
            SELECT l.lead_id, c.no, l.publisher, l.vertical, l.sub_id, l.channel, c.campaign, c.buyer, c.exclusive, c.price, c.payout, c.at_ms, l.catalog_version, l.sealed
            FROM copy c JOIN lead l ON l.lead_id = c.lead_id WHERE c.lead_id = ? AND c.no = ?
            """).Bind(copy.Lead).Bind(copy.No).First(static row => new StoredCopy(
                row.Lead(0), row.Int(1), row.Text(2), row.Text(3), row.TextOrNull(4), row.TextOrNull(5), row.Text(6), row.Text(7), row.Bool(8),
                new(row.Long(9)), new(row.Long(10)), row.Long(11), row.Long(12), row.Blob(13)))!;
        told = (facts.Counts(limit, stored, out var value), value);
        known.Add(key, told);
        return told;
    }

    private void Add(Dictionary<string, Row> rows, LimitModel limit, string? value, in Taken copy)
    {
        var row = RowOf(rows, limit, value);
        var amount = limit.AmountOf(new(copy.Price), new(copy.Payout));
        var sold = copy.State is CopyState.Captured or CopyState.Reversed;
        if (sold) row.Used += amount;
        else row.Held += amount;
        if (amount > 0 && (!sold || limit.CountsKept)) row.Moving.Add(copy);
    }

    private Row RowOf(Dictionary<string, Row> rows, LimitModel limit, string? value)
    {
        var key = limit.KeyAt(Math.DivRem(nowMs, 1000).Quotient, out _, value);
        if (!rows.TryGetValue(key, out var row)) rows.Add(key, row = new Row(0));
        return row;
    }

    /// <summary>A row is made only when there is something in it, as by a first take.</summary>
    private static void Write(Database database, LimitModel limit, Window window, string key, Row row)
    {
        if (row.Id == 0)
            row.Id = database.Prepare("INSERT INTO counter (key, limit_id, window_start, lim, used, held) VALUES (?, ?, ?, ?, 0, 0) RETURNING id")
                .Bind(key).Bind(limit.Id).Bind(window.Start).Bind(limit.RowLimitIn(window)).Scalar()!.Value;
        // What its copies do not say of it is kept beside it, for the audit: what they used without a take (where what was kept counts, none does), and that
        // it began beyond its limit.
        database.Prepare("""
            UPDATE counter SET seeded = CASE WHEN ?4 THEN 0 ELSE seeded + ?1 - used END, used = ?1, held = ?2, over = CASE WHEN ?1 + ?2 > lim THEN ?1 + ?2 ELSE over END
            WHERE id = ?3
            """).Bind(row.Used).Bind(row.Held).Bind(row.Id).Bind(limit.CountsKept).Run();
        foreach (var copy in row.Moving)
        {
            // Read again: another new cap may have added to it just before.
            var takes = StoredTakes.Read(database.Prepare("SELECT takes FROM copy WHERE lead_id = ? AND no = ?").Bind(copy.Lead).Bind(copy.No).First(static row => row.Blob(0)));
            if (takes.Exists(take => take.Counter == row.Id)) continue;
            takes.Add((row.Id, limit.AmountOf(new(copy.Price), new(copy.Payout))));
            database.Prepare("UPDATE copy SET takes = ? WHERE lead_id = ? AND no = ?").Bind(StoredTakes.Write(takes)).Bind(copy.Lead).Bind(copy.No).Run();
        }
    }

    private Window WindowOf(LimitModel limit)
    {
        limit.KeyAt(Math.DivRem(nowMs, 1000).Quotient, out var window);
        return window;
    }

    private static (long Count, long Price, long Payout) Sold(Database database, LimitModel limit, Window window)
    {
        (long, long, long) sum = default;
        foreach (var statement in Where(database, limit, window, "SELECT count(*), coalesce(sum(price), 0), coalesce(sum(payout), 0) FROM copy", "AND state IN (3, 6) "))
        {
            var (count, price, payout) = statement().First(static row => (row.Long(0), row.Long(1), row.Long(2)));
            sum = checked((sum.Item1 + count, sum.Item2 + price, sum.Item3 + payout));
        }
        return sum;
    }

    /// <summary>In the order of leads, so that one that was opened for its first copy serves for its next.</summary>
    private static List<Taken> Copies(Database database, LimitModel limit, Window window, string and)
    {
        List<Taken> copies = [];
        foreach (var statement in Where(database, limit, window, "SELECT lead_id, no, state, price, payout, takes FROM copy", and + "ORDER BY lead_id, no"))
            copies.AddRange(statement().All(static row => new Taken(row.Lead(0), row.Int(1), (CopyState)row.Int(2), row.Long(3), row.Long(4), row.Blob(5))));
        return copies;
    }

    /// <summary>Whose copies the limit counts: one statement, or one for each list of trees that its tree is in.</summary>
    private static IEnumerable<Func<Statement>> Where(Database database, LimitModel limit, Window window, string select, string and)
    {
        var column = limit.Scope switch { CapScope.Publisher => "publisher", CapScope.Campaign => "campaign", CapScope.Buyer => "buyer", _ => "trees <> '' AND trees" };
        var sql = $"{select} WHERE {column} = ? AND {Live} IN (1, 2, 3{(limit.CountsKept ? "" : ", 6")}) {and}";
        IEnumerable<string> owners = limit.Scope == CapScope.Tree
            ? CopyTrees.All(database).Where(trees => Array.IndexOf(CopyTrees.Read(trees), limit.Owner) >= 0)
            : [limit.Owner];
        return owners.Select(owner => new Func<Statement>(() => database.Prepare(sql).Bind(owner).Bind(Milliseconds(window.Start)).Bind(Milliseconds(window.End))));
    }

    private static long Milliseconds(long seconds) => seconds >= long.MaxValue / 1000 ? long.MaxValue : seconds * 1000;
}
