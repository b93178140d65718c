using Exchange.Engine.Ledger;
using Npgsql;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>
/// The windows whose rows are known to be there: those of a batch that are not get theirs before it, in a transaction of their own, so that the fence
/// misses none but in a moment when old rows are removed. One of each lane.
/// </summary>
internal sealed class KnownWindows
{
    /// <summary>More than are taken of in a day; then it begins anew.</summary>
    private const int Most = 100_000;

    private readonly HashSet<string> known = new(StringComparer.Ordinal);

    /// <summary>True: it was thought to be there.</summary>
    public bool Forget(string key) => known.Remove(key);

    public async Task MakeAsync(NpgsqlConnection connection, IReadOnlyList<JournalWork> works)
    {
        Dictionary<string, Take>? wanted = null;
        foreach (var work in works)
            foreach (var start in work.Item.Starts)
                foreach (var take in start.Takes)
                    if (IsWindow(take) && !known.Contains(take.Key)) (wanted ??= new(StringComparer.Ordinal)).TryAdd(take.Key, take);
        if (wanted is null) return;
        if (known.Count > Most) known.Clear();

        var keys = wanted.Keys.ToArray();
        var flush = new Flush(connection);
        flush.Add("SELECT make_windows($1, $2, $3, $4)", static _ => { })
            .With(keys).With(wanted.Values.Select(take => take.LimitId).ToArray()).With(wanted.Values.Select(take => take.Weekday).ToArray())
            .With(keys.Select(CounterKey.WindowStart).ToArray());
        flush.Add("SELECT key FROM counter WHERE key = ANY ($1)", row => known.Add(row.Text(0))).With(keys);
        await flush.RunAsync().ConfigureAwait(false);
    }

    /// <summary>Gates and balances have a row from their catalog on.</summary>
    private static bool IsWindow(in Take take) => take.Key != take.LimitId;
}
