using Exchange.Engine;
using Exchange.Engine.Ledger;

namespace Exchange.Storage.Sqlite;

/// <summary>One counter row as this transaction sees it.</summary>
internal sealed class CounterRow(long id, string key, string limitId, long limit, long used, long held) : Counter(key, limitId, limit, used, held)
{
    /// <summary>0: a window in which nothing was counted yet; its row is made by the first item that takes of it.</summary>
    public long Id { get; set; } = id;
    public bool Changed { get; set; }
}

/// <summary>
/// The counters of one batch: each row read once, changed in memory by the items in their order, written once at the end. Valid inside one
/// transaction only.
/// </summary>
internal sealed class CounterCache(Database database) : ICounters
{
    private readonly Dictionary<string, CounterRow> byKey = new(StringComparer.Ordinal);
    private readonly Dictionary<long, CounterRow> byId = [];
    private readonly List<CounterRow> changed = [];
    private readonly Dictionary<string, CounterValue> committed = new(StringComparer.Ordinal);

    /// <summary>The row a take means. A cap's missing window row is made up from the cap's limit; null: no such limit.</summary>
    public CounterRow? Find(in Take take)
    {
        if (byKey.TryGetValue(take.Key, out var counter)) return counter;
        var read = database.Prepare("SELECT id, key, limit_id, lim, used, held FROM counter WHERE key = ?").Bind(take.Key).First(Read);
        if (read is null && take.Key != take.LimitId)
        {
            var weekday = take.Weekday;
            var limit = database.Prepare("SELECT lim, weekdays FROM cap WHERE id = ? AND kind = 1 AND active = 1").Bind(take.LimitId)
                .First(row => (long?)(weekday > 0 && row.TextOrNull(1) is { } week ? WeekdayLimits.Read(week)[weekday - 1] : row.Long(0)));
            if (limit is { } value) read = new CounterRow(0, take.Key, take.LimitId, value, 0, 0);
        }
        if (read is not null) Keep(read);
        return read;
    }

    /// <summary>By the id that stored takes name it by.</summary>
    public CounterRow? Find(long id)
    {
        if (byId.TryGetValue(id, out var counter)) return counter;
        counter = database.Prepare("SELECT id, key, limit_id, lim, used, held FROM counter WHERE id = ?").Bind(id).First(Read);
        if (counter is not null) Keep(counter);
        return counter;
    }

    /// <summary>The row's id; makes the row if this is the first take of its window.</summary>
    public long Materialize(CounterRow counter)
    {
        if (counter.Id != 0) return counter.Id;
        counter.Id = database
            .Prepare("INSERT INTO counter (key, limit_id, window_start, lim, used, held) VALUES (?, ?, ?, ?, 0, 0) RETURNING id")
            .Bind(counter.Key).Bind(counter.LimitId).Bind(CounterKey.WindowStart(counter.Key)).Bind(counter.Limit).Scalar()!.Value;
        byId[counter.Id] = counter;
        return counter.Id;
    }

    Counter? ICounters.Find(in Take take) => Find(take);

    public IEnumerable<(Counter Counter, long Amount)> TakenBy(JudgedCopy copy)
    {
        foreach (var (id, amount) in StoredTakes.Read(((StoredCopyRow)copy).Takes))
        {
            var counter = Find(id);
            Invariant.Require(counter is not null || copy.State == CopyState.Captured, "a copy's take names a counter that is not there");
            if (counter is not null) yield return (counter, amount);
        }
    }

    public void Moved(Counter counter)
    {
        var row = (CounterRow)counter;
        if (row.Changed) return;
        row.Changed = true;
        changed.Add(row);
    }

    /// <summary>Writes what the items changed. Afterwards rows may be changed directly, if <see cref="Forget"/> is called after that.</summary>
    public void Flush()
    {
        foreach (var counter in changed)
        {
            counter.Changed = false;
            // Taken of and given back by a refused item: there is nothing to write, and no row was made.
            if (counter.Id == 0) continue;
            // What was excused when the limit was lowered is excused no more once it fits again.
            database.Prepare("UPDATE counter SET used = ?1, held = ?2, over = CASE WHEN ?1 + ?2 <= lim THEN 0 ELSE over END WHERE id = ?3").Bind(counter.Used).Bind(counter.Held).Bind(counter.Id).Run();
            Tell(new CounterValue(counter.Key, counter.LimitId, counter.Limit, counter.Used, counter.Held));
        }
        changed.Clear();
    }

    /// <summary>Rows may have been changed directly, or the transaction rolled back.</summary>
    public void Forget()
    {
        byKey.Clear();
        byId.Clear();
        changed.Clear();
    }

    /// <summary>A value to be told after the commit.</summary>
    public void Tell(CounterValue value) => committed[value.Key] = value;

    /// <summary>The values to tell, once. After a rollback they are thrown away.</summary>
    public IReadOnlyList<CounterValue> TakeCommitted()
    {
        if (committed.Count == 0) return [];
        CounterValue[] values = [.. committed.Values];
        committed.Clear();
        return values;
    }

    private void Keep(CounterRow counter)
    {
        byKey.Add(counter.Key, counter);
        if (counter.Id != 0) byId.Add(counter.Id, counter);
    }

    private static CounterRow Read(Statement row) => new(row.Long(0), row.Text(1), row.Text(2), row.Long(3), row.Long(4), row.Long(5));
}
