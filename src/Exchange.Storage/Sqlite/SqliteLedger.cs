using System.Buffers.Binary;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>Money: transfers are inserted and never changed; a balance is their sum.</summary>
internal sealed class SqliteLedger(Writer writer, ReadPool reads) : ILedgerStore
{
    /// <summary>A sum over more bookings than this leaves a closing row behind.</summary>
    private const long BookingsPerClosing = 20_000;

    private const string Columns = "seq, at_ms, lead_id, kind, debit, credit, amount, reference";

    public Task<bool> FundAsync(string buyer, Money amount, string reference, long nowMs, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(amount.Micros, nameof(amount));
        return writer.RunAsync(session =>
        {
            var database = session.Database;
            var hash = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(hash, amount.Micros);
            var scope = "fund:" + buyer;
            if (database.Prepare("SELECT hash FROM operation WHERE scope = ? AND key = ?").Bind(scope).Bind(reference).First(static row => row.Blob(0)) is { } booked)
                return booked.AsSpan().SequenceEqual(hash) ? false : throw new ReferenceReusedException(reference);
            database.Prepare("INSERT INTO operation (scope, key, hash, result, at_ms) VALUES (?, ?, ?, x'', ?)")
                .Bind(scope).Bind(reference).Bind(hash).Bind(nowMs).Run();
            database.Prepare("INSERT INTO transfer (source, no, kind, part, at_ms, debit, credit, amount, reference) VALUES (?, 0, 'fund', 0, ?, ?, ?, ?, ?)")
                .Bind(Encoding.UTF8.GetBytes(scope + ":" + reference)).Bind(nowMs).Bind(Accounts.Bank).Bind(Accounts.Buyer(buyer)).Bind(amount.Micros).Bind(reference).Run();
            var limit = LimitNames.Balance(buyer);
            // Money may come before the catalog that names the buyer: its credit is then added to what is there.
            var value = database.Prepare("""
                INSERT INTO counter (key, limit_id, window_start, lim, used, held) VALUES (?, ?, 0, ?, 0, 0)
                ON CONFLICT (key) DO UPDATE SET lim = lim + excluded.lim RETURNING lim, used, held
                """).Bind(limit).Bind(limit).Bind(amount.Micros).First(row => new CounterValue(limit, limit, row.Long(0), row.Long(1), row.Long(2)));
            session.Tell(value);
            return true;
        }, cancel);
    }

    public Task<Page<TransferRow>> ListAsync(LeadId? lead, string? account, int limit, string? cursor, CancellationToken cancel)
    {
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        var before = Rows.Number(cursor, long.MaxValue);
        return reads.ReadAsync(database =>
        {
            var rows = (lead, account) switch
            {
                ({ } id, null) => database.Prepare($"SELECT {Columns} FROM transfer WHERE source = ? AND seq < ? ORDER BY seq DESC LIMIT ?")
                    .Bind(id).Bind(before).Bind(limit + 1),
                ({ } id, { } name) => database.Prepare(
                        $"SELECT {Columns} FROM transfer WHERE source = ? AND seq < ? AND (debit = ? OR credit = ?) ORDER BY seq DESC LIMIT ?")
                    .Bind(id).Bind(before).Bind(name).Bind(name).Bind(limit + 1),
                (null, { } name) => database.Prepare($"""
                    SELECT {Columns} FROM transfer WHERE seq IN (
                        SELECT seq FROM (SELECT seq FROM transfer WHERE debit = ? AND seq < ? ORDER BY seq DESC LIMIT ?)
                        UNION SELECT seq FROM (SELECT seq FROM transfer WHERE credit = ? AND seq < ? ORDER BY seq DESC LIMIT ?))
                    ORDER BY seq DESC LIMIT ?
                    """).Bind(name).Bind(before).Bind(limit + 1).Bind(name).Bind(before).Bind(limit + 1).Bind(limit + 1),
                _ => database.Prepare($"SELECT {Columns} FROM transfer WHERE seq < ? ORDER BY seq DESC LIMIT ?").Bind(before).Bind(limit + 1),
            };
            return Rows.Page(rows.All(Read), limit, static row => row.Id);
        }, cancel);
    }

    public async Task<Money> BalanceAsync(string account, CancellationToken cancel)
    {
        var (balance, last, counted) = await reads.ReadAsync(database =>
        {
            var (from, sum) = database.Prepare("SELECT seq, balance FROM closing WHERE account = ?").Bind(account).First(static row => (row.Long(0), row.Long(1)));
            var credits = Sum(database, "SELECT coalesce(sum(amount), 0), coalesce(max(seq), 0), count(*) FROM transfer WHERE credit = ? AND seq > ?", account, from);
            var debits = Sum(database, "SELECT coalesce(sum(amount), 0), coalesce(max(seq), 0), count(*) FROM transfer WHERE debit = ? AND seq > ?", account, from);
            return (Balance: sum + credits.Sum - debits.Sum, Last: Math.Max(credits.Last, debits.Last), Count: credits.Count + debits.Count);
        }, cancel).ConfigureAwait(false);
        // Bookings are numbered in the order of their commits, so nothing can come in below the last one summed.
        if (counted > BookingsPerClosing)
            await writer.RunAsync(session => session.Database.Prepare("""
                INSERT INTO closing (account, seq, balance) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET seq = excluded.seq, balance = excluded.balance WHERE seq < excluded.seq
                """).Bind(account).Bind(last).Bind(balance).Run(), cancel).ConfigureAwait(false);
        return new(balance);
    }

    private static (long Sum, long Last, long Count) Sum(Database database, string sql, string account, long from) =>
        database.Prepare(sql).Bind(account).Bind(from).First(static row => (row.Long(0), row.Long(1), row.Long(2)));

    private static TransferRow Read(Statement row) => new(
        Rows.Cursor(row.Long(0)), row.Long(1), row.IsNull(2) ? null : row.Lead(2), row.Text(3), row.Text(4), row.Text(5), new Money(row.Long(6)), row.TextOrNull(7));
}
