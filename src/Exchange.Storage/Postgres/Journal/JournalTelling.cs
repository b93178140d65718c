namespace Exchange.Storage.Postgres.Journal;

/// <summary>What lanes tell after their commits, one at a time, and what they have done so far.</summary>
internal sealed class JournalTelling
{
    private readonly Lock gate = new();
    private readonly Handfuls callers = new();
    private long commits, items, retries, readAgain;

    public Action<IReadOnlyList<CounterValue>>? Counters { get; set; }
    public Action<SoldNews>? Sold { get; set; }

    /// <summary>Commits, and the items whose verdicts were told after them.</summary>
    public (long Commits, long Items) Done => (Interlocked.Read(ref commits), Interlocked.Read(ref items));
    public long Retries => Interlocked.Read(ref retries);
    public long BatchesReadAgain => Interlocked.Read(ref readAgain);

    /// <summary>First whoever looks at all, then the callers.</summary>
    public void Committed(IReadOnlyList<CounterValue> moved, CommitNews news, List<JournalWork> ended)
    {
        Interlocked.Increment(ref commits);
        Interlocked.Add(ref items, ended.Count);
        lock (gate)
        {
            if (moved.Count > 0) Counters?.Invoke(moved);
            if (news.Take() is { } happened) Sold?.Invoke(happened);
        }
        callers.Tell(ended);
    }

    /// <summary>Counters that a commit beside the lanes has changed.</summary>
    public void Changed(IReadOnlyList<CounterValue> values)
    {
        lock (gate) Counters?.Invoke(values);
    }

    public void Retried() => Interlocked.Increment(ref retries);
    public void ReadAgain() => Interlocked.Increment(ref readAgain);

    public static CommitNews NewsOf(PlannedItem item)
    {
        var news = new CommitNews();
        var (lead, at) = (item.Plan.Item.Lead, item.Plan.Item.AtMs);
        foreach (var end in item.Plan.Ends)
            if (end.Closes) news.Fell(lead, end.Copy.Tier, end.Copy.Campaign, end.Copy.AtMs);
        foreach (var (_, start) in item.Plan.Starts) news.Started(lead, start, at);
        foreach (var (scope, hmac, atMs) in item.Persons.News) news.Person(scope, hmac, atMs);
        return news;
    }
}
