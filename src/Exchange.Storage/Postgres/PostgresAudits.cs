using System.Data;
using Exchange.Engine.Audit;
using Exchange.Storage.Audit;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// Audits one database over a connection of its own that only reads, in one transaction: also beside the processes that write. While it reads, the database
/// keeps old versions of changed rows.
/// </summary>
public sealed class PostgresAudits(string connectionString) : IAudits, IDisposable
{
    /// <summary>A reader that stands still keeps old rows alive: so long at most.</summary>
    private const string Session = "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=3000 -c timezone=UTC";

    /// <summary>One after the other: each reads everything there is.</summary>
    private readonly SemaphoreSlim one = new(1, 1);

    /// <inheritdoc/>
    /// <exception cref="StorageBusyException">The database is away or went away meanwhile.</exception>
    /// <exception cref="StorageOpenException">It cannot be read, or is not of this build's kind.</exception>
    public async Task<AuditReport> RunAsync(long nowMs, CancellationToken cancel)
    {
        await one.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => Run(nowMs, cancel), CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception fault) when (Faults.IsBusy(fault))
        {
            throw new StorageBusyException("The database cannot be read now");
        }
        catch (PostgresException fault)
        {
            throw new StorageOpenException($"The database cannot be read: {fault.MessageText}.", fault);
        }
        finally { one.Release(); }
    }

    public void Dispose() => one.Dispose();

    private AuditReport Run(long nowMs, CancellationToken cancel)
    {
        // A statement may take its time.
        var text = new NpgsqlConnectionStringBuilder(PostgresDatabase.Read(connectionString).ToString()) { Pooling = false, CommandTimeout = 0 };
        text.Options = text.Options is { Length: > 0 } own ? $"{Session} {own}" : Session;
        // Every later audit would wait behind this one.
        PostgresDatabase.NoticeALostMachine(text);
        using var database = new NpgsqlConnection(text.ToString());
        database.Open();
        using var moment = database.BeginTransaction(IsolationLevel.RepeatableRead);
        using (var kind = new NpgsqlCommand("SET TRANSACTION READ ONLY; SELECT to_regclass('sold_left_out') IS NOT NULL", database))
            if (kind.ExecuteScalar() is not true)
                throw new StorageOpenException($"The database '{text.Database}' is of an older build or has no exchange in it; start this one on it, or run migrate, before it is audited.");
        var report = Auditor.Run(new PostgresAuditFacts(database, nowMs, cancel));
        moment.Commit();
        return report;
    }
}
