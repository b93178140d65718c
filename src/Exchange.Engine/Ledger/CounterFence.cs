using Exchange.Engine.Caps;

namespace Exchange.Engine.Ledger;

/// <summary>One limit's row as the items before have left it.</summary>
public class Counter(string key, string limitId, long limit, long used, long held)
{
    public string Key { get; } = key;
    public string LimitId { get; } = limitId;
    public long Limit { get; } = limit;
    public long Used { get; private set; } = used;
    public long Held { get; private set; } = held;

    public bool Fits(long amount) => Used + Held + amount <= Limit;

    public void Move(long used, long held)
    {
        Used += used;
        Held += held;
    }
}

/// <summary>The counters that a fence moves. Nobody else moves them meanwhile.</summary>
public interface ICounters
{
    /// <summary>The row a take means; a cap's window in which nothing was counted yet begins with the cap's limit. Null: no such limit.</summary>
    Counter? Find(in Take take);

    /// <summary>What a copy holds, or took for good, in the windows it was taken in. Of a copy that is sold without those that are long over and gone.</summary>
    IEnumerable<(Counter Counter, long Amount)> TakenBy(JudgedCopy copy);

    /// <summary>Its numbers have moved. They may have moved back: a refused item leaves no number changed.</summary>
    void Moved(Counter counter);
}

/// <summary>
/// The second half of judging an item: ends give back or use what their copies hold, then every take of every start has to fit, in order; the first
/// that does not refuses the item whole. The same lines stand in PL/pgSQL where several processes share the rows.
/// </summary>
public sealed class CounterFence(ICounters counters)
{
    private readonly List<(Counter Counter, long Used, long Held)> moves = [];

    /// <summary>Done: the counters have moved. Anything else: they stand as before.</summary>
    public Verdict Pass(ItemPlan plan)
    {
        moves.Clear();
        foreach (var end in plan.Ends)
            if (end.MovesCounters)
                foreach (var (counter, amount) in counters.TakenBy(end.Copy)) End(end.End, counter, amount);
        foreach (var (index, start) in plan.Starts)
            for (var t = 0; t < start.Takes.Length; t++)
                if (!Take(start.Move, start.Takes[t]))
                {
                    Undo();
                    return new(VerdictCode.Refused, index, t);
                }
        if (plan.NoFreeCopy is not { } noFree) return new(VerdictCode.Done);
        Undo();
        return new(VerdictCode.NoFreeCopy, noFree);
    }

    private void End(CopyEnd end, Counter counter, long amount)
    {
        if (end.Move != CopyMove.Reverse) Move(counter, end.Move == CopyMove.Capture ? end.AmountOf(counter.LimitId, amount) : 0, -amount);
        else if (LimitNames.IsGivenBack(counter.LimitId)) Move(counter, -amount, 0);
    }

    private bool Take(CopyMove move, in Take take)
    {
        if (counters.Find(take) is not { } counter || !counter.Fits(take.Amount)) return false;
        if (take.Amount > 0) Move(counter, move == CopyMove.Sell ? take.Amount : 0, move == CopyMove.Hold ? take.Amount : 0);
        return true;
    }

    private void Move(Counter counter, long used, long held)
    {
        counter.Move(used, held);
        counters.Moved(counter);
        moves.Add((counter, used, held));
    }

    private void Undo()
    {
        foreach (var (counter, used, held) in moves) counter.Move(-used, -held);
        moves.Clear();
    }
}
