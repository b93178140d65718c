using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Npgsql;

namespace Exchange.Storage.Postgres.Journal;

/// <summary>The arguments of the database's fence for one batch, and its answer.</summary>
internal sealed class FenceCall
{
    private const short Capture = 1, Free = 2, Sell = 3, Hold = 4, GiveBack = 5;

    private readonly Dictionary<string, int> places = new(StringComparer.Ordinal);
    private readonly List<int> from = [1];
    private readonly List<short> kinds = [];
    private readonly List<string> keys = [];
    private readonly List<long> amounts = [];
    private readonly List<PlannedItem> items = [];
    /// <summary>How many of each item's steps are of its ends.</summary>
    private readonly List<int> ends = [];

    public int[] Codes { get; private set; } = [];

    /// <summary>The counters that moved, with their new values.</summary>
    public List<CounterValue> Moved { get; } = [];

    /// <summary>In the order of arrival. Returns the item's place, from 1.</summary>
    public int Add(PlannedItem item)
    {
        foreach (var end in item.Plan.Ends)
        {
            if (!end.MovesCounters) continue;
            var copy = (HeldCopy)end.Copy;
            for (var i = 0; i < copy.Takes.Length; i++)
            {
                if (end.End.Move == CopyMove.Capture)
                {
                    var amount = end.End.AmountOf(CounterKey.LimitId(copy.Takes[i]), copy.Amounts[i]);
                    if (amount < copy.Amounts[i]) Step(Free, copy.Takes[i], copy.Amounts[i] - amount);
                    Step(Capture, copy.Takes[i], amount);
                }
                else if (end.End.Move != CopyMove.Reverse) Step(Free, copy.Takes[i], copy.Amounts[i]);
                else if (LimitNames.IsGivenBack(CounterKey.LimitId(copy.Takes[i]))) Step(GiveBack, copy.Takes[i], copy.Amounts[i]);
            }
        }
        ends.Add(kinds.Count + 1 - from[^1]);
        foreach (var (_, start) in item.Plan.Starts)
            foreach (var take in start.Takes) Step(start.Move == CopyMove.Sell ? Sell : Hold, take.Key, take.Amount);
        from.Add(kinds.Count + 1);
        items.Add(item);
        return items.Count;
    }

    private void Step(short kind, string key, long amount)
    {
        places.TryAdd(key, 0);
        kinds.Add(kind);
        keys.Add(key);
        amounts.Add(amount);
    }

    public void Emit(Flush flush, ColdRows rows)
    {
        var sorted = places.Keys.Order(StringComparer.Ordinal).ToArray();
        for (var i = 0; i < sorted.Length; i++) places[sorted[i]] = i + 1;
        var requests = Places().Where(pair => pair.Item.Plan.NoFreeCopy is null)
            .SelectMany(pair => pair.Item.Plan.Item.Requests.Where(rows.IsNew).Select(request => (pair.Place, request.Publisher, request.Key))).ToList();
        var sales = Places().Where(pair => pair.Item.Plan is { NoFreeCopy: null, Item.Lead.IsTest: false })
            .SelectMany(pair => SalesOf(pair.Item.Plan).Select(sale => (pair.Place, sale.Buyer, pair.Item.Plan.Item.Lead, sale.No))).ToList();
        flush.Add("SELECT * FROM fence($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)", Read)
            .With(sorted).With(from.ToArray()).With(kinds.ToArray()).With(keys.Select(key => places[key]).ToArray()).With(amounts.ToArray())
            .With(items.Select(item => item.Plan.NoFreeCopy is not null).ToArray())
            .With(items.Select(item => item is { IsNew: true, Plan.NoFreeCopy: null } ? item.Plan.Item.Lead.ToGuid() : (Guid?)null).ToArray())
            .With(requests.Select(request => request.Place).ToArray()).With(requests.Select(request => request.Publisher).ToArray()).With(requests.Select(request => request.Key).ToArray())
            .With(sales.Select(sale => sale.Place).ToArray()).With(sales.Select(sale => sale.Buyer).ToArray()).WithLeads(sales.Select(sale => sale.Lead))
            .With(sales.Select(sale => sale.No).ToArray());
    }

    /// <summary>What the fence said of an item. <paramref name="missing"/>: the window's row that is not there.</summary>
    public Verdict VerdictOf(int place, out Take? missing)
    {
        missing = null;
        var plan = items[place - 1].Plan;
        var code = Codes[place - 1];
        if (code == 0) return plan.NoFreeCopy is { } index ? new(VerdictCode.NoFreeCopy, index) : new(VerdictCode.Done);
        var step = Math.Abs(code) - 1 - ends[place - 1];
        foreach (var (index, start) in plan.Starts)
        {
            if (step < start.Takes.Length)
            {
                if (code < 0) missing = start.Takes[step];
                return new(VerdictCode.Refused, index, step);
            }
            step -= start.Takes.Length;
        }
        throw new Engine.InvariantException("the fence refused a step that no item has");
    }

    private IEnumerable<(int Place, PlannedItem Item)> Places() => items.Select((item, i) => (i + 1, item));

    /// <summary>Copies that their buyers see from now on.</summary>
    private static IEnumerable<(string Buyer, int No)> SalesOf(ItemPlan plan) =>
        plan.Ends.Where(end => end.End.Move == CopyMove.Capture && NewDelivery.AreListed(end.End.Deliveries)).Select(end => (((HeldCopy)end.Copy).Buyer, end.End.No))
            .Concat(plan.Starts.Where(start => start.Copy.Move == CopyMove.Sell && NewDelivery.AreListed(start.Copy.Deliveries)).Select(start => (start.Copy.Buyer, start.Copy.No)));

    private void Read(NpgsqlDataReader row)
    {
        Codes = row.GetFieldValue<int[]>(0);
        if (row.IsDBNull(1)) return;
        var (key, limit, lim, used, held) = (row.GetFieldValue<string[]>(1), row.GetFieldValue<string[]>(2), row.GetFieldValue<long[]>(3), row.GetFieldValue<long[]>(4), row.GetFieldValue<long[]>(5));
        for (var i = 0; i < key.Length; i++) Moved.Add(new(key[i], limit[i], lim[i], used[i], held[i]));
    }
}
