using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>The limits that a fence moves, and what an apply of a catalog makes of them: another limit, another gate, a cap that begins in mid-period.</summary>
internal sealed class CounterRows(SimDatabase database) : ICounters
{
    private readonly Dictionary<string, CounterEntry> byKey = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (LimitModel Limit, long Value, bool IsActive)> limits = new(StringComparer.Ordinal);

    /// <summary>In the order in which they came.</summary>
    public List<CounterEntry> All { get; } = [];

    /// <summary>Those that moved since this was last cleared.</summary>
    public HashSet<CounterEntry> Touched { get; } = [];

    /// <summary>Limits of the newest version.</summary>
    public IEnumerable<LimitModel> InForce => limits.Values.Where(static limit => limit.IsActive).Select(static limit => limit.Limit);

    public LimitModel? LimitOf(string limitId, out bool isActive)
    {
        var found = limits.TryGetValue(limitId, out var known);
        isActive = known.IsActive;
        return found ? known.Limit : null;
    }

    public Counter? Find(in Take take)
    {
        if (byKey.TryGetValue(take.Key, out var counter)) return counter.Row;
        if (take.Key == take.LimitId || !limits.TryGetValue(take.LimitId, out var limit) || limit.Limit.Kind != LimitKind.Cap || !limit.IsActive) return null;
        return Make(limit.Limit, take.Key, limit.Value).Row;
    }

    IEnumerable<(Counter Counter, long Amount)> ICounters.TakenBy(JudgedCopy copy) => ((CopyEntry)copy).Takes.Select(take => (take.Counter.Row, take.Amount));

    void ICounters.Moved(Counter counter) => Touched.Add(byKey[counter.Key]);

    public IEnumerable<(CounterEntry, long)> Keep(Take[] takes)
    {
        foreach (var take in takes) if (take.Amount > 0) yield return (byKey[take.Key], take.Amount);
    }

    public IReadOnlyList<CounterValue> Values() => [.. All.Select(row => row.Value)];

    /// <summary>Money paid in.</summary>
    public CounterEntry Fund(string buyer, long micros)
    {
        var key = "bal:" + buyer;
        if (!byKey.TryGetValue(key, out var row))
        {
            row = new(All.Count + 1, key, key, 0, 0);
            byKey.Add(key, row);
            All.Add(row);
        }
        row.Limit(row.Row.Limit + micros);
        return row;
    }

    /// <summary>The limits of a new version, in its transaction.</summary>
    public void Apply(IReadOnlyList<LimitModel> next, ICopyFacts? facts, long nowMs)
    {
        var now = new HashSet<string>(StringComparer.Ordinal);
        foreach (var limit in next)
        {
            if (!now.Add(limit.Id)) continue;
            var known = limits.TryGetValue(limit.Id, out var was);
            var value = limit.Soft ? LimitModel.NoLimit : limit.Limit;
            limits[limit.Id] = (limit, value, true);
            switch (limit.Kind)
            {
                case LimitKind.Gate:
                    Row(limit, limit.Id).Limit(value);
                    break;
                case LimitKind.Balance:
                    var balance = Row(limit, limit.Id);
                    balance.Limit(balance.Row.Limit + value - (known ? was.Value : 0));
                    break;
                default:
                    foreach (var row in All.Where(row => row.LimitId == limit.Id).ToArray()) row.Limit(value);
                    if (limit.IsTake && !(known && was.IsActive)) Seed(limit, facts, nowMs);
                    break;
            }
        }
        foreach (var (id, gone) in limits.Where(pair => pair.Value.IsActive && !now.Contains(pair.Key)).ToArray())
        {
            limits[id] = gone with { IsActive = false };
            if (gone.Limit.Kind == LimitKind.Gate) Row(gone.Limit, id).Limit(-1);
        }
    }

    /// <summary>A cap that was not in force: its current window starts with the live copies of that window; those still held take of it from now on.</summary>
    private void Seed(LimitModel limit, ICopyFacts? facts, long nowMs)
    {
        var window = limit.WindowAt(nowMs / 1000);
        // It may have been in force before, with copies that still hold of it.
        foreach (var row in All.Where(row => row.LimitId == limit.Id && row.WindowStart == window.Start))
        {
            row.Row.Move(-row.Row.Used, -row.Row.Held);
            row.Seeded = 0;
        }
        foreach (var lead in database.Leads)
        {
            if (lead.Id.IsTest) continue;
            for (var i = 0; i < lead.Copies.Count; i++)
            {
                var copy = lead.Copies[i];
                if (!copy.IsOpen || limit.CountsKept && copy.State == CopyState.Reversed || !window.Contains(copy.AtMs / 1000) || !IsOf(limit, lead, copy)) continue;
                string? value = null;
                if ((limit.When is not null || limit.Each is not null) && !facts!.Counts(limit, Stored(lead, copy), out value)) continue;
                // A lead whose person was erased cannot be asked any more: what its copy took says it.
                var row = copy.Takes.FirstOrDefault(take => take.Counter.LimitId == limit.Id && take.Counter.WindowStart == window.Start).Counter ?? Row(limit, limit.KeyIn(window, value));
                var amount = limit.AmountOf(copy.Price, copy.Payout);
                var has = copy.Takes.Any(take => take.Counter == row);
                if (copy.State is CopyState.Captured or CopyState.Reversed)
                {
                    row.Row.Move(amount, 0);
                    // Its return moves this counter too.
                    if (limit.CountsKept && !has && amount > 0) lead.Copies[i] = copy with { Takes = [.. copy.Takes, (row, amount)] };
                    else if (!has) row.Seeded += amount;
                }
                else
                {
                    row.Row.Move(0, amount);
                    if (!has && amount > 0) lead.Copies[i] = copy with { Takes = [.. copy.Takes, (row, amount)] };
                }
                row.Limit(row.Row.Limit);
            }
        }
    }

    private static StoredCopy Stored(LeadEntry lead, CopyEntry copy) => new(
        lead.Id, copy.No, lead.Publisher, lead.Vertical, lead.SubId, lead.Channel, copy.Campaign, copy.Buyer, copy.Exclusive, copy.Price, copy.Payout, copy.AtMs,
        lead.CatalogVersion, lead.Sealed);

    private static bool IsOf(LimitModel limit, LeadEntry lead, CopyEntry copy) => limit.Scope switch
    {
        CapScope.Publisher => lead.Publisher == limit.Owner,
        CapScope.Campaign => copy.Campaign == limit.Owner,
        CapScope.Buyer => copy.Buyer == limit.Owner,
        _ => copy.Trees.Contains(limit.Owner),
    };

    private CounterEntry Row(LimitModel limit, string key) => byKey.TryGetValue(key, out var row) ? row
        : Make(limit, key, limit.Kind == LimitKind.Balance ? 0 : limits[limit.Id].Value);

    private CounterEntry Make(LimitModel limit, string key, long value)
    {
        var row = new CounterEntry(All.Count + 1, key, limit.Id, limit.ReadKey(key, out _), value);
        byKey.Add(key, row);
        All.Add(row);
        return row;
    }
}
