namespace Exchange.Storage.Sqlite;

/// <summary>The order in which copies became sold; one row, read once and written once per batch.</summary>
internal sealed class SoldSequence(Database database)
{
    private long? last;
    private bool moved;

    public long Next()
    {
        last ??= database.Prepare("SELECT value FROM sequence WHERE name = 'sold'").Scalar()!.Value;
        moved = true;
        return (last = last.Value + 1).Value;
    }

    public void Flush()
    {
        if (!moved) return;
        database.Prepare("UPDATE sequence SET value = ? WHERE name = 'sold'").Bind(last!.Value).Run();
        moved = false;
    }

    /// <summary>After a rollback.</summary>
    public void Forget()
    {
        last = null;
        moved = false;
    }
}
