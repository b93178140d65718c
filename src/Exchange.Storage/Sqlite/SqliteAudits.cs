using Exchange.Engine.Audit;
using Exchange.Storage.Audit;
using Microsoft.Data.Sqlite;

namespace Exchange.Storage.Sqlite;

/// <summary>
/// Audits the facts of one data folder over a connection of its own that only reads, in one transaction: also beside the process that writes them,
/// and without its lock. While it reads, the log of changes cannot be cut and grows.
/// </summary>
public sealed class SqliteAudits(string folder) : IAudits, IDisposable
{
    /// <summary>One after the other: each reads everything there is.</summary>
    private readonly SemaphoreSlim one = new(1, 1);

    public async Task<AuditReport> RunAsync(long nowMs, CancellationToken cancel)
    {
        await one.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => Run(folder, nowMs, cancel), CancellationToken.None).ConfigureAwait(false);
        }
        finally { one.Release(); }
    }

    public void Dispose() => one.Dispose();

    /// <summary>Throws <see cref="StorageOpenException"/> if there is no database of this build's kind.</summary>
    private static AuditReport Run(string folder, long nowMs, CancellationToken cancel)
    {
        var file = Path.Combine(Path.GetFullPath(folder), SqliteStore.FactsFile);
        if (!File.Exists(file)) throw new StorageOpenException($"There is no {SqliteStore.FactsFile} in '{folder}'.");
        try
        {
            using var database = Database.OpenReader(file);
            database.StopWhen(() => cancel.IsCancellationRequested);
            database.Execute("BEGIN");
            if (database.Prepare("SELECT count(*) FROM pragma_table_info('counter') WHERE name = 'seeded'").Scalar() != 1)
                throw new StorageOpenException($"The database in '{folder}' is of an older build; start this one on it, or run migrate, before it is audited.");
            var report = Auditor.Run(new SqliteAuditFacts(database, nowMs));
            database.Execute("COMMIT");
            return report;
        }
        catch (SqliteException) when (cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancel);
        }
        catch (SqliteException exception)
        {
            throw new StorageOpenException($"The database in '{folder}' cannot be read: {exception.Message}", exception);
        }
    }
}
