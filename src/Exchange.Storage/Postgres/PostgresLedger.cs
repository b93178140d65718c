using System.Buffers.Binary;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Money: transfers are inserted and never changed; a balance is their sum.</summary>
internal sealed class PostgresLedger(PostgresChanges changes, NpgsqlDataSource reads, NpgsqlDataSource reports) : ILedgerStore
{
    private const string ClosedSetting = "ledger.closed";

    private const string Columns = "seq, at_ms, lead_id, kind, debit, credit, amount, reference";

    /// <summary>Up to this booking all are there, as this process has asked last.</summary>
    private long settled;

    public Task<bool> FundAsync(string buyer, Money amount, string reference, long nowMs, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(amount.Micros, nameof(amount));
        var hash = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(hash, amount.Micros);
        var (scope, limit) = ("fund:" + buyer, LimitNames.Balance(buyer));
        return changes.RunAsync(async change =>
        {
            var database = change.Connection;
            if (await database.RunAsync("INSERT INTO operation (scope, key, hash, result, at_ms) VALUES ($1, $2, $3, '', $4) ON CONFLICT DO NOTHING", cancel,
                scope, reference, hash, nowMs).ConfigureAwait(false) == 0)
            {
                var booked = await database.FirstAsync("SELECT hash FROM operation WHERE scope = $1 AND key = $2", static row => row.Blob(0), cancel, scope, reference).ConfigureAwait(false);
                return booked!.AsSpan().SequenceEqual(hash) ? change.MayBeDone : throw new ReferenceReusedException(reference);
            }
            if (amount > ILedgerStore.MostFunds) throw new FundsAboveMostException();
            // Before the latch, as an apply locks them; it does not change the credit until this is over.
            var credit = await database.FirstAsync("SELECT lim FROM cap WHERE id = $1 FOR SHARE", static row => row.Long(0), cancel, limit).ConfigureAwait(false);
            await change.JoinSalesAsync(cancel).ConfigureAwait(false);
            await database.RunAsync("INSERT INTO transfer (source, no, kind, part, at_ms, debit, credit, amount, reference) VALUES ($1, 0, 'fund', 0, $2, $3, $4, $5, $6)", cancel,
                Encoding.UTF8.GetBytes(scope + ":" + reference), nowMs, Accounts.Bank, Accounts.Buyer(buyer), amount, reference).ConfigureAwait(false);
            // Money may come before the catalog that names the buyer: its credit is then added to what is there.
            var balance = await database.AllAsync("""
                INSERT INTO counter AS c (key, limit_id, window_start, lim, used, held) VALUES ($1, $1, 0, $2, 0, 0)
                ON CONFLICT (key) DO UPDATE SET lim = c.lim + excluded.lim RETURNING key, limit_id, lim, used, held
                """, LimitRows.Value, cancel, limit, amount).ConfigureAwait(false);
            // What the limit leaves beyond the credit is what the account has; the row is ours from here on.
            if (balance[0].Limit - balance[0].Used - credit > ILedgerStore.MostFunds.Micros) throw new FundsAboveMostException();
            change.Tell(balance);
            return true;
        }, cancel);
    }

    public async Task<Page<TransferRow>> ListAsync(LeadId? lead, string? account, int limit, string? cursor, CancellationToken cancel)
    {
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        var before = Rows.Number(cursor, long.MaxValue);
        var source = lead?.ToBytes();
        var rows = (source, account) switch
        {
            ({ } id, null) => reads.AllAsync($"SELECT {Columns} FROM transfer WHERE source = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3", Read, cancel, id, before, limit + 1),
            ({ } id, { } name) => reads.AllAsync(
                $"SELECT {Columns} FROM transfer WHERE source = $1 AND seq < $2 AND (debit = $4 OR credit = $4) ORDER BY seq DESC LIMIT $3", Read, cancel, id, before, limit + 1, name),
            (null, { } name) => reads.AllAsync($"""
                SELECT {Columns} FROM ((SELECT * FROM transfer WHERE debit = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3)
                    UNION (SELECT * FROM transfer WHERE credit = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3)) t
                ORDER BY seq DESC LIMIT $3
                """, Read, cancel, name, before, limit + 1),
            _ => reads.AllAsync($"SELECT {Columns} FROM transfer WHERE seq < $1 ORDER BY seq DESC LIMIT $2", Read, cancel, before, limit + 1),
        };
        return Rows.Page(await rows.ConfigureAwait(false), limit, static row => row.Id);
    }

