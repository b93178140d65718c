using System.Globalization;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Npgsql;

namespace Exchange.LoadTests.Journal;

/// <summary>
/// The comparison: the same rows by one call of a server function per sale, each its own transaction. It is the best that one transaction per sale can do: one round
/// trip, and the hot rows last and in order.
/// </summary>
internal static class OneByOne
{
    private const string Function = """
        CREATE OR REPLACE FUNCTION one_sale(l uuid, k text, h bytea, c text, b text, at bigint, keys text[], amounts bigint[], price bigint, payout bigint, body bytea)
        RETURNS integer LANGUAGE plpgsql AS $$
        DECLARE bad integer; s bigint;
        BEGIN
            INSERT INTO request VALUES ('p', k, l, h);
            INSERT INTO lead (lead_id, publisher, vertical, sub_id, test, state, reason, max_copies, open_copies, open_exclusive, catalog_version, at_ms, offer_ms, post_hash, answer, sealed)
            VALUES (l, 'p', 'auto', 'kw-17', false, 2, 0, 1, 1, true, 1, at, 0, h, h, body);
            INSERT INTO person (scope, hmac, lead_id, no, at_ms) VALUES ('auto', h, l, 0, at), ('b:' || b, h, l, 0, at);
            INSERT INTO copy (lead_id, no, offer_id, campaign, buyer, company, publisher, exclusive, state, price, payout, at_ms, changed_ms, reason, tier, trees, called, takes, amounts)
            VALUES (l, 1, '1', c, b, b, 'p', true, 3, price, payout, at, at, 0, 'main/first', 'main', true, keys, amounts);
            INSERT INTO transfer (source, no, kind, part, at_ms, lead_id, debit, credit, amount)
            VALUES (uuid_send(l), 1, 'payout', 0, at, l, 'buyer:' || b, 'publisher:p', payout), (uuid_send(l), 1, 'margin', 1, at, l, 'buyer:' || b, 'house', price - payout);
            INSERT INTO delivery (lead_id, no, endpoint, status, pulled, due_at, lease_until, fence, attempts, created_ms, changed_ms)
            VALUES (l, 1, 'inbox', 1, true, 9223372036854775807, 0, 0, 0, at, at);
            PERFORM 1 FROM counter WHERE key = ANY (keys) ORDER BY key FOR NO KEY UPDATE;
            SELECT count(*) INTO bad FROM unnest(keys, amounts) AS t (key, n) LEFT JOIN counter x ON x.key = t.key WHERE x.key IS NULL OR x.used + x.held + t.n > x.lim;
            IF bad > 0 THEN RAISE EXCEPTION 'refused' USING ERRCODE = 'EX002'; END IF;
            UPDATE counter x SET used = x.used + t.n FROM unnest(keys, amounts) AS t (key, n) WHERE x.key = t.key AND t.n > 0;
            INSERT INTO buyer_sales AS q (buyer, last) VALUES (b, 1) ON CONFLICT (buyer) DO UPDATE SET last = q.last + 1 RETURNING last INTO s;
            INSERT INTO sold VALUES (b, s, l, 1);
            RETURN 0;
        END $$
        """;

    /// <summary>Connections as anybody would have them: prepared statements, plans the server keeps.</summary>
    public static NpgsqlDataSource Source(string connection, int connections) =>
        new NpgsqlDataSourceBuilder(connection + string.Create(CultureInfo.InvariantCulture, $";Maximum Pool Size={connections};Max Auto Prepare=20")).Build();

    public static async Task PrepareAsync(NpgsqlDataSource source, IEnumerable<Take> windows)
    {
        await using (var make = source.CreateCommand(Function)) await make.ExecuteNonQueryAsync();
        foreach (var take in windows)
        {
            await using var window = source.CreateCommand("SELECT make_windows($1, $2, $3, $4)");
            foreach (object value in new object[] { new[] { take.Key }, new[] { take.LimitId }, new[] { 0 }, new[] { 0L } }) window.Parameters.Add(new() { Value = value });
            await window.ExecuteNonQueryAsync();
        }
    }

    public static async Task<Verdict> SellAsync(NpgsqlDataSource source, JournalItem item)
    {
        var copy = item.Starts[0];
        await using var command = source.CreateCommand("SELECT one_sale($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
        foreach (object value in new object[]
        {
            item.Lead.ToGuid(), item.Request!.Key, item.Request.BodyHash, copy.Campaign, copy.Buyer, item.AtMs, copy.Takes.Select(take => take.Key).ToArray(),
            copy.Takes.Select(take => take.Amount).ToArray(), copy.Price.Micros, copy.Payout.Micros, item.New!.Sealed,
        })
            command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync();
        return new(VerdictCode.Done);
    }
}
