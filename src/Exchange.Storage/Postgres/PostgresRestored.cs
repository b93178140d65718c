using Exchange.Storage.Audit;
using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>
/// What a database needs after it was restored from a copy, before it is served: each buyer's next sold copy gets a number that the lost exchange cannot have
/// given, so that a buyer that reads its inbox on from the last it saw misses none. Twice is harmless: it leaves out twice as many.
/// </summary>
public static class PostgresRestored
{
    /// <summary>Numbers that are left out, for each buyer.</summary>
    public const long SoldNumbersLeftOut = Sqlite.SqliteBackup.SoldNumbersLeftOut;

    /// <summary>The number of buyers: all that ever had a campaign.</summary>
    /// <exception cref="StorageBusyException">The database is away.</exception>
    /// <exception cref="StorageOpenException">It is not of this build's kind.</exception>
    public static async Task<int> RunAsync(string connectionString, CancellationToken cancel)
    {
        var text = new NpgsqlConnectionStringBuilder(PostgresDatabase.Read(connectionString).ToString()) { Pooling = false };
        try
        {
            await using var database = new NpgsqlConnection(text.ToString());
            await database.OpenAsync(cancel).ConfigureAwait(false);
            await using var change = await database.BeginTransactionAsync(cancel).ConfigureAwait(false);
            await database.RunAsync("LOCK TABLE buyer_sales IN EXCLUSIVE MODE", cancel).ConfigureAwait(false);
            await database.RunAsync("INSERT INTO buyer_sales (buyer, last) SELECT DISTINCT buyer, 0 FROM campaign_identity ON CONFLICT DO NOTHING", cancel).ConfigureAwait(false);
            var buyers = await database.RunAsync("""
                WITH moved AS (UPDATE buyer_sales SET last = last + $1 RETURNING buyer, last - $1 AS after)
                INSERT INTO sold_left_out (buyer, after, numbers) SELECT m.buyer, m.after, $1 FROM moved m
                """, cancel, SoldNumbersLeftOut).ConfigureAwait(false);
            await change.CommitAsync(cancel).ConfigureAwait(false);
            return buyers;
        }
        catch (Exception fault) when (Faults.IsBusy(fault))
        {
            throw new StorageBusyException("The database cannot be reached now");
        }
        catch (PostgresException fault)
        {
            throw new StorageOpenException($"The database '{text.Database}' is of an older build or has no exchange in it; run migrate on it first ({fault.MessageText}).", fault);
        }
    }
}
