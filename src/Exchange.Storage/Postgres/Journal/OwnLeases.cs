using Exchange.Engine.Ledger;
using Npgsql;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>
/// Items that are there because they themselves made it: they were sent to be committed before, and the reply was lost. The leases that they took say so: each is this process's, with
/// the end and the moment that stand in the item, under the first fence, and at its first attempt, so nobody has claimed it since. Only its author calls under it, and he has not been told
/// anything yet: for him it is as if the reply had only been slow. Told that it was there already, he would leave the call to whoever takes over a lease that ran out, as one that may have been made.
/// </summary>
internal static class OwnLeases
{
    /// <summary>In the transaction that found them there. Those that lease nothing are not among them, nor any of which a lease is not as it was.</summary>
    public static async Task<HashSet<JournalWork>> FindAsync(NpgsqlConnection connection, BatchPlan batch, ColdRows rows, string owner)
    {
        var own = new HashSet<JournalWork>();
        List<(JournalWork Work, int No, NewDelivery Delivery)> asked = [];
        foreach (var (work, verdict) in batch.Told)
        {
            // Who is called for a lead whose person was erased meanwhile is decided by its rows.
            if (verdict.Code != VerdictCode.AlreadyThere || work.Unconfirmed is null || rows.FindLead(work.Item.Lead) is not { IsErased: false }) continue;
            foreach (var (no, delivery) in LeasedBy(work.Item))
            {
                own.Add(work);
                asked.Add((work, no, delivery));
            }
        }
        if (asked.Count == 0) return own;
        var found = new HashSet<int>();
        var flush = new Flush(connection);
        flush.Add($"""
            SELECT t.place FROM unnest($1, $2, $3, $4, $5, $6) AS t (place, lead, no, endpoint, until, at)
            JOIN delivery d ON d.lead_id = t.lead AND d.no = t.no AND d.endpoint = t.endpoint
            WHERE d.status = 1 AND d.fence = {IDeliveryStore.FirstFence} AND d.attempts = 1 AND d.lease_owner = $7 AND d.lease_until = t.until AND d.created_ms = t.at
            """, row => found.Add(row.Int(0)))
            .With(Enumerable.Range(0, asked.Count).ToArray()).WithLeads(asked.Select(each => each.Work.Item.Lead)).With(asked.Select(each => each.No).ToArray())
            .With(asked.Select(each => each.Delivery.Endpoint).ToArray()).With(asked.Select(each => each.Delivery.LeaseUntilMs).ToArray())
            .With(asked.Select(each => each.Work.Item.AtMs).ToArray()).With(owner);
        await flush.RunAsync().ConfigureAwait(false);
        for (var i = 0; i < asked.Count; i++) if (!found.Contains(i)) own.Remove(asked[i].Work);
        return own;
    }

    private static IEnumerable<(int No, NewDelivery Delivery)> LeasedBy(JournalItem item) =>
        item.Starts.Select(static start => (start.No, start.Deliveries))
            .Concat(item.Ends.Where(static end => end.Move is CopyMove.Capture or CopyMove.Call).Select(static end => (end.No, end.Deliveries)))
            .SelectMany(static copy => copy.Deliveries.Where(static delivery => delivery.IsLeased), static (copy, delivery) => (copy.No, delivery));
}
