using System.Globalization;
using Exchange.Engine.Values;

namespace Exchange.Engine.Caps;

public enum LimitKind { Gate, Cap, Balance }

public enum CapMetric { Leads, Spend }

public enum CapScope { Publisher, Campaign, Buyer }

/// <summary>A concrete stretch of time, half-open: start included, end not. Unix seconds.</summary>
public readonly record struct Window(long Start, long End)
{
    public static Window Forever { get; } = new(0, long.MaxValue);
    public bool Contains(long unixSeconds) => unixSeconds >= Start && unixSeconds < End;
}

/// <summary>A cap's rule: the window of a moment in a zone. One file each, registered in <see cref="CapPeriods"/>.</summary>
public interface ICapPeriod
{
    string Name { get; }
    Reason Reason { get; }
    Window WindowAt(long unixSeconds, TimeZoneInfo zone);
}

/// <summary>
/// One limit as the model knows it: a gate (open or paused), a cap or a balance. The number that counts lives in the store's
/// counter row; <see cref="Limit"/> is what the catalog says.
/// </summary>
public sealed class LimitModel
{
    /// <summary>Its place in <c>CatalogModel.Limits</c> and in the live view's arrays.</summary>
    public required int Ordinal { get; init; }
    public required LimitKind Kind { get; init; }
    /// <summary>
    /// Stable across catalogs as long as it counts the same thing. Gate: <c>open:campaign-id:rev</c>, <c>open:buyer:id:rev</c>,
    /// <c>open:publisher:id:rev</c> (rev = hash of the set of cap ids, so that another set of caps is another gate).
    /// Cap: <c>c:campaign-id:leads:day:zone</c> (b: buyer, p: publisher). Balance: <c>bal:buyer-id</c>.
    /// </summary>
    public required string Id { get; init; }
    /// <summary>Told when this limit refuses.</summary>
    public required Reason Reason { get; init; }
    public required CapScope Scope { get; init; }
    /// <summary>Id of the publisher, campaign or buyer it belongs to.</summary>
    public required string Owner { get; init; }
    /// <summary>Leads, or micros; gates: 0 open, -1 paused. Balances: the credit limit in micros (what was paid in is added by the store).</summary>
    public required long Limit { get; init; }
    public ICapPeriod? Period { get; init; }
    public CapMetric Metric { get; init; }
    public TimeZoneInfo? Zone { get; init; }

    /// <summary>The counter row's key at a moment: <c>cap:ID:WINDOW_START</c>, or the id itself for gates and balances.</summary>
    public string KeyAt(long unixSeconds, out Window window)
    {
        if (Kind != LimitKind.Cap) { window = Window.Forever; return Id; }
        window = Period!.WindowAt(unixSeconds, Zone!);
        return string.Create(CultureInfo.InvariantCulture, $"cap:{Id}:{window.Start}");
    }

    /// <summary>What one copy takes of it: 0 of a gate, 1 lead, or the price (for a publisher's spend the payout).</summary>
    public long AmountOf(Money price, Money payout) => Kind switch
    {
        LimitKind.Gate => 0,
        LimitKind.Balance => price.Micros,
        _ => Metric == CapMetric.Leads ? 1 : Scope == CapScope.Publisher ? payout.Micros : price.Micros,
    };
}

/// <summary>What is known of a limit right now. Advice for eligibility, never the fence.</summary>
public readonly record struct LimitReading(long Limit, long Used, long Held)
{
    public long Left => Limit - Used - Held;
}

/// <summary>The live view: the newest counter values this process has seen.</summary>
public interface ILiveView
{
    /// <summary>A window in which nothing was counted yet reads as the model's limit with nothing used.</summary>
    LimitReading Read(LimitModel limit, long unixSeconds);

    /// <summary>
    /// What every limit of this model has left, by <see cref="LimitModel.Ordinal"/>: a first glance that costs no look-up. Null: ask each.
    /// </summary>
    Room[]? RoomsOf(Catalog.CatalogModel model) => null;
}

/// <summary>What a limit has left, true until its window ends (Unix seconds); after that it says nothing.</summary>
public readonly record struct Room(long Left, long Until);

/// <summary>What one sale takes of a limit that counts, close together for the walk: the limit's ordinal and whether it counts leads or money.</summary>
public readonly record struct TakeUnit(int Ordinal, bool CountsMoney)
{
    /// <summary>Gates are left out: whether they are open stands in the model too.</summary>
    public static TakeUnit[] Of(IReadOnlyList<LimitModel> takes) =>
        [.. takes.Where(limit => limit.Kind != LimitKind.Gate).Select(limit => new TakeUnit(limit.Ordinal, limit.Kind == LimitKind.Balance || limit.Metric == CapMetric.Spend))];
}
