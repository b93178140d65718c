using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Counts for a cap that was not in force what its current window has sold already. Leads are opened only for caps that ask (condition, count for
/// each value), and before the transaction as far as they are there.
/// </summary>
/// <param name="nowMs">The moment of the apply.</param>
/// <param name="laterMs">A moment that no sale is past whom the apply did not stop: where another window has begun by then, it is counted too.</param>
internal sealed class LimitSeeder(ICopyFacts? facts, long nowMs, Func<long> laterMs)
{
    private const string Live = "at_ms >= $2 AND at_ms < $3 AND NOT is_test(lead_id) AND state";
    /// <summary>Payloads are kilobytes: so many at a time are in memory.</summary>
    private const int LeadsAtOnce = 500;
    /// <summary>Copies that one statement marks: a month's sales at once would take longer than a statement may.</summary>
    internal const int MarkedAtOnce = 10_000;

    private readonly KnownCopyFacts known = new(facts);

    /// <summary>Looks at the copies that are there, on a reading connection.</summary>
    public async Task PrepareAsync(NpgsqlDataSource reads, IReadOnlyList<LimitModel> limits, CancellationToken cancel)
    {
        var asking = limits.Where(limit => limit is { Kind: LimitKind.Cap, IsTake: true } && NewCapCount.AsksOf(limit)).ToList();
        if (asking.Count == 0) return;
        await using var database = await reads.OpenAsync(cancel).ConfigureAwait(false);
        var active = (await database.AllAsync("SELECT id FROM cap WHERE id = ANY($1) AND active", static row => row.Text(0), cancel,
            (object)asking.Select(limit => limit.Id).ToArray()).ConfigureAwait(false)).ToHashSet(StringComparer.Ordinal);
        foreach (var limit in asking.Where(limit => !active.Contains(limit.Id)))
            await AskAsync(database, limit, await CopiesAsync(database, limit, new(limit, nowMs), "", cancel).ConfigureAwait(false), cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// The current window's counters become what its live copies took; those still held get the take, so that their end moves this counter too. What came
    /// back counts, unless the cap counts what was kept: then it does not, and what is sold gets the take, so that its return moves this counter.
    /// Tests take nothing. Sales are held, the cap's counters locked.
    /// </summary>
    public async Task SeedAsync(NpgsqlConnection database, LimitModel limit, CancellationToken cancel)
    {
        foreach (var count in NewCapCount.Of(limit, nowMs, laterMs())) await SeedAsync(database, limit, count, cancel).ConfigureAwait(false);
    }

    private async Task SeedAsync(NpgsqlConnection database, LimitModel limit, NewCapCount count, CancellationToken cancel)
    {
        foreach (var key in await database.AllAsync("SELECT key FROM counter WHERE limit_id = $1 AND window_start = $2", static row => row.Text(0), cancel,
            limit.Id, count.Window.Start).ConfigureAwait(false)) count.Begin(key);
        if (count.LooksAtSold)
        {
            var copies = await CopiesAsync(database, limit, count, "", cancel).ConfigureAwait(false);
            var taken = count.Asks ? await TakenAsync(database, copies, [.. count.Rows.Keys], cancel).ConfigureAwait(false) : [];
            if (count.Asks) await AskAsync(database, limit, [.. copies.Where(copy => !taken.ContainsKey((copy.Lead, copy.No)))], cancel).ConfigureAwait(false);
            foreach (var copy in copies)
                if (taken.TryGetValue((copy.Lead, copy.No), out var key)) count.AddTaken(copy, key);
                else if ((count.Asks ? known.Of(limit, copy) : (true, null)) is (true, var value)) count.Add(copy, value);
        }
        else
        {
            var (sold, price, payout) = await SoldAsync(database, limit, count, cancel).ConfigureAwait(false);
            count.AddSold(sold, price, payout);
            foreach (var copy in await CopiesAsync(database, limit, count, "AND state IN (1, 2) ", cancel).ConfigureAwait(false)) count.Add(copy, null);
        }
        await WriteAsync(database, limit, count, cancel).ConfigureAwait(false);
    }

    /// <summary>Of these copies those that have taken of one of these counters, with its key.</summary>
    private static async Task<Dictionary<(LeadId Lead, int No), string>> TakenAsync(NpgsqlConnection database, List<LiveCopy> copies, string[] keys, CancellationToken cancel)
    {
        if (keys.Length == 0 || copies.Count == 0) return [];
        var taken = await database.AllAsync("""
            SELECT c.lead_id, c.no, k.key FROM unnest($1, $2) AS t (lead_id, no) JOIN copy c ON c.lead_id = t.lead_id AND c.no = t.no JOIN unnest($3) AS k (key) ON k.key = ANY (c.takes)
            """, static row => (Lead: row.Lead(0), No: row.Int(1), Key: row.Text(2)), cancel, Leads(copies), Numbers(copies), keys).ConfigureAwait(false);
        return taken.DistinctBy(static row => (row.Lead, row.No)).ToDictionary(static row => (row.Lead, row.No), static row => row.Key);
    }

    /// <summary>In the order of leads, so that one that was opened for its first copy serves for its next.</summary>
    private async Task AskAsync(NpgsqlConnection database, LimitModel limit, List<LiveCopy> copies, CancellationToken cancel)
    {
        foreach (var unknown in copies.Where(copy => !known.Knows(limit, copy)).Chunk(LeadsAtOnce))
            foreach (var stored in await database.AllAsync("""
                SELECT l.lead_id, c.no, l.publisher, l.vertical, l.sub_id, l.channel, c.campaign, c.buyer, c.exclusive, c.price, c.payout, c.at_ms, l.catalog_version, l.sealed
                FROM unnest($1, $2) AS t (lead_id, no) JOIN copy c ON c.lead_id = t.lead_id AND c.no = t.no JOIN lead l ON l.lead_id = c.lead_id ORDER BY l.lead_id, c.no
                """, static row => new StoredCopy(
                    row.Lead(0), row.Int(1), row.Text(2), row.Text(3), row.TextOrNull(4), row.TextOrNull(5), row.Text(6), row.Text(7), row.Bool(8),
                    new(row.Long(9)), new(row.Long(10)), row.Long(11), row.Long(12), row.Blob(13)), cancel, Leads(unknown), Numbers(unknown)).ConfigureAwait(false))
                known.Ask(limit, stored);
    }

    /// <summary>
    /// A row is made only when there is something in it, as by a first take. What its copies do not say of it is kept beside it, for the audit: what they used
    /// without a take (where what was kept counts, none does), and that it began beyond its limit.
    /// </summary>
    private static async Task WriteAsync(NpgsqlConnection database, LimitModel limit, NewCapCount count, CancellationToken cancel)
    {
        await database.RunAsync("""
            INSERT INTO counter AS c (key, limit_id, window_start, lim, used, held, seeded, over)
            SELECT t.key, $1, $2, $3, t.used, t.held, CASE WHEN $7 THEN 0 ELSE t.used END, CASE WHEN t.used + t.held > $3 THEN t.used + t.held ELSE 0 END
            FROM unnest($4, $5, $6) AS t (key, used, held) ORDER BY t.key
            ON CONFLICT (key) DO UPDATE SET used = excluded.used, held = excluded.held, seeded = CASE WHEN $7 THEN 0 ELSE c.seeded + excluded.used - c.used END,
                over = CASE WHEN excluded.used + excluded.held > c.lim THEN excluded.used + excluded.held ELSE c.over END
            """, cancel, limit.Id, count.Window.Start, limit.RowLimitIn(count.Window),
            count.Rows.Keys.ToArray(), count.Rows.Values.Select(row => row.Used).ToArray(), count.Rows.Values.Select(row => row.Held).ToArray(), limit.CountsKept).ConfigureAwait(false);
        foreach (var (key, row) in count.Rows)
            foreach (var moving in row.Moving.Chunk(MarkedAtOnce))
                await database.RunAsync("""
                    UPDATE copy c SET takes = array_append(c.takes, $1), amounts = array_append(c.amounts, t.amount) FROM unnest($2, $3, $4) AS t (lead_id, no, amount)
                    WHERE c.lead_id = t.lead_id AND c.no = t.no AND NOT c.takes @> ARRAY[$1]
                    """, cancel, key, Leads(moving), Numbers(moving), moving.Select(copy => count.AmountOf(copy)).ToArray()).ConfigureAwait(false);
    }

    private static async Task<(long Count, long Price, long Payout)> SoldAsync(NpgsqlConnection database, LimitModel limit, NewCapCount of, CancellationToken cancel) =>
        await database.FirstAsync($"SELECT count(*), coalesce(sum(price), 0)::bigint, coalesce(sum(payout), 0)::bigint FROM copy WHERE {Column(limit)} = ANY($1) AND {Live} IN (3, 6)",
            static row => (row.Long(0), row.Long(1), row.Long(2)), cancel, await OwnersAsync(database, limit, cancel).ConfigureAwait(false), of.FromMs, of.UntilMs).ConfigureAwait(false);

    private static async Task<List<LiveCopy>> CopiesAsync(NpgsqlConnection database, LimitModel limit, NewCapCount of, string and, CancellationToken cancel) =>
        await database.AllAsync($"SELECT lead_id, no, state, price, payout FROM copy WHERE {Column(limit)} = ANY($1) AND {Live} IN (1, 2, 3{(limit.CountsKept ? "" : ", 6")}) {and}ORDER BY lead_id, no",
            static row => new LiveCopy(row.Lead(0), row.Int(1), (CopyState)row.Int(2), row.Long(3), row.Long(4)), cancel,
            await OwnersAsync(database, limit, cancel).ConfigureAwait(false), of.FromMs, of.UntilMs).ConfigureAwait(false);

    /// <summary>Whose copies the limit counts: its owner's, or those of each list of trees that its tree is in.</summary>
    private static async Task<string[]> OwnersAsync(NpgsqlConnection database, LimitModel limit, CancellationToken cancel) => limit.Scope != CapScope.Tree
        ? [limit.Owner]
        : [.. (await TreeLists.AllAsync(database, cancel).ConfigureAwait(false)).Where(trees => Array.IndexOf(CopyTrees.Read(trees), limit.Owner) >= 0)];

    private static string Column(LimitModel limit) =>
        limit.Scope switch { CapScope.Publisher => "publisher", CapScope.Campaign => "campaign", CapScope.Buyer => "buyer", _ => "trees <> '' AND trees" };

    private static LeadId[] Leads(IReadOnlyCollection<LiveCopy> copies) => [.. copies.Select(copy => copy.Lead)];

    private static int[] Numbers(IReadOnlyCollection<LiveCopy> copies) => [.. copies.Select(copy => copy.No)];
}
