using Exchange.Engine.Ledger;
using Npgsql;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>
/// The second flush of a batch: writes, passes the fence, commits, all in one round trip. The hot rows are locked inside it and nowhere else, so a
/// process that is stopped between two flushes holds no lock that anybody else wants.
/// </summary>
internal static class HotFlush
{
    public static async Task<FenceCall> RunAsync(NpgsqlConnection connection, BatchPlan batch, ColdRows rows, string owner)
    {
        var flush = new Flush(connection);
        var fence = new FenceCall();
        if (batch.Planned.Count > 0)
            flush.Add("SELECT join_sales($1)", static _ => { }).With(batch.Planned.Exists(static item => item.Plan.Ends.Exists(static end => end.MovesCounters)) ? rows.Epoch : null);
        TakeBack(flush, batch.TakenBack, rows);
        if (batch.Planned.Count > 0) Write(flush, fence, batch, rows, owner);
        flush.Add("COMMIT");
        await flush.RunAsync().ConfigureAwait(false);
        return fence;
    }

    private static void Write(Flush flush, FenceCall fence, BatchPlan batch, ColdRows rows, string owner)
    {
        var (before, after) = (new PlanRows(flush, owner), new PlanRows(flush, owner));
        var (personsBefore, personsAfter) = (new PersonWrites(flush), new PersonWrites(flush));
        var (postbacks, passedOver) = (new PostbackWrites(flush), new PassedOverWrites(flush));
        foreach (var item in batch.Planned)
        {
            var place = fence.Add(item);
            if (item.Plan.NoFreeCopy is not null) continue;
            postbacks.Add(place, item);
            passedOver.Add(place, item);
            if (item.IsSettled || item.IsNew) before.Add(0, item);
            else after.Add(place, item);
            if (item.IsSettled) personsBefore.Add(0, item);
            else personsAfter.Add(place, item);
        }
        before.Emit();
        personsBefore.Emit();
        fence.Emit(flush, rows);
        after.Emit();
        personsAfter.Emit();
        postbacks.Emit();
        passedOver.Emit();
    }

    /// <summary>Taken back whatever the fence says: what the first flush made for items that are not done.</summary>
    private static void TakeBack(Flush flush, List<JournalItem> items, ColdRows rows)
    {
        var requests = items.SelectMany(item => item.Requests).Where(rows.IsNew).ToList();
        if (requests.Count > 0)
            flush.Add("DELETE FROM request r USING unnest($1, $2) AS t (publisher, key) WHERE r.publisher = t.publisher AND r.key = t.key")
                .With(requests.Select(request => request.Publisher).ToArray()).With(requests.Select(request => request.Key).ToArray());
        var leads = items.Where(item => rows.NewLeads.Contains(item.Lead)).Select(item => item.Lead).ToList();
        if (leads.Count > 0) flush.Add("DELETE FROM lead WHERE lead_id = ANY ($1)").WithLeads(leads);
        var persons = items.SelectMany(WorkKey.ClaimsOf).Select(claim => new PersonKey(claim.Scope, claim.Hmac)).Where(rows.NewPersons.Contains).Distinct().ToList();
        if (persons.Count > 0)
            flush.Add("DELETE FROM person p USING unnest($1, $2) AS t (scope, hmac) WHERE p.scope = t.scope AND p.hmac = t.hmac")
                .With(persons.Select(person => person.Scope).ToArray()).With(persons.Select(person => person.Hmac).ToArray());
    }
}
