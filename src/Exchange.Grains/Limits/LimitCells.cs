using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Exchange.Engine.Caps;

namespace Exchange.Grains.Limits;

/// <summary>
/// The counters of one limit: one, or one for each value. Values are bounded; those beyond are not remembered, and what has to be counted of them is
/// counted together.
/// </summary>
internal sealed class LimitCells(string limitId, ValueBudget budget)
{
    // Made with the first value: most limits have none.
    private ConcurrentDictionary<string, Cell>? values;

    /// <summary>The one counter; of limits with a count for each value what is counted beyond the bound.</summary>
    public Cell Whole { get; } = new(limitId, null);
    /// <summary>Of limits with a count for each value.</summary>
    public IEnumerable<Cell> Values => values?.Select(pair => pair.Value) ?? [];

    /// <summary>Null: nothing was heard of this value.</summary>
    public Cell? Find(string? value) => value is null ? Whole : values?.GetValueOrDefault(value);

    /// <summary>False: too many values are remembered already.</summary>
    public bool TryGet(string? value, [NotNullWhen(true)] out Cell? cell)
    {
        cell = Find(value);
        if (cell is not null) return true;
        if (!budget.TryTake()) return false;
        var made = new Cell(limitId, value);
        var of = values ?? Interlocked.CompareExchange(ref values, new(StringComparer.Ordinal), null) ?? values;
        cell = of.GetOrAdd(value!, made);
        if (!ReferenceEquals(made, cell)) budget.Give(1);
        return true;
    }

    /// <summary>Values whose window is over for good and that nothing waits for.</summary>
    public void Sweep(long unixSeconds)
    {
        if (values is null) return;
        foreach (var (value, cell) in values)
        {
            if (cell.Now is not { IsHeard: true, Pending: 0 } now || now.Window.End > unixSeconds || cell.Promised > 0) continue;
            if (values.TryRemove(value, out _)) budget.Give(1);
        }
    }

    /// <summary>The limit left the catalog.</summary>
    public void Forget()
    {
        if (values is null) return;
        budget.Give(values.Count);
        values.Clear();
    }
}

/// <summary>How many values all limits together may remember.</summary>
internal sealed class ValueBudget(int most)
{
    private int taken;

    public bool IsSpent => Volatile.Read(ref taken) >= most;

    public bool TryTake()
    {
        if (Interlocked.Increment(ref taken) <= most) return true;
        Interlocked.Decrement(ref taken);
        return false;
    }

    public void Give(int count) => Interlocked.Add(ref taken, -count);
}
