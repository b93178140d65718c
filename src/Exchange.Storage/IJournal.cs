using Exchange.Engine.Ledger;

namespace Exchange.Storage;

/// <summary>A counter row's new values after a commit, for the live view.</summary>
public readonly record struct CounterValue(string Key, string LimitId, long Limit, long Used, long Held);

public interface IJournal
{
    /// <summary>
    /// Makes one item durable together with what else waits. Completes after the commit. Cancelling works only while the item is queued
    /// and then throws <see cref="OperationCanceledException"/>: a definite no. A full queue throws <see cref="StorageBusyException"/> at once: a definite no.
    /// </summary>
    Task<Verdict> SubmitAsync(JournalItem item, CancellationToken whileQueued);

    /// <summary>Called on the writer's thread after each commit with the counters that changed; must be quick and must not throw.</summary>
    Action<IReadOnlyList<CounterValue>>? Committed { get; set; }

    /// <summary>As <see cref="Committed"/>, of copies and persons. Tests are not told.</summary>
    Action<SoldNews>? Sold { get; set; }

    /// <summary>How many transactions this process has committed, and how many items and other changes they held; their ratio is the size of a group.</summary>
    (long Commits, long Items) Done { get; }

    /// <summary>How many items wait now.</summary>
    int Waiting { get; }
}
