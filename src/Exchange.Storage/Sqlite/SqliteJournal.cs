using Exchange.Engine.Ledger;

namespace Exchange.Storage.Sqlite;

/// <summary>The journal: items go to the one writer thread.</summary>
public sealed class SqliteJournal : IJournal
{
    private readonly Writer writer;

    internal SqliteJournal(Writer writer) => this.writer = writer;

    public Task<Verdict> SubmitAsync(JournalItem item, CancellationToken whileQueued)
    {
        ArgumentNullException.ThrowIfNull(item);
        return writer.SubmitAsync(item, whileQueued);
    }

    public Action<IReadOnlyList<CounterValue>>? Committed
    {
        get => writer.Committed;
        set => writer.Committed = value;
    }

    public Action<SoldNews>? Sold
    {
        get => writer.Sold;
        set => writer.Sold = value;
    }

    /// <summary>How many transactions were committed, and how many items and other changes they held.</summary>
    public (long Commits, long Items) Done => writer.Done;

    /// <summary>How many items wait now.</summary>
    public int Waiting => writer.Waiting;
}
