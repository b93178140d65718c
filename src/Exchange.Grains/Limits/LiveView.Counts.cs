using System.Collections.Concurrent;
using Exchange.Engine.Caps;
using Exchange.Storage;

namespace Exchange.Grains.Limits;

/// <summary>What is counted here as it happens, seen at once by every reader, and written to the rows a little later.</summary>
public sealed partial class LiveView
{
    private readonly ConcurrentQueue<Cell> unwritten = new();
    // Of windows that ended before they were written.
    private readonly ConcurrentQueue<LimitCount> lateCounts = new();

    /// <summary>Counts what has room for it; false: full.</summary>
    internal bool TryCount(LimitModel limit, string? value, long unixSeconds) => Count(limit, value, unixSeconds, upTo: true);

    /// <summary>Counts what happened, whatever the limit.</summary>
    internal void Count(LimitModel limit, string? value, long unixSeconds) => Count(limit, value, unixSeconds, upTo: false);

    /// <summary>Takes back what <see cref="TryCount"/> counted a moment ago.</summary>
    internal void Uncount(LimitModel limit, string? value) => Find(limit, value)?.Uncount(1);

    private bool Count(LimitModel limit, string? value, long unixSeconds, bool upTo)
    {
        if (!CellsOf(limit.Id).TryGet(value, out var cell)) cell = CellsOf(limit.Id).Whole;
        long? most = upTo ? limit.RowLimitIn(limit.WindowAt(unixSeconds)) : null;
        if (!cell.TryCount(limit, unixSeconds, 1, most, out var fresh, out var late)) return false;
        if (late is { } over) lateCounts.Enqueue(over);
        if (fresh) unwritten.Enqueue(cell);
        alerts.Look(limit, cell, quiet);
        return true;
    }

    /// <summary>An offer was made that takes so much of a paced cap if it is sold.</summary>
    internal void PaceOffer(LimitModel limit, string? value, long amount, long nowMs)
    {
        if (!CellsOf(limit.Id).TryGet(value, out var cell)) return;
        var seconds = nowMs / 1000;
        cell.Pace.Offered(limit.WindowAt(seconds), new(limit, served.Model), PartOf(ReadHard(limit, cell, seconds).Left), amount, nowMs);
    }

    /// <summary>Writes to the rows what was counted since the last time. One at a time.</summary>
    public async Task WriteCountsAsync(ILimitCounts counts, CancellationToken cancel)
    {
        List<(Cell? Cell, LimitCount Count)> taken = [];
        while (lateCounts.TryDequeue(out var late)) taken.Add((null, late));
        for (var left = unwritten.Count; left > 0 && unwritten.TryDequeue(out var cell); left--)
            if (served.ById.TryGetValue(cell.LimitId, out var limit) && cell.TakeOff(limit) is { } count) taken.Add((cell, count));
        if (taken.Count == 0) return;
        try
        {
            await counts.AddAsync([.. taken.Select(pair => pair.Count)], cancel);
        }
        catch (Exception refused) when (refused is StorageBusyException or OperationCanceledException)
        {
            // Surely not written: all of it the next time.
            foreach (var (cell, count) in taken)
            {
                if (cell is not null && cell.Landed()) unwritten.Enqueue(cell);
                else lateCounts.Enqueue(count);
            }
            throw;
        }
        catch
        {
            // Nobody knows whether it was written. Counted once too little is better than twice.
            Written(taken);
            throw;
        }
        Written(taken);
    }

    private void Written(List<(Cell? Cell, LimitCount Count)> taken)
    {
        foreach (var (cell, count) in taken) if (cell is not null && cell.Written(count.Amount)) unwritten.Enqueue(cell);
    }

    /// <summary>Forgets values whose window is over, and what was counted of limits that had left the catalog already.</summary>
    public void Sweep(long nowMs)
    {
        foreach (var (_, of) in cells) of.Sweep(nowMs / 1000);
        lock (installing)
        {
            var here = served.ById;
            if (cells.Count == here.Count) return;
            foreach (var (id, of) in cells) if (!here.ContainsKey(id) && cells.TryRemove(id, out _)) of.Forget();
        }
    }
}
