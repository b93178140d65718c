namespace Exchange.Storage.Sqlite;

/// <summary>What a change works with inside the writer's transaction. Never leaves the writer's thread.</summary>
internal sealed class WriteSession
{
    private readonly CounterCache counters;
    private readonly SoldSequence sold;
    private readonly CommitNews news = new();

    public WriteSession(Database database, string owner)
    {
        Database = database;
        Owner = owner;
        counters = new CounterCache(database);
        sold = new SoldSequence(database);
        Items = new ItemWriter(database, counters, sold, news, owner);
    }

    public Database Database { get; }

    /// <summary>This process, as the holder of leases.</summary>
    public string Owner { get; }

    public ItemWriter Items { get; }

    /// <summary>The order in which buyers see what they bought.</summary>
    public SoldSequence Sold => sold;

    /// <summary>Counters as the items before have left them; what is changed through it is written and told.</summary>
    public CounterCache Counters => counters;

    /// <summary>A counter's value after a direct change, for the live view.</summary>
    public void Tell(CounterValue value) => counters.Tell(value);

    public IReadOnlyList<CounterValue> TakeCommitted() => counters.TakeCommitted();

    public SoldNews? TakeNews() => news.Take();

    /// <summary>All of it or nothing; counter rows are read and written directly in between.</summary>
    public T InSavepoint<T>(Func<T> change)
    {
        Flush();
        var mark = news.Mark;
        Database.Execute("SAVEPOINT work");
        try
        {
            var result = change();
            Flush();
            counters.Forget();
            Database.Execute("RELEASE work");
            return result;
        }
        catch
        {
            counters.Forget();
            sold.Forget();
            news.Forget(mark);
            Database.Execute("ROLLBACK TO work; RELEASE work");
            throw;
        }
    }

    public void Flush()
    {
        counters.Flush();
        sold.Flush();
    }

    public void Forget()
    {
        counters.Forget();
        sold.Forget();
        counters.TakeCommitted();
        news.Forget(default);
    }
}
