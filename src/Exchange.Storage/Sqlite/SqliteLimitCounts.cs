using Exchange.Engine;
using Exchange.Engine.Ledger;

namespace Exchange.Storage.Sqlite;

/// <summary>Counts beside the takes, and what the live view reads at start.</summary>
internal sealed class SqliteLimitCounts(Writer writer, ReadPool reads) : ILimitCounts
{
    public Task AddAsync(IReadOnlyList<LimitCount> counts, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(counts);
        return writer.RunAsync(session =>
        {
            foreach (var count in counts)
            {
                Invariant.Require(count.Amount >= 0, "a count is not negative");
                if (count.Amount == 0 || session.Counters.Find(new Take(count.Key, count.Amount, count.LimitId, Reason.None, count.Weekday)) is not { } counter) continue;
                session.Counters.Materialize(counter);
                counter.Move(count.Amount, 0);
                session.Counters.Moved(counter);
            }
            return true;
        }, cancel);
    }

    public Task<IReadOnlyList<SoldCount>> SoldSinceAsync(long sinceMs, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<SoldCount>>(database =>
        {
            var counts = new Dictionary<(string, string, long), int>();
            foreach (var trees in TreeLists.All(database))
                foreach (var key in database.Prepare("""
                    SELECT tier, campaign, at_ms FROM copy
                    WHERE trees = ? AND trees <> '' AND at_ms >= ? AND state IN (1, 2, 3, 6) AND tier <> '' AND substr(lead_id, 9, 1) < x'80'
                    """).Bind(trees).Bind(sinceMs).All(static row => (row.Text(0), row.Text(1), row.Long(2) / 1000 * 1000)))
                    counts[key] = counts.GetValueOrDefault(key) + 1;
            return [.. counts.Select(pair => new SoldCount(pair.Key.Item1, pair.Key.Item2, pair.Key.Item3, pair.Value))
                .OrderBy(count => count.AtMs).ThenBy(count => count.Tier, StringComparer.Ordinal).ThenBy(count => count.Campaign, StringComparer.Ordinal)];
        }, cancel);

    /// <summary>By the leads' ids, whose order is that of their pings: no index of its own.</summary>
    public Task<IReadOnlyList<KnownPerson>> RecentPersonsAsync(int atMost, CancellationToken cancel) =>
        reads.ReadAsync<IReadOnlyList<KnownPerson>>(database => database
            .Prepare("SELECT scope, hmac, at_ms FROM person WHERE substr(lead_id, 9, 1) < x'80' ORDER BY lead_id DESC LIMIT ?").Bind(atMost)
            .All(static row => new KnownPerson(row.Text(0), row.Blob(1), row.Long(2))), cancel);
}
