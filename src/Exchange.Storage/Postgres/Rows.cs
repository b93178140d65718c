using System.Globalization;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Engine;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>The columns of leads and copies, named once, and how their rows are read.</summary>
internal static class Rows
{
    public const string CopyColumns =
        "c.lead_id, c.no, c.offer_id, c.campaign, c.buyer, c.company, c.exclusive, c.state, c.price, c.payout, c.at_ms, c.reason, c.buyer_ref, c.redirect_url, c.tier, c.trees, c.called";
    public const int CopyCount = 17;

    public const string LeadColumns =
        "l.lead_id, l.publisher, l.vertical, l.sub_id, l.test, l.state, l.reason, l.max_copies, l.post_hash, l.sealed, l.answer, l.catalog_version, l.at_ms, l.channel, l.offer_ms, l.promised";
    public const int LeadCount = 16;

    private const string WaitColumns = "w.kind, w.until_ms, w.plan, w.begun_ms, w.fence, w.due_at IS NULL";

    private static LeadWaitRow? Wait(NpgsqlDataReader row, int first) => row.IsDBNull(first) ? null
        : new(LeadWaitJson.Read(row.Text(first + 2), (DeliveryWait)row.Int(first), row.Long(first + 1)), row.Long(first + 3), row.Long(first + 4), row.Bool(first + 5));

    public static CopyRow Copy(NpgsqlDataReader row, int first) => new(
        new CopyId(row.Lead(first), row.Int(first + 1)), row.Text(first + 2), row.Text(first + 3), row.Text(first + 4), row.Text(first + 5), row.Bool(first + 6),
        (CopyState)row.Int(first + 7), new Money(row.Long(first + 8)), new Money(row.Long(first + 9)), row.Long(first + 10), (Reason)row.Int(first + 11),
        row.TextOrNull(first + 12), row.TextOrNull(first + 13))
    { Tier = row.Text(first + 14), Trees = CopyTrees.Read(row.Text(first + 15)), Called = row.Bool(first + 16) };

    public static LeadRow Lead(NpgsqlDataReader row, int first, IReadOnlyList<CopyRow> copies) => new(
        row.Lead(first), row.Text(first + 1), row.Text(first + 2), row.TextOrNull(first + 3), row.Bool(first + 4), (LeadState)row.Int(first + 5),
        (Reason)row.Int(first + 6), row.Int(first + 7), row.Blob(first + 8), row.Blob(first + 9), row.BlobOrNull(first + 10), row.Long(first + 11),
        row.Long(first + 12), copies)
    { Channel = row.TextOrNull(first + 13), OfferUntilMs = row.Long(first + 14), Promised = row.LongOrNull(first + 15) is { } promised ? new Money(promised) : null };

    /// <summary>Leads with their copies, all of one moment; those that are not there are left out.</summary>
    public static async Task<Dictionary<LeadId, LeadRow>> LeadsAsync(NpgsqlDataSource reads, LeadId[] ids, CancellationToken cancel)
    {
        var leads = new Dictionary<LeadId, LeadRow>(ids.Length);
        if (ids.Length == 0) return leads;
        var copies = new List<CopyRow>();
        await reads.AllAsync($"SELECT {LeadColumns}, {CopyColumns}, {WaitColumns} FROM lead l LEFT JOIN lead_wait w ON w.lead_id = l.lead_id LEFT JOIN copy c ON c.lead_id = l.lead_id WHERE l.lead_id = ANY($1) ORDER BY l.lead_id, c.no", row =>
        {
            if (!leads.ContainsKey(row.Lead(0)))
            {
                copies = [];
                leads.Add(row.Lead(0), Lead(row, 0, copies) with { Wait = Wait(row, LeadCount + CopyCount) });
            }
            if (!row.IsDBNull(LeadCount)) copies.Add(Copy(row, LeadCount));
            return true;
        }, cancel, ids).ConfigureAwait(false);
        return leads;
    }

    /// <summary>Cuts a list that was read with one row more than the page holds.</summary>
    public static Page<T> Page<T>(List<T> rows, int limit, Func<T, string> cursor)
    {
        if (rows.Count <= limit) return new(rows, null);
        rows.RemoveRange(limit, rows.Count - limit);
        return new(rows, cursor(rows[^1]));
    }

    /// <summary>A cursor that we did not write is read as the list's beginning.</summary>
    public static long Number(string? cursor, long beginning) =>
        long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : beginning;

    public static string Cursor(long number) => number.ToString(CultureInfo.InvariantCulture);
}
