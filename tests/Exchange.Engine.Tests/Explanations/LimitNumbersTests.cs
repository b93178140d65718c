using Exchange.Engine.Caps;
using Exchange.Engine.Explanations;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Shouldly;

namespace Exchange.Engine.Tests.Explanations;

/// <summary>How caps of every kind are told: what they are called, how they stood, what would have made room.</summary>
public sealed class LimitNumbersTests
{
    // A Monday, noon in New York.
    private const long AtMs = 1_795_453_200_000;
    private static readonly TimeZoneInfo NewYork = TimeZoneInfo.FindSystemTimeZoneById("America/New_York");

    private static LimitModel Cap(string period, CapMetric metric = CapMetric.Leads, CapScope scope = CapScope.Campaign) => new()
    {
        Ordinal = 0, Kind = LimitKind.Cap, Id = "id", Reason = Reason.CapDay, Scope = scope, Owner = "acme", Limit = 3, Metric = metric, Period = CapPeriods.Find(period), Zone = NewYork,
    };

    public static TheoryData<string, LimitModel, StateNote, string, string, string> Told()
    {
        var byZip = Cap("day") with { Each = new("zip", new Dictionary<string, int>()) };
        var week = Cap("day") with { Limit = 40, WeekdayLimits = [15, 40, 40, 40, 40, 0, 0] };
        var paced = Cap("day") with { Paced = true };
        var when = Cap("hour") with { When = new Dictionary<string, Condition>() };
        return new()
        {
            { "plain", Cap("day"), Note(3, 3, 0), "day.leads", "3/3", "1 more place in day.leads, which resets 2026-11-24 00:00 America/New_York" },
            { "held", Cap("day"), Note(3, 2, 1), "day.leads", "2/3 and 1 held", "1 more place in day.leads, which resets 2026-11-24 00:00 America/New_York" },
            { "month's money", Cap("month", CapMetric.Spend), Note(50_000_000, 45_000_000, 0, 7_500_000), "month.spend", "45.00/50.00", "2.50 more in month.spend, which resets 2026-12-01 00:00 America/New_York" },
            { "total", Cap("total"), Note(3, 3, 0), "total.leads", "3/3", "1 more place in total.leads" },
            { "lowered below", Cap("day"), Note(1, 4, 0), "day.leads", "4/1", "4 more places in day.leads, which resets 2026-11-24 00:00 America/New_York" },
            { "of a buyer", Cap("week", scope: CapScope.Buyer), Note(3, 3, 0), "buyer acme week.leads", "3/3", "1 more place in buyer acme week.leads, which resets 2026-11-30 00:00 America/New_York" },
            { "of a tree", Cap("day", scope: CapScope.Tree), Note(3, 3, 0), "tree acme day.leads", "3/3", "1 more place in tree acme day.leads, which resets 2026-11-24 00:00 America/New_York" },
            { "pings of a publisher", Cap("minute", CapMetric.Pings, CapScope.Publisher), Note(3, 3, 0), "publisher acme minute.pings", "3/3", "1 more place in publisher acme minute.pings, which resets 2026-11-23 12:01 America/New_York" },
            { "by weekday", week, Note(15, 15, 0), "day.leads", "15/15 on mon", "1 more place in day.leads, which resets 2026-11-24 00:00 America/New_York" },
            { "by value", byZip, Note(3, 3, 0, value: "85004"), "day.leads.by.zip 85004", "3/3", "1 more place in day.leads.by.zip 85004, which resets 2026-11-24 00:00 America/New_York" },
            { "by a value not given", byZip, Note(3, 3, 0, value: ""), "day.leads.by.zip not given", "3/3", "1 more place in day.leads.by.zip not given, which resets 2026-11-24 00:00 America/New_York" },
            { "conditional", when, Note(3, 3, 0), "hour.leads (where its condition holds)", "3/3", "1 more place in hour.leads (where its condition holds), which resets 2026-11-23 13:00 America/New_York" },
            { "paced", paced, Note(3, 1, 0, until: AtMs + 90_000), "day.leads", "1/3", "its turn next at 2026-11-23 12:01:30 America/New_York: day.leads is paced" },
        };
    }

    [Theory]
    [MemberData(nameof(Told))]
    public void Limit_ToldWithItsNumbers_AndWhatWouldMakeRoom(string which, LimitModel limit, StateNote note, string name, string standing, string change)
    {
        var told = LimitNumbers.Of(limit, note, AtMs);
        (told.Name, told.Standing, told.ToFit(limit).Text).ShouldBe((name, standing, change), which);
    }

    /// <summary>A publisher or sub id is no field that could be hidden.</summary>
    [Theory]
    [InlineData("zip", "day.leads.by.zip (value hidden)")]
    [InlineData("sub_id", "day.leads.by.sub_id 85004")]
    public void Value_ThatIsHiddenByNow_IsNotTold(string each, string name)
    {
        var today = new FieldSet([new() { Name = "zip", Type = FieldType.UsZip, Ordinal = 0, Sensitive = true }]);
        var limit = Cap("day") with { Each = new(each, new Dictionary<string, int>()) };
        LimitNumbers.Of(limit, Note(3, 3, 0, value: "85004"), AtMs, today).Name.ShouldBe(name);
    }

    private static StateNote Note(long limit, long used, long held, long needed = 1, string? value = null, long until = 0) =>
        new(null, Reason.CapDay, null, limit, used, held, needed, value, until);
}