    /// <summary>In one statement, so that the closing row and what came after it are of one moment.</summary>
    public async Task<Money> BalanceAsync(string account, CancellationToken cancel) => new(await reads.FirstAsync("""
        WITH closed AS (SELECT coalesce(max(seq), 0) AS seq, coalesce(max(balance), 0) AS balance FROM closing WHERE account = $1),
             booked AS (
                SELECT amount FROM transfer, closed WHERE credit = $1 AND transfer.seq > closed.seq
                UNION ALL SELECT -amount FROM transfer, closed WHERE debit = $1 AND transfer.seq > closed.seq)
        SELECT ((SELECT balance FROM closed) + coalesce(sum(amount), 0))::bigint FROM booked
        """, static row => row.Long(0), cancel, account).ConfigureAwait(false));

    /// <summary>
    /// Closing rows, and what came after each, in one statement: an account may have been closed beyond the mark, by another silo since it was read, or by a build
    /// that closed accounts one by one.
    /// </summary>
    public async Task<IReadOnlyList<AccountBalance>> BalancesAsync(CancellationToken cancel)
    {
        var (closed, _) = await MarksAsync(reports, cancel).ConfigureAwait(false);
        return await reports.ReportAsync(Balances("$1"), static row => new AccountBalance(row.Text(0), new(row.Long(1))), cancel, closed).ConfigureAwait(false);
    }

    /// <summary>The accounts and what they have.</summary>
    /// <param name="closed">The mark: a parameter, or the expression that reads it.</param>
    internal static string Balances(string closed) => $"""
        SELECT m.account, sum(m.amount)::bigint FROM (
            SELECT credit AS account, seq, amount FROM transfer WHERE seq > {closed}
            UNION ALL SELECT debit, seq, -amount FROM transfer WHERE seq > {closed}
            UNION ALL SELECT account, NULL, balance FROM closing) m
        LEFT JOIN closing c ON c.account = m.account AND c.seq >= m.seq
        WHERE c.account IS NULL GROUP BY m.account ORDER BY m.account
        """;

    /// <summary>The mark, in a statement that has no parameters.</summary>
    internal const string Closed = $"coalesce((SELECT value::bigint FROM setting WHERE name = '{ClosedSetting}'), 0)";

    /// <summary>
    /// Bookings are numbered before they are committed, so a smaller number may still be on its way: up to which one all are there is known in a moment in which
    /// nobody books. What is written is what an account came to at a booking, whoever writes it: the later one stays.
    /// </summary>
    public async Task<bool> CloseAsync(int bookings, CancellationToken cancel)
    {
        var (closed, newest) = await MarksAsync(reads, cancel).ConfigureAwait(false);
        var until = closed + bookings;
        if (newest < until) return false;
        if (Interlocked.Read(ref settled) < until)
        {
            var last = await SettledAsync(cancel).ConfigureAwait(false);
            Interlocked.Exchange(ref settled, last);
        }
        await changes.RunAsync(async change =>
        {
            await change.Connection.RunAsync("""
                INSERT INTO closing AS c (account, seq, balance)
                SELECT b.account, $2, (coalesce(max(d.balance), 0) + sum(b.amount))::bigint FROM (
                    SELECT credit AS account, seq, amount FROM transfer WHERE seq > $1 AND seq <= $2
                    UNION ALL SELECT debit, seq, -amount FROM transfer WHERE seq > $1 AND seq <= $2) b
                LEFT JOIN closing d ON d.account = b.account WHERE d.seq IS NULL OR b.seq > d.seq GROUP BY b.account ORDER BY b.account
                ON CONFLICT (account) DO UPDATE SET seq = excluded.seq, balance = excluded.balance WHERE c.seq < excluded.seq
                """, cancel, closed, until).ConfigureAwait(false);
            return await change.Connection.RunAsync("INSERT INTO setting (name, value) VALUES ($1, $2::text) ON CONFLICT (name) DO UPDATE SET value = excluded.value", cancel,
                ClosedSetting, until).ConfigureAwait(false);
        }, cancel).ConfigureAwait(false);
        return newest - until >= bookings;
    }

    /// <summary>The last booking that stands in closing rows, with all before it, and the newest that can be seen.</summary>
    private static Task<(long Closed, long Newest)> MarksAsync(NpgsqlDataSource source, CancellationToken cancel) => source.FirstAsync(
        "SELECT coalesce((SELECT value::bigint FROM setting WHERE name = $1), 0), coalesce((SELECT max(seq) FROM transfer), 0)", static row => (row.Long(0), row.Long(1)), cancel, ClosedSetting);

    private Task<long> SettledAsync(CancellationToken cancel) => changes.RunAsync(async change =>
    {
        await change.HoldSalesAsync(cancel).ConfigureAwait(false);
        return await change.Connection.FirstAsync("SELECT coalesce(max(seq), 0) FROM transfer", static row => row.Long(0), cancel).ConfigureAwait(false);
    }, cancel);

    private static TransferRow Read(NpgsqlDataReader row) => new(
        Rows.Cursor(row.Long(0)), row.Long(1), row.IsDBNull(2) ? null : row.Lead(2), row.Text(3), row.Text(4), row.Text(5), new Money(row.Long(6)), row.TextOrNull(7));
}
