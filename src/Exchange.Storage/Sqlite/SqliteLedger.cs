using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>Money: transfers are inserted and never changed; a balance is their sum.</summary>
internal sealed class SqliteLedger(Writer writer, ReadPool reads, ReadPool reports) : ILedgerStore
{
    private const string ClosedSetting = "ledger.closed";

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
            // What the limit leaves beyond the credit is what the account has.
            var has = database.Prepare("SELECT c.lim - c.used - coalesce(k.lim, 0) FROM counter c LEFT JOIN cap k ON k.id = c.key WHERE c.key = ?").Bind(LimitNames.Balance(buyer)).Scalar() ?? 0;
            if (amount > ILedgerStore.MostFunds || has > ILedgerStore.MostFunds.Micros - amount.Micros) throw new FundsAboveMostException();
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

    public Task<Money> BalanceAsync(string account, CancellationToken cancel) => reads.ReadAsync(database =>
    {
        var (from, closed) = database.Prepare("SELECT seq, balance FROM closing WHERE account = ?").Bind(account).First(static row => (row.Long(0), row.Long(1)));
        var credits = database.Prepare("SELECT sum(amount) FROM transfer WHERE credit = ? AND seq > ?").Bind(account).Bind(from).Scalar() ?? 0;
        var debits = database.Prepare("SELECT sum(amount) FROM transfer WHERE debit = ? AND seq > ?").Bind(account).Bind(from).Scalar() ?? 0;
        return new Money(closed + credits - debits);
    }, cancel);

    /// <summary>Closing rows, and what came after each: an account may have been closed beyond the mark by a build that closed accounts one by one.</summary>
    public Task<IReadOnlyList<AccountBalance>> BalancesAsync(CancellationToken cancel) => reports.ReadAsync<IReadOnlyList<AccountBalance>>(Balances, cancel);

    /// <summary>The same in a read that is open.</summary>
    internal static List<AccountBalance> Balances(Database database) => database.Prepare("""
        SELECT m.account, sum(m.amount) FROM (
            SELECT credit AS account, seq, amount FROM transfer WHERE seq > ?1
            UNION ALL SELECT debit, seq, -amount FROM transfer WHERE seq > ?1
            UNION ALL SELECT account, NULL, balance FROM closing) m
        LEFT JOIN closing c ON c.account = m.account AND c.seq >= m.seq
        WHERE c.account IS NULL GROUP BY m.account ORDER BY m.account
        """).Bind(ClosedUntil(database)).All(static row => new AccountBalance(row.Text(0), new(row.Long(1))));

    /// <summary>Bookings are numbered in the order of their commits, so nothing can come in below the last one there is.</summary>
    public async Task<bool> CloseAsync(int bookings, CancellationToken cancel)
    {
        var (until, newest, sums) = await reads.ReadAsync(database =>
        {
            var from = ClosedUntil(database);
            var last = database.Prepare("SELECT max(seq) FROM transfer").Scalar() ?? 0;
            return (from + bookings, last, last < from + bookings ? [] : database.Prepare("""
                SELECT b.account, coalesce(max(c.balance), 0) + sum(b.amount) FROM (
                    SELECT credit AS account, seq, amount FROM transfer WHERE seq > ?1 AND seq <= ?2
                    UNION ALL SELECT debit, seq, -amount FROM transfer WHERE seq > ?1 AND seq <= ?2) b
                LEFT JOIN closing c ON c.account = b.account WHERE c.seq IS NULL OR b.seq > c.seq GROUP BY b.account
                """).Bind(from).Bind(from + bookings).All(static row => (Account: row.Text(0), Balance: row.Long(1))));
        }, cancel).ConfigureAwait(false);
        if (newest < until) return false;
        await writer.RunAsync(session =>
        {
            foreach (var (account, balance) in sums)
                session.Database.Prepare("""
                    INSERT INTO closing (account, seq, balance) VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET seq = excluded.seq, balance = excluded.balance WHERE seq < excluded.seq
                    """).Bind(account).Bind(until).Bind(balance).Run();
            return SqliteAccess.PutSetting(session.Database, ClosedSetting, until.ToString(CultureInfo.InvariantCulture));
        }, cancel).ConfigureAwait(false);
        return newest - until >= bookings;
    }

    /// <summary>The last booking that stands in closing rows, with all before it.</summary>
    private static long ClosedUntil(Database database) => database.Prepare("SELECT CAST(value AS INTEGER) FROM setting WHERE name = ?").Bind(ClosedSetting).Scalar() ?? 0;

    private static TransferRow Read(Statement row) => new(
        Rows.Cursor(row.Long(0)), row.Long(1), row.IsNull(2) ? null : row.Lead(2), row.Text(3), row.Text(4), row.Text(5), new Money(row.Long(6)), row.TextOrNull(7));
}
