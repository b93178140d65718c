using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Exchange.Storage.Sqlite;

/// <summary>Read-only connections. A read sees one moment (one transaction) and never waits for the writer.</summary>
internal sealed class ReadPool(string file) : IDisposable
{
    private const int Connections = 8;

    private readonly ConcurrentBag<Database> free = [];
    private readonly SemaphoreSlim places = new(Connections);

    public async Task<T> ReadAsync<T>(Func<Database, T> read, CancellationToken cancel)
    {
        await places.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            // The driver has no asynchronous calls; the caller's thread (a grain's, often) is not the one to wait for a disk.
            return await Task.Run(() => Read(read), CancellationToken.None).ConfigureAwait(false);
        }
        finally { places.Release(); }
    }

    private T Read<T>(Func<Database, T> read)
    {
        Database? database = null;
        try
        {
            if (!free.TryTake(out database)) database = Database.OpenReader(file);
            database.Execute("BEGIN");
            var result = read(database);
            database.Execute("COMMIT");
            free.Add(database);
            return result;
        }
        catch (Exception exception)
        {
            database?.Dispose();
            if (exception is SqliteException sqlite && Writer.IsEnvironment(sqlite)) throw new StorageBusyException("The database cannot be read now");
            throw;
        }
    }

    public void Dispose()
    {
        while (free.TryTake(out var database)) database.Dispose();
        places.Dispose();
    }
}
