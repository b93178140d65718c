using System.Buffers.Binary;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>Money: transfers are inserted and never changed; a balance is their sum.</summary>
internal sealed class PostgresLedger(PostgresChanges changes, NpgsqlDataSource reads) : ILedgerStore
{
    /// <summary>A sum over more bookings than this leaves a closing row behind.</summary>
    private const long BookingsPerClosing = 20_000;

    private const string Columns = "seq, at_ms, lead_id, kind, debit, credit, amount, reference";

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
            await change.JoinSalesAsync(cancel).ConfigureAwait(false);
            await database.RunAsync("INSERT INTO transfer (source, no, kind, part, at_ms, debit, credit, amount, reference) VALUES ($1, 0, 'fund', 0, $2, $3, $4, $5, $6)", cancel,
                Encoding.UTF8.GetBytes(scope + ":" + reference), nowMs, Accounts.Bank, Accounts.Buyer(buyer), amount, reference).ConfigureAwait(false);
            // Money may come before the catalog that names the buyer: its credit is then added to what is there.
            change.Tell(await database.AllAsync("""
                INSERT INTO counter AS c (key, limit_id, window_start, lim, used, held) VALUES ($1, $1, 0, $2, 0, 0)
                ON CONFLICT (key) DO UPDATE SET lim = c.lim + excluded.lim RETURNING key, limit_id, lim, used, held
                """, LimitRows.Value, cancel, limit, amount).ConfigureAwait(false));
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

    public async Task<Money> BalanceAsync(string account, CancellationToken cancel)
    {
        var (balance, counted) = await SumAsync(account, long.MaxValue, cancel).ConfigureAwait(false);
        if (counted > BookingsPerClosing) await CloseAsync(account, cancel).ConfigureAwait(false);
        return new(balance);
    }

    /// <summary>
    /// Leaves a closing row behind. Bookings are numbered before they are committed, so a smaller number may still be on its way: up to which one all are
    /// there is known in a moment in which nobody books.
    /// </summary>
    private async Task CloseAsync(string account, CancellationToken cancel)
    {
        var last = await changes.RunAsync(async change =>
        {
            await change.HoldSalesAsync(cancel).ConfigureAwait(false);
            return await change.Connection.FirstAsync("SELECT coalesce(max(seq), 0) FROM transfer", static row => row.Long(0), cancel).ConfigureAwait(false);
        }, cancel).ConfigureAwait(false);
        var (balance, _) = await SumAsync(account, last, cancel).ConfigureAwait(false);
        await changes.RunAsync(change => change.Connection.RunAsync("""
            INSERT INTO closing AS c (account, seq, balance) VALUES ($1, $2, $3)
            ON CONFLICT (account) DO UPDATE SET seq = excluded.seq, balance = excluded.balance WHERE c.seq < excluded.seq
            """, cancel, account, last, balance), cancel).ConfigureAwait(false);
    }

    /// <summary>In one statement, so that the closing row and what came after it are of one moment.</summary>
    private Task<(long Balance, long Counted)> SumAsync(string account, long until, CancellationToken cancel) =>
        reads.FirstAsync("""
            WITH closed AS (SELECT coalesce(max(seq), 0) AS seq, coalesce(max(balance), 0) AS balance FROM closing WHERE account = $1 AND seq <= $2),
                 booked AS (
                    SELECT amount FROM transfer, closed WHERE credit = $1 AND transfer.seq > closed.seq AND transfer.seq <= $2
                    UNION ALL SELECT -amount FROM transfer, closed WHERE debit = $1 AND transfer.seq > closed.seq AND transfer.seq <= $2)
            SELECT ((SELECT balance FROM closed) + coalesce(sum(amount), 0))::bigint, count(*) FROM booked
            """, static row => (row.Long(0), row.Long(1)), cancel, account, until);

    private static TransferRow Read(NpgsqlDataReader row) => new(
        Rows.Cursor(row.Long(0)), row.Long(1), row.IsDBNull(2) ? null : row.Lead(2), row.Text(3), row.Text(4), row.Text(5), new Money(row.Long(6)), row.TextOrNull(7));
}
