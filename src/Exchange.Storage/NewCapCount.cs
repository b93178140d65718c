using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>A copy that is sold or held, as a new cap counts it. Prices in micros.</summary>
internal readonly record struct LiveCopy(LeadId Lead, int No, CopyState State, long Price, long Payout);

/// <summary>What the current window of a cap that was not in force holds already, by the key of its counter. Tests take nothing and are not given to it.</summary>
internal sealed class NewCapCount
{
    private readonly LimitModel limit;
    private readonly long nowMs;
    private readonly Dictionary<string, Row> rows = new(StringComparer.Ordinal);

    public NewCapCount(LimitModel limit, long nowMs)
    {
        (this.limit, this.nowMs) = (limit, nowMs);
        limit.KeyAt(Math.DivRem(nowMs, 1000).Quotient, out var window);
        Window = window;
    }

    /// <summary>Of the windows of these two moments, oldest first: one, unless the first ended between them.</summary>
    public static IReadOnlyList<NewCapCount> Of(LimitModel limit, long nowMs, long laterMs)
    {
        var (now, later) = (new NewCapCount(limit, nowMs), new NewCapCount(limit, laterMs));
        return later.Window.Start == now.Window.Start ? [now] : [now, later];
    }

    /// <summary>How long after a look at the clock a sale may be made whose silo's clock is ahead.</summary>
    public const long ClocksApartMs = 2_000;

    /// <summary>One counter's numbers, and the copies whose end has to move it.</summary>
    public sealed class Row
    {
        public long Used { get; set; }
        public long Held { get; set; }
        public List<LiveCopy> Moving { get; } = [];
    }

    public Window Window { get; }
    public long FromMs => Window.Start * 1000;
    public long UntilMs => Window.End >= long.MaxValue / 1000 ? long.MaxValue : Window.End * 1000;
    public IReadOnlyDictionary<string, Row> Rows => rows;

    /// <summary>Whether leads have to be opened to know which copies count.</summary>
    public bool Asks => AsksOf(limit);

    /// <summary>Whether each sold copy is looked at: to know whether it counts, or because its return will give the place back.</summary>
    public bool LooksAtSold => Asks || limit.CountsKept;

    /// <summary>As <see cref="Asks"/>.</summary>
    public static bool AsksOf(LimitModel limit) => limit.When is not null || limit.Each is not null;

    /// <summary>A counter row is there: it begins at nothing.</summary>
    public void Begin(string key) => rows.TryAdd(key, new());

    /// <summary>So many sold copies at once, where all count alike.</summary>
    public void AddSold(long count, long price, long payout)
    {
        if (count > 0) Of(null).Used = limit.Metric == CapMetric.Spend ? limit.AmountOf(new(price), new(payout)) : count;
    }

    /// <param name="value">Whose count; null where the cap has one.</param>
    public void Add(in LiveCopy copy, string? value) => Add(copy, Of(value));

    /// <summary>
    /// A copy that took of a counter of this window while the cap was in force before: it is still that one's, whatever its lead says by now (fields were added, its
    /// person was erased). Its end moves that counter.
    /// </summary>
    public void AddTaken(in LiveCopy copy, string key) => Add(copy, rows[key]);

    private void Add(in LiveCopy copy, Row row)
    {
        var amount = AmountOf(copy);
        var sold = copy.State is CopyState.Captured or CopyState.Reversed;
        if (sold) row.Used += amount;
        else row.Held += amount;
        if (amount > 0 && (!sold || limit.CountsKept)) row.Moving.Add(copy);
    }

    /// <summary>What one copy takes of the cap.</summary>
    public long AmountOf(in LiveCopy copy) => limit.AmountOf(new(copy.Price), new(copy.Payout));

    private Row Of(string? value)
    {
        var key = limit.KeyAt(Math.DivRem(nowMs, 1000).Quotient, out _, value);
        if (!rows.TryGetValue(key, out var row)) rows.Add(key, row = new Row());
        return row;
    }
}

/// <summary>
/// Which copies a cap with a condition or a count for each value counts: asked once for each, because what such a cap makes of a copy never changes.
/// </summary>
internal sealed class KnownCopyFacts(ICopyFacts? facts)
{
    private readonly Dictionary<(string Limit, LeadId Lead, int No), (bool Counts, string? Value)> known = [];

    public bool Knows(LimitModel limit, in LiveCopy copy) => known.ContainsKey((limit.Id, copy.Lead, copy.No));

    public (bool Counts, string? Value) Of(LimitModel limit, in LiveCopy copy) => known[(limit.Id, copy.Lead, copy.No)];

    public void Ask(LimitModel limit, StoredCopy stored)
    {
        if (facts is null) throw new InvalidOperationException("a cap with a condition or a count for each value needs the facts of copies");
        known[(limit.Id, stored.Lead, stored.No)] = (facts.Counts(limit, stored, out var value), value);
    }
}
