using System.Globalization;
using System.Runtime.CompilerServices;
using Exchange.Engine.Filters;
using Exchange.Engine.Schedules;
using Exchange.Engine.Values;

namespace Exchange.Engine.Caps;

public enum LimitKind { Gate, Cap, Balance }

/// <summary>Leads and spend are taken by sales; offers and pings are counted as they happen.</summary>
public enum CapMetric { Leads, Spend, Offers, Pings }

public enum CapScope { Publisher, Campaign, Buyer, Tree }

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
public sealed record LimitModel
{
    /// <summary>Its place in <c>CatalogModel.Limits</c> and in the live view's arrays.</summary>
    public required int Ordinal { get; init; }
    public required LimitKind Kind { get; init; }
    /// <summary>
    /// Stable across catalogs as long as it counts the same thing. Gate: <c>open:campaign-id:rev</c>, <c>open:buyer:id:rev</c>,
    /// <c>open:publisher:id:rev</c>, <c>open:tree:id:rev</c> (rev = hash of the set of cap ids, so that another set of caps is another gate).
    /// Cap: <c>c:campaign-id:leads:day:zone</c> (b: buyer, p: publisher, t: tree), with a count for each value and a condition
    /// <c>c:campaign-id:leads:day:zone:by:zip:when:1f0c2a9b</c>, where returns give their place back <c>…:count:kept</c>. Balance: <c>bal:buyer-id</c>.
    /// </summary>
    public required string Id { get; init; }
    /// <summary>What people call a cap of its owner (<see cref="CapName"/>); empty for gates and balances.</summary>
    public string Name { get; init; } = "";
    /// <summary>Told when this limit refuses.</summary>
    public required Reason Reason { get; init; }
    public required CapScope Scope { get; init; }
    /// <summary>Id of the publisher, campaign, buyer or tree it belongs to.</summary>
    public required string Owner { get; init; }
    /// <summary>
    /// A number, or micros; gates: 0 open, -1 paused. Balances: the credit limit in micros (what was paid in is added by the store). With a limit by
    /// weekday the largest.
    /// </summary>
    public required long Limit { get; init; }
    public ICapPeriod? Period { get; init; }
    public CapMetric Metric { get; init; }
    public TimeZoneInfo? Zone { get; init; }
    /// <summary>A day's limit by weekday, Monday first; null: <see cref="Limit"/> every day.</summary>
    public IReadOnlyList<long>? WeekdayLimits { get; init; }
    /// <summary>By vertical: only what this holds for counts and is stopped. Null: everything.</summary>
    public IReadOnlyDictionary<string, Condition>? When { get; init; }
    /// <summary>What the condition is known by in the id; null without.</summary>
    public string? WhenHash { get; init; }
    /// <summary>Each value has a count of its own. Null: one count for all.</summary>
    public CapDimension? Each { get; init; }
    /// <summary>Spread evenly over the open hours of the window that are left.</summary>
    public bool Paced { get; init; }
    /// <summary>Tells when it is reached, never stops anything.</summary>
    public bool Soft { get; init; }
    /// <summary><c>count: kept</c>: a return gives its place back, in the window in which it was taken.</summary>
    public bool CountsKept { get; init; }
    /// <summary>Tells once so much of it is used.</summary>
    public Percent? WarnAt { get; init; }

    /// <summary>Whether sales take it in the journal; offers and pings are counted beside it, gates and balances are always taken.</summary>
    public bool IsTake => Kind != LimitKind.Cap || Metric is CapMetric.Leads or CapMetric.Spend;

    /// <summary>Whether one number in the live view tells all: no condition, no value of its own, no pace, no weekdays.</summary>
    public bool IsPlain => When is null && Each is null && WeekdayLimits is null && !Paced && !Soft;

    /// <summary>A row of a soft cap never refuses; small enough that takes can be added.</summary>
    public const long NoLimit = long.MaxValue / 4;

    /// <summary>
    /// 0 unless it is by the day; else 1 (Monday) to 7 of the window's first day. Told also where the limit is the same every day: a sale that was decided on a
    /// catalog from before the weekdays makes the row of a window that is theirs.
    /// </summary>
    public int WeekdayOf(Window window)
    {
        if (WeekdayLimits is null && Period is not DayPeriod) return 0;
        return ZoneClock.WeekdayOf(ZoneClock.Of(Zone!).DateAt(window.Start)) + 1;
    }

    /// <summary>What the catalog allows in a window.</summary>
    public long LimitIn(Window window) => WeekdayLimits is null ? Limit : WeekdayLimits[WeekdayOf(window) - 1];

    /// <summary>What the counter row of a window says: as <see cref="LimitIn"/>, but a soft cap refuses nothing.</summary>
    public long RowLimitIn(Window window) => Soft ? NoLimit : LimitIn(window);

