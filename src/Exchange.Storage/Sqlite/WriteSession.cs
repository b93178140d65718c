namespace Exchange.Storage.Sqlite;

/// <summary>What a change works with inside the writer's transaction. Never leaves the writer's thread.</summary>
internal sealed class WriteSession
{
    private readonly CounterCache counters;
    private readonly SoldSequence sold;

    public WriteSession(Database database, string owner)
    {
        Database = database;
        Owner = owner;
        counters = new CounterCache(database);
        sold = new SoldSequence(database);
        Items = new ItemWriter(database, counters, sold, owner);
    }

    public Database Database { get; }

    /// <summary>This process, as the holder of leases.</summary>
    public string Owner { get; }

    public ItemWriter Items { get; }

    /// <summary>A counter's value after a direct change, for the live view.</summary>
    public void Tell(CounterValue value) => counters.Tell(value);

    public IReadOnlyList<CounterValue> TakeCommitted() => counters.TakeCommitted();

    /// <summary>All of it or nothing; counter rows are read and written directly in between.</summary>
    public T InSavepoint<T>(Func<T> change)
    {
        Flush();
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
    }
}
