using System.Globalization;
using Exchange.Engine;
using Exchange.Engine.Values;

namespace Exchange.Storage.Sqlite;

/// <summary>Returns and dispositions.</summary>
internal sealed class SqliteReturns(Writer writer, ReadPool reads, ReadPool reports) : IReturnStore
{
    private const string Columns =
        "r.lead_id, r.no, r.buyer, r.campaign, c.publisher, l.vertical, c.price, c.payout, r.status, r.reason, r.sealed, r.sold_ms, r.at_ms, r.decided_ms, r.booked";

    private const string From = "FROM copy_return r JOIN copy c ON c.lead_id = r.lead_id AND c.no = r.no JOIN lead l ON l.lead_id = r.lead_id";

    public Task<ReturnRow?> FindAsync(CopyId copy, CancellationToken cancel) => reads.ReadAsync(database => Find(database, copy), cancel);

    public Task<IReadOnlyList<ReturnRow>> FindAllAsync(IReadOnlyCollection<CopyId> copies, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<ReturnRow>>(database => [.. copies.Select(copy => Find(database, copy)).OfType<ReturnRow>()], cancel);

    public Task<ReturnVerdict> AskAsync(ReturnAsk ask, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(ask);
        return writer.RunAsync(session =>
        {
            var database = session.Database;
            // A test's copy has no place among what the buyer bought.
            var (campaign, sold) = database.Prepare("SELECT campaign, at_ms FROM copy WHERE lead_id = ? AND no = ? AND buyer = ? AND state IN (3, 6) AND sold_seq IS NOT NULL")
                .Bind(ask.Copy.Lead).Bind(ask.Copy.No).Bind(ask.Buyer).First(static row => (row.Text(0), row.Long(1)));
            if (campaign is null) return ReturnVerdict.NotSold;
            if (database.Prepare("SELECT 1 FROM copy_return WHERE lead_id = ? AND no = ?").Bind(ask.Copy.Lead).Bind(ask.Copy.No).Scalar() is not null)
                return ReturnVerdict.AlreadyAsked;
            if (ask.Quota is { } quota && CountOf(database, ask.Buyer, quota.OfCampaign ? campaign : null, quota) >= quota.AtMost) return ReturnVerdict.QuotaReached;
            database.Prepare("INSERT INTO copy_return (lead_id, no, buyer, campaign, status, reason, sealed, sold_ms, at_ms, decided_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                .Bind(ask.Copy.Lead).Bind(ask.Copy.No).Bind(ask.Buyer).Bind(campaign).Bind((long)(ask.Accepted ? ReturnStatus.Accepted : ReturnStatus.Requested))
                .Bind(ask.Reason).Bind(IsErased(database, ask.Copy.Lead) ? [] : ask.Sealed).Bind(sold).Bind(ask.AtMs).Bind(ask.Accepted ? ask.AtMs : null).Run();
            return ReturnVerdict.Noted;
        }, cancel);
    }

    /// <summary>No text about its person is kept any more.</summary>
    private static bool IsErased(Database database, LeadId lead) => database.Prepare("SELECT length(sealed) = 0 FROM lead WHERE lead_id = ?").Bind(lead).Scalar() == 1;

    /// <summary>Those that were refused leave their place to others.</summary>
    private static long CountOf(Database database, string buyer, string? campaign, ReturnQuota quota)
    {
        var sql = "SELECT count(*) FROM copy_return WHERE buyer = ? AND sold_ms >= ? AND sold_ms < ? AND status IN (1, 2)";
        var statement = database.Prepare(campaign is null ? sql : sql + " AND campaign = ?").Bind(buyer).Bind(quota.FromMs).Bind(quota.UntilMs);
        if (campaign is not null) statement.Bind(campaign);
        return statement.Scalar() ?? 0;
    }

    public Task<bool> DecideAsync(CopyId copy, bool accept, ChangeNote note, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(note);
        return writer.RunAsync(session =>
        {
            if (session.Database.Prepare("UPDATE copy_return SET status = ?, decided_ms = ? WHERE lead_id = ? AND no = ? AND status = 1")
                .Bind((long)(accept ? ReturnStatus.Accepted : ReturnStatus.Refused)).Bind(note.AtMs).Bind(copy.Lead).Bind(copy.No).Run() == 0) return false;
            SqliteAccess.Note(session.Database, note);
            return true;
        }, cancel);
    }

    public Task BookedAsync(CopyId copy, CancellationToken cancel) =>
        writer.RunAsync(session => session.Database.Prepare("UPDATE copy_return SET booked = 1 WHERE lead_id = ? AND no = ? AND status = 2").Bind(copy.Lead).Bind(copy.No).Run(), cancel);

    public Task<IReadOnlyList<ReturnRow>> UnbookedAsync(long acceptedBeforeMs, int limit, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<ReturnRow>>(database => database
            .Prepare($"SELECT {Columns} {From} WHERE r.status = 2 AND r.booked = 0 AND r.decided_ms < ? ORDER BY r.decided_ms LIMIT ?")
            .Bind(acceptedBeforeMs).Bind(limit).All(Read), cancel);

    public Task<Page<ReturnRow>> ListAsync(ReturnStatus? status, string? buyer, int limit, string? cursor, CancellationToken cancel)
    {
        limit = Math.Clamp(limit, 1, Limits.PageRows);
        var after = ReadCursor(cursor);
        return reports.ReadAsync(database =>
        {
            var sql = $"SELECT {Columns} {From} WHERE 1";
            if (after is not null) sql += " AND (r.at_ms, r.lead_id, r.no) < (?, ?, ?)";
            if (status == ReturnStatus.Requested) sql += " AND r.status = 1";
            else if (status is not null) sql += " AND r.status = ?";
            if (buyer is not null) sql += " AND r.buyer = ?";
            var statement = database.Prepare(sql + " ORDER BY r.at_ms DESC, r.lead_id DESC, r.no DESC LIMIT ?");
            if (after is { } from) statement.Bind(from.AtMs).Bind(from.Copy.Lead).Bind(from.Copy.No);
            if (status is { } wanted and not ReturnStatus.Requested) statement.Bind((long)wanted);
            if (buyer is not null) statement.Bind(buyer);
            return Rows.Page(statement.Bind(limit + 1).All(Read), limit, static row => string.Create(CultureInfo.InvariantCulture, $"{row.AtMs}.{row.Copy}"));
        }, cancel);
    }

    public Task<long> SoldAsync(string buyer, string? campaign, long fromMs, long untilMs, CancellationToken cancel)
    {
        const string sold = "at_ms >= ? AND at_ms < ? AND state IN (3, 6) AND sold_seq IS NOT NULL AND buyer = ?";
        // A month of one buyer; it must not wait behind reports.
        return reads.ReadAsync(database =>
        {
            var statement = database.Prepare($"SELECT count(*) FROM copy WHERE {sold}{(campaign is null ? "" : " AND campaign = ?")}").Bind(fromMs).Bind(untilMs).Bind(buyer);
            if (campaign is not null) statement.Bind(campaign);
            return statement.Scalar() ?? 0;
        }, cancel);
    }

    public Task<bool> SayAsync(string buyer, DispositionRow disposition, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(disposition);
        var (lead, no) = (disposition.Copy.Lead, disposition.Copy.No);
        return writer.RunAsync(session =>
        {
            var database = session.Database;
            if (database.Prepare("SELECT 1 FROM copy WHERE lead_id = ? AND no = ? AND buyer = ? AND sold_seq IS NOT NULL").Bind(lead).Bind(no).Bind(buyer).Scalar() is null)
                return false;
            database.Prepare("""
                INSERT INTO copy_disposition (lead_id, no, word, value, sealed, at_ms) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET value = excluded.value, sealed = excluded.sealed, at_ms = excluded.at_ms
                """).Bind(lead).Bind(no).Bind(disposition.Word).Bind(disposition.Value?.Micros).Bind(IsErased(database, lead) ? null : disposition.Sealed).Bind(disposition.AtMs).Run();
            return true;
        }, cancel);
    }

    public Task<IReadOnlyList<DispositionRow>> SaidAsync(IReadOnlyCollection<CopyId> copies, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<DispositionRow>>(database => [.. copies
            .SelectMany(copy => database.Prepare("SELECT word, value, sealed, at_ms FROM copy_disposition WHERE lead_id = ? AND no = ?").Bind(copy.Lead).Bind(copy.No)
                .All(row => new DispositionRow(copy, row.Text(0), row.LongOrNull(1) is { } value ? new Money(value) : null, row.BlobOrNull(2), row.Long(3))))
            .OrderBy(static row => row.AtMs).ThenBy(static row => row.Word, StringComparer.Ordinal)], cancel);

    /// <summary>Campaign by campaign, each by its own index: a span is a small part of a large table.</summary>
    public Task<IReadOnlyList<ReturnSum>> SumsAsync(long fromMs, long untilMs, CancellationToken cancel) =>
        reports.ReadAsync<IReadOnlyList<ReturnSum>>(database => [.. Campaigns(database)
            .SelectMany(campaign => database.Prepare("""
                SELECT c.buyer, c.publisher, count(*), sum(c.state = 6), sum(c.price), sum(iif(c.state = 6, c.price, 0)), coalesce(sum(r.status = 1), 0)
                FROM copy c LEFT JOIN copy_return r ON r.lead_id = c.lead_id AND r.no = c.no
                WHERE c.campaign = ? AND c.at_ms >= ? AND c.at_ms < ? AND c.state IN (3, 6) AND c.sold_seq IS NOT NULL GROUP BY c.buyer, c.publisher
                """).Bind(campaign).Bind(fromMs).Bind(untilMs)
                .All(row => new ReturnSum(row.Text(0), campaign, row.Text(1), row.Long(2), row.Long(3), row.Long(6), new(row.Long(4)), new(row.Long(5)))))
            .OrderBy(static sum => sum.Buyer, StringComparer.Ordinal).ThenBy(static sum => sum.Campaign, StringComparer.Ordinal).ThenBy(static sum => sum.Publisher, StringComparer.Ordinal)], cancel);

    private static List<string> Campaigns(Database database) => database.Prepare("""
        WITH RECURSIVE list (campaign) AS (
            SELECT min(campaign) FROM copy
            UNION ALL SELECT (SELECT min(campaign) FROM copy WHERE campaign > list.campaign) FROM list WHERE list.campaign IS NOT NULL)
        SELECT campaign FROM list WHERE campaign IS NOT NULL
        """).All(static row => row.Text(0));

    private static ReturnRow? Find(Database database, CopyId copy) =>
        database.Prepare($"SELECT {Columns} {From} WHERE r.lead_id = ? AND r.no = ?").Bind(copy.Lead).Bind(copy.No).First(Read);

    private static ReturnRow Read(Statement row) => new(
        new(row.Lead(0), row.Int(1)), row.Text(2), row.Text(3), row.Text(4), row.Text(5), new(row.Long(6)), new(row.Long(7)), (ReturnStatus)row.Int(8), row.Text(9), row.Blob(10),
        row.Long(11), row.Long(12), row.LongOrNull(13), row.Bool(14));

    private static (long AtMs, CopyId Copy)? ReadCursor(string? cursor)
    {
        var dot = cursor?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        return dot > 0 && long.TryParse(cursor.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && CopyId.TryParse(cursor.AsSpan(dot + 1), out var copy) ? (at, copy) : null;
    }
}
