using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Counts for a cap that was not in force what its current window has sold already. Leads are opened only for caps that ask (condition, count for
/// each value), and before the transaction as far as they are there.
/// </summary>
/// <param name="nowMs">The moment of the apply.</param>
/// <param name="laterMs">A moment that no sale is past whom the apply did not stop: where another window has begun by then, it is counted too.</param>
internal sealed class LimitSeeder(ICopyFacts? facts, long nowMs, Func<long> laterMs)
{
    private const string Live = "at_ms >= ? AND at_ms < ? AND substr(lead_id, 9, 1) < x'80' AND state";

    private readonly KnownCopyFacts known = new(facts);

    /// <summary>Looks at the copies that are there, on a reading connection.</summary>
    public void Prepare(Database database, IEnumerable<LimitModel> limits)
    {
        foreach (var limit in limits)
            if (limit.Kind == LimitKind.Cap && limit.IsTake && NewCapCount.AsksOf(limit) && !LimitRows.IsActive(database, limit.Id))
                foreach (var copy in Copies(database, limit, new(limit, nowMs), "")) Ask(database, limit, copy);
    }

    /// <summary>
    /// The current window's counters become what its live copies took; those still held get the take, so that their end moves this counter too. What came
    /// back counts, unless the cap counts what was kept: then it does not, and what is sold gets the take, so that its return moves this counter.
    /// Tests take nothing.
    /// </summary>
    public void Seed(Database database, LimitModel limit)
    {
        foreach (var count in NewCapCount.Of(limit, nowMs, laterMs())) Seed(database, limit, count);
    }

    private void Seed(Database database, LimitModel limit, NewCapCount count)
    {
        var ids = database.Prepare("SELECT key, id FROM counter WHERE limit_id = ? AND window_start = ?").Bind(limit.Id).Bind(count.Window.Start)
            .All(static row => (Key: row.Text(0), Id: row.Long(1))).ToDictionary(row => row.Key, row => row.Id, StringComparer.Ordinal);
        foreach (var key in ids.Keys) count.Begin(key);
        if (count.LooksAtSold)
        {
            var keys = ids.ToDictionary(pair => pair.Value, pair => pair.Key);
            foreach (var copy in Copies(database, limit, count, ""))
                if (count.Asks && TakenOf(database, copy, keys) is { } taken) count.AddTaken(copy, taken);
                else if (Ask(database, limit, copy) is (true, var value)) count.Add(copy, value);
        }
        else
        {
            var (sold, price, payout) = Sold(database, limit, count);
            count.AddSold(sold, price, payout);
            foreach (var copy in Copies(database, limit, count, "AND state IN (1, 2) ")) count.Add(copy, null);
        }
        foreach (var (key, row) in count.Rows) Write(database, limit, count, key, ids.GetValueOrDefault(key), row);
    }

    /// <summary>The counter of these that a copy has taken of.</summary>
    private static string? TakenOf(Database database, in LiveCopy copy, Dictionary<long, string> keys)
    {
        if (keys.Count == 0) return null;
        foreach (var (counter, _) in StoredTakes.Read(database.Prepare("SELECT takes FROM copy WHERE lead_id = ? AND no = ?").Bind(copy.Lead).Bind(copy.No).First(static row => row.Blob(0))))
            if (keys.TryGetValue(counter, out var key)) return key;
        return null;
    }

    private (bool Counts, string? Value) Ask(Database database, LimitModel limit, in LiveCopy copy)
    {
        if (!NewCapCount.AsksOf(limit)) return (true, null);
        if (!known.Knows(limit, copy))
            known.Ask(limit, database.Prepare("""
                SELECT l.lead_id, c.no, l.publisher, l.vertical, l.sub_id, l.channel, c.campaign, c.buyer, c.exclusive, c.price, c.payout, c.at_ms, l.catalog_version, l.sealed
                FROM copy c JOIN lead l ON l.lead_id = c.lead_id WHERE c.lead_id = ? AND c.no = ?
                """).Bind(copy.Lead).Bind(copy.No).First(static row => new StoredCopy(
                    row.Lead(0), row.Int(1), row.Text(2), row.Text(3), row.TextOrNull(4), row.TextOrNull(5), row.Text(6), row.Text(7), row.Bool(8),
                    new(row.Long(9)), new(row.Long(10)), row.Long(11), row.Long(12), row.Blob(13)))!);
        return known.Of(limit, copy);
    }

    /// <summary>A row is made only when there is something in it, as by a first take.</summary>
    private static void Write(Database database, LimitModel limit, NewCapCount count, string key, long id, NewCapCount.Row row)
    {
        if (id == 0)
            id = database.Prepare("INSERT INTO counter (key, limit_id, window_start, lim, used, held) VALUES (?, ?, ?, ?, 0, 0) RETURNING id")
                .Bind(key).Bind(limit.Id).Bind(count.Window.Start).Bind(limit.RowLimitIn(count.Window)).Scalar()!.Value;
        // What its copies do not say of it is kept beside it, for the audit: what they used without a take (where what was kept counts, none does), and that
        // it began beyond its limit.
        database.Prepare("""
            UPDATE counter SET seeded = CASE WHEN ?4 THEN 0 ELSE seeded + ?1 - used END, used = ?1, held = ?2, over = CASE WHEN ?1 + ?2 > lim THEN ?1 + ?2 ELSE over END
            WHERE id = ?3
            """).Bind(row.Used).Bind(row.Held).Bind(id).Bind(limit.CountsKept).Run();
        foreach (var copy in row.Moving)
        {
            // Read again: another new cap may have added to it just before.
            var takes = StoredTakes.Read(database.Prepare("SELECT takes FROM copy WHERE lead_id = ? AND no = ?").Bind(copy.Lead).Bind(copy.No).First(static row => row.Blob(0)));
            if (takes.Exists(take => take.Counter == id)) continue;
            takes.Add((id, count.AmountOf(copy)));
            database.Prepare("UPDATE copy SET takes = ? WHERE lead_id = ? AND no = ?").Bind(StoredTakes.Write(takes)).Bind(copy.Lead).Bind(copy.No).Run();
        }
    }

    private static (long Count, long Price, long Payout) Sold(Database database, LimitModel limit, NewCapCount of)
    {
        (long, long, long) sum = default;
        foreach (var statement in Where(database, limit, of, "SELECT count(*), coalesce(sum(price), 0), coalesce(sum(payout), 0) FROM copy", "AND state IN (3, 6) "))
        {
            var (count, price, payout) = statement().First(static row => (row.Long(0), row.Long(1), row.Long(2)));
            sum = checked((sum.Item1 + count, sum.Item2 + price, sum.Item3 + payout));
        }
        return sum;
    }

    /// <summary>In the order of leads, so that one that was opened for its first copy serves for its next.</summary>
    private static List<LiveCopy> Copies(Database database, LimitModel limit, NewCapCount of, string and)
    {
        List<LiveCopy> copies = [];
        foreach (var statement in Where(database, limit, of, "SELECT lead_id, no, state, price, payout FROM copy", and + "ORDER BY lead_id, no"))
            copies.AddRange(statement().All(static row => new LiveCopy(row.Lead(0), row.Int(1), (CopyState)row.Int(2), row.Long(3), row.Long(4))));
        return copies;
    }

    /// <summary>Whose copies the limit counts: one statement, or one for each list of trees that its tree is in.</summary>
    private static IEnumerable<Func<Statement>> Where(Database database, LimitModel limit, NewCapCount of, string select, string and)
    {
        var column = limit.Scope switch { CapScope.Publisher => "publisher", CapScope.Campaign => "campaign", CapScope.Buyer => "buyer", _ => "trees <> '' AND trees" };
        var sql = $"{select} WHERE {column} = ? AND {Live} IN (1, 2, 3{(limit.CountsKept ? "" : ", 6")}) {and}";
        IEnumerable<string> owners = limit.Scope == CapScope.Tree
            ? TreeLists.All(database).Where(trees => Array.IndexOf(CopyTrees.Read(trees), limit.Owner) >= 0)
            : [limit.Owner];
        return owners.Select(owner => new Func<Statement>(() => database.Prepare(sql).Bind(owner).Bind(of.FromMs).Bind(of.UntilMs)));
    }
}