    /// <summary>
    /// Whether it surely is the same limit, but for its place. Limits with conditions or counts for each value are compiled with what they ask, and are the
    /// same only as one object.
    /// </summary>
    internal bool IsWrittenAs(LimitModel other) => ReferenceEquals(this, other)
        || Id == other.Id && Kind == other.Kind && Limit == other.Limit && Name == other.Name && Reason == other.Reason && Scope == other.Scope && Owner == other.Owner
        && ReferenceEquals(Period, other.Period) && Metric == other.Metric && Equals(Zone, other.Zone) && WeekdayLimits is null && other.WeekdayLimits is null
        && When is null && other.When is null && Each is null && other.Each is null
        && Paced == other.Paced && Soft == other.Soft && CountsKept == other.CountsKept && WarnAt == other.WarnAt;

    /// <summary>Whether the rows say the same of it as of another limit of its id.</summary>
    public bool RowSaysAs(LimitModel other) => Soft ? other.Soft : !other.Soft && Limit == other.Limit
        && (WeekdayLimits is null ? other.WeekdayLimits is null : other.WeekdayLimits is not null && WeekdayLimits.SequenceEqual(other.WeekdayLimits));

    /// <summary>Whether this ping or lead counts here.</summary>
    public bool Counts(Subject subject) => When is null || When.TryGetValue(subject.Vertical, out var when) && when.Holds(subject);

    /// <summary>The value whose count this ping or lead belongs to; null where there is one count for all, empty where the value was not given.</summary>
    public string? ValueOf(Subject subject) => Each?.ValueOf(subject);

    /// <summary>The window of a moment; gates and balances have one for ever.</summary>
    public Window WindowAt(long unixSeconds) => Kind == LimitKind.Cap ? Period!.WindowAt(unixSeconds, Zone!) : Window.Forever;

    /// <summary>
    /// The counter row's key at a moment: <c>cap:ID:WINDOW_START</c>, with a count for each value <c>cap:ID=VALUE:WINDOW_START</c>, or the id
    /// itself for gates and balances.
    /// </summary>
    public string KeyAt(long unixSeconds, out Window window, string? value = null)
    {
        window = WindowAt(unixSeconds);
        return KeyIn(window, value);
    }

    /// <summary>As <see cref="KeyAt"/>, of a window that is known.</summary>
    public string KeyIn(Window window, string? value = null)
    {
        if (Kind != LimitKind.Cap) return Id;
        return value is null
            ? string.Create(CultureInfo.InvariantCulture, $"cap:{Id}:{window.Start}")
            : string.Create(CultureInfo.InvariantCulture, $"cap:{Id}={value}:{window.Start}");
    }

    /// <summary>What <see cref="KeyIn"/> made a cap's key of: the start of the window, and whose count it is (null where there is one for all).</summary>
    public long ReadKey(string key, out string? value)
    {
        const int Prefix = 4; // "cap:"
        value = null;
        if (Kind != LimitKind.Cap) return 0;
        var colon = key.LastIndexOf(':');
        var end = Prefix + Id.Length;
        if (end < colon && key[end] == '=') value = key[(end + 1)..colon];
        return long.Parse(key.AsSpan(colon + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
    }

    /// <summary>What one copy takes of it: 0 of a gate, 1 lead, or the price (for a publisher's spend the payout).</summary>
    public long AmountOf(Money price, Money payout) => Kind switch
    {
        LimitKind.Gate => 0,
        LimitKind.Balance => price.Micros,
        _ => Metric != CapMetric.Spend ? 1 : Scope == CapScope.Publisher ? payout.Micros : price.Micros,
    };

    /// <summary>Itself alone: a record only so that a copy can be made that stands at another place.</summary>
    public bool Equals(LimitModel? other) => ReferenceEquals(this, other);
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
    public override string ToString() => Id;
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
    /// <param name="value">For a cap with a count for each value: which.</param>
    LimitReading Read(LimitModel limit, long unixSeconds, string? value = null);

    /// <summary>A paced cap's next turn, Unix milliseconds; 0: now.</summary>
    long PacedUntilMs(LimitModel limit, string? value, long nowMs) => 0;

    /// <summary>Copies that this tier sold to this campaign (or holds for it) within the tier's look-back.</summary>
    long SoldBy(Catalog.TierModel tier, Catalog.CampaignModel campaign, long nowMs) => 0;

    /// <summary>Whether the scope is known to have this person since then. False says nothing: the rows are the fence.</summary>
    bool HasPerson(string scope, ReadOnlySpan<byte> hmac, long sinceMs) => false;

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
    /// <summary>Gates are left out: whether they are open stands in the model too. So is what one number cannot tell.</summary>
    public static TakeUnit[] Of(IReadOnlyList<LimitModel> takes) =>
        [.. takes.Where(limit => limit.Kind != LimitKind.Gate && limit.IsPlain).Select(limit => new TakeUnit(limit.Ordinal, limit.Kind == LimitKind.Balance || limit.Metric == CapMetric.Spend))];
}
