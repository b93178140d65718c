using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// What a counter holds is what the copies that are held took of it, and what it used is what the captured ones took, to the unit. What copies that came
/// back took is used too, except of balances and of caps that count what was kept. What they took of is there, unless its window is long over.
/// </summary>
public sealed class CountersEqualSales() : AuditCheck("I1", "caps and balances = sales and holds")
{
    private sealed class Sum(CounterFact counter)
    {
        public CounterFact Counter { get; } = counter;
        public long Used { get; set; }
        public long Held { get; set; }
    }

    private const long KeptMs = Limits.CounterDays * 86_400_000L;

    private readonly Dictionary<long, Sum> sums = [];

    public override void See(CounterFact counter)
    {
        if (!counter.IsCounted) sums.Add(counter.Id, new(counter));
    }

    public override void See(LeadFacts lead)
    {
        foreach (var copy in lead.Copies)
            foreach (var take in copy.Takes)
            {
                if (!sums.TryGetValue(take.Counter, out var sum))
                {
                    // Housekeeping removes a row long after its window, and never one of which something is held.
                    Require(!copy.IsHold && (!copy.IsSold || copy.AtMs < NowMs - KeptMs), lead.CopyId(copy.No).ToString(), $"is {copy.State} and took {take.Amount} of a counter that is not there");
                    continue;
                }
                // The number of one that is gone may be another's by now.
                if (!IsOf(sum.Counter, copy)) continue;
                if (copy.IsHold) sum.Held += take.Amount;
                else if (copy.State == CopyState.Captured || copy.State == CopyState.Reversed && !LimitNames.IsGivenBack(sum.Counter.LimitId)) sum.Used += take.Amount;
            }
    }

    private static bool IsOf(CounterFact counter, CopyFact copy) => counter.Kind switch
    {
        LimitKind.Balance => counter.LimitId.EndsWith(":" + copy.Buyer, StringComparison.Ordinal),
        _ => copy.AtMs >= counter.WindowStart * 1000,
    };

    protected override void Conclude()
    {
        foreach (var sum in sums.Values)
        {
            var counter = sum.Counter;
            Looked++;
            Require(counter.Held == sum.Held, counter.Name, $"holds {counter.Held}, its copies hold {sum.Held}");
            if (counter.Seeded is { } seeded)
                Require(counter.Used == sum.Used + seeded, counter.Name, $"used {counter.Used}, its copies used {sum.Used} and {seeded} before it was in force");
            else
                Require(counter.Used >= sum.Used, counter.Name, $"used {counter.Used}, its copies used {sum.Used}");
        }
    }
}
