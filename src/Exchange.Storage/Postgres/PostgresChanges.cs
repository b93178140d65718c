using Npgsql;

namespace Exchange.Storage.Postgres;

/// <summary>What a change works with inside its transaction.</summary>
/// <param name="mayBeDone">An earlier try was sent to be committed and its reply was lost: what this change finds may be its own.</param>
internal sealed class Change(NpgsqlConnection connection, bool mayBeDone)
{
    private readonly List<CounterValue> told = [];

    /// <summary>In the transaction.</summary>
    public NpgsqlConnection Connection => connection;

    public bool MayBeDone => mayBeDone;
    public IReadOnlyList<CounterValue> Told => told;

    /// <summary>
    /// Waits for the sales that have begun to change copies and keeps others from it to this transaction's end: what held copies took may be changed,
    /// and what is booked summed up. Before any lock on copies, transfers or counters.
    /// </summary>
    public Task<int> HoldSalesAsync(CancellationToken cancel) => connection.RunAsync("SELECT hold_sales()", cancel);

    /// <summary>As a sale does before it books: goes beside other sales, never beside one who holds them.</summary>
    public Task<int> JoinSalesAsync(CancellationToken cancel) => connection.RunAsync("SELECT join_sales(NULL)", cancel);

    /// <summary>A counter's value as this change left it, for the live view after the commit.</summary>
    public void Tell(IEnumerable<CounterValue> values) => told.AddRange(values);
}

/// <summary>
/// Changes beside the journal, each in a transaction of its own (READ COMMITTED). What failed for the database's sake is done again on another
/// connection; a commit whose reply was lost as well, where doing it again does no harm.
/// </summary>
/// <param name="committed">Told the counters that a commit changed.</param>
internal sealed class PostgresChanges(NpgsqlDataSource source, TimeProvider time, Action<IReadOnlyList<CounterValue>> committed)
{
    private const int Tries = 5;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);

    /// <param name="again">False: after an unknown end it is not done again.</param>
    /// <exception cref="StorageBusyException">Nothing was changed.</exception>
    /// <exception cref="StorageFailedException">Whether it was changed is not known.</exception>
    public async Task<T> RunAsync<T>(Func<Change, Task<T>> change, CancellationToken cancel, bool again = true)
    {
        var mayBeDone = false;
        for (var (tries, pause) = (1, FirstPause); ; tries++, pause *= 2)
        {
            var committing = false;
            try
            {
                await using var connection = await source.OpenConnectionAsync(cancel).ConfigureAwait(false);
                await using var transaction = await connection.BeginTransactionAsync(cancel).ConfigureAwait(false);
                var work = new Change(connection, mayBeDone);
                var result = await change(work).ConfigureAwait(false);
                committing = true;
                // From here on the caller's wish to go does not matter: it would only make the end unknown.
                await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
                if (work.Told.Count > 0) committed(work.Told);
                return result;
            }
            catch (Exception fault) when (Faults.IsBusy(fault))
            {
                mayBeDone |= committing;
                if (tries < Tries && (again || !mayBeDone)) { }
                else if (mayBeDone) throw new StorageFailedException("Whether the change was made is not known; send it again");
                else throw new StorageBusyException("The database cannot be written now");
            }
            await Task.Delay(pause, time, cancel).ConfigureAwait(false);
        }
    }
}
