using System.Globalization;
using Exchange.Engine.Caps;
using Exchange.Engine.Fields;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Schedules;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>A limit as it stood at the ping. Leads, or micros of money where <see cref="IsMoney"/>.</summary>
/// <param name="Needed">What this bid would have taken of it.</param>
public sealed record LimitNumbers(string LimitId, long Limit, long Used, long Held, long Needed, bool IsMoney, string? TimeZone)
{
    /// <summary>As people say it: <c>day.leads</c>, <c>buyer acme month.spend</c>, with a count for each value <c>day.leads.by.zip 85004</c>.</summary>
    public required string Name { get; init; }
    /// <summary>The weekday whose limit it is, where they differ: <c>mon</c>.</summary>
    public string? Weekday { get; init; }
    /// <summary>When the cap's window ends; null: never, or no cap.</summary>
    public DateTimeOffset? ResetsAt { get; init; }
    /// <summary>Paced: when the next turn comes.</summary>
    public DateTimeOffset? NextTurnAt { get; init; }

    public long Left => Limit - Used - Held;

    /// <summary><c>3/3</c>, of a weekday <c>15/15 on sat</c>, with what is held <c>2/3 and 1 held</c>.</summary>
    public string Standing
    {
        get
        {
            var held = Held == 0 ? "" : $" and {Amount(Held)} held";
            return $"{Amount(Used)}/{Amount(Limit)}{held}{(Weekday is null ? "" : " on " + Weekday)}";
        }
    }

    public string Amount(long value) => IsMoney ? new Money(value).ToString() : value.ToString(CultureInfo.InvariantCulture);

    /// <param name="today">As <see cref="Filters.Subject.Today"/>: the value counted apart may be hidden by now.</param>
    internal static LimitNumbers Of(LimitModel limit, StateNote note, long atMs, FieldSet? today = null)
    {
        limit.KeyAt(atMs / 1000, out var window);
        var name = NameOf(limit);
        return new(limit.Id, note.Limit, note.Used, note.Held, note.Needed, IsMoneyOf(limit), limit.Zone?.Id)
        {
            Name = note.Value switch { null => name, "" => name + " not given", _ when limit.Each is { IsField: true } each && today?.Hides(each.Name) == true => name + " (value hidden)", _ => $"{name} {note.Value}" },
            Weekday = limit.WeekdayLimits is not null && limit.WeekdayOf(window) is > 0 and var day ? Weekdays.Names[day - 1] : null,
            ResetsAt = window.End == long.MaxValue || limit.Kind != LimitKind.Cap ? null : DateTimeOffset.FromUnixTimeSeconds(window.End),
            NextTurnAt = note.UntilMs == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(note.UntilMs),
        };
    }

    /// <summary>What would make room: more places or money, or the moment at which a paced cap lets the next through.</summary>
    internal Change ToFit(LimitModel limit)
    {
        if (limit.Kind == LimitKind.Gate) return new(ChangeNeeded.Pause, "open again");
        if (NextTurnAt is { } next) return new(ChangeNeeded.PacedTurn, $"its turn next at {Clock(next, limit.Zone, "HH:mm:ss")}: {Name} is paced") { At = next, LimitId = LimitId };
        var more = Needed - Left;
        if (limit.Kind == LimitKind.Balance) return new(ChangeNeeded.Funds, $"{new Money(more)} more funds of buyer {limit.Owner}") { Amount = new(more), LimitId = LimitId };
        var room = IsMoney ? $"{new Money(more)} more in {Name}" : $"{more} more {(more == 1 ? "place" : "places")} in {Name}";
        var resets = ResetsAt is { } at ? $", which resets {Clock(at, limit.Zone, "HH:mm")}" : "";
        return new(ChangeNeeded.Room, room + resets) { At = ResetsAt, Amount = IsMoney ? new(more) : null, Count = IsMoney ? null : more, LimitId = LimitId };
    }

    private static string Clock(DateTimeOffset at, TimeZoneInfo? zone, string clock)
    {
        var local = TimeZoneInfo.ConvertTime(at, zone ?? TimeZoneInfo.Utc);
        return local.ToString("yyyy-MM-dd " + clock, CultureInfo.InvariantCulture) + " " + (zone ?? TimeZoneInfo.Utc).Id;
    }

    private static bool IsMoneyOf(LimitModel limit) => limit.Kind == LimitKind.Balance || limit.Kind == LimitKind.Cap && limit.Metric == CapMetric.Spend;

    private static string NameOf(LimitModel limit)
    {
        if (limit.Kind == LimitKind.Gate) return limit.Id;
        if (limit.Kind == LimitKind.Balance) return $"balance of buyer {limit.Owner}";
        var what = limit.Metric switch { CapMetric.Leads => "leads", CapMetric.Spend => "spend", CapMetric.Offers => "offers", _ => "pings" };
        var each = limit.Each is { } by ? ".by." + by.Name : "";
        var scope = limit.Scope switch
        {
            CapScope.Campaign => "",
            CapScope.Buyer => $"buyer {limit.Owner} ",
            CapScope.Tree => $"tree {limit.Owner} ",
            _ => $"publisher {limit.Owner} ",
        };
        return $"{scope}{limit.Period!.Name}.{what}{each}{(limit.When is null ? "" : " (where its condition holds)")}";
    }
}
