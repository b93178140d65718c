using CsCheck;
using Exchange.Engine.Caps;
using Exchange.Engine.Schedules;
using NodaTime;
using NodaTime.TimeZones;
using Shouldly;

namespace Exchange.Engine.Tests.Caps;

public sealed class CapPeriodTests
{
    public static readonly string[] ZoneIds =
    [
        "America/New_York", "America/Los_Angeles", "America/Phoenix", "America/St_Johns", "Europe/Berlin", "Europe/Dublin",
        "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "Pacific/Auckland", "America/Havana", "UTC",
    ];

    public static TheoryData<string> Zones => new(ZoneIds);

    [Theory]
    [InlineData("minute", "Asia/Kolkata", "2026-06-15T16:20:59Z", "2026-06-15T16:20:00Z", "2026-06-15T16:21:00Z")]
    [InlineData("hour ", "America/New_York", "2026-06-15T16:20:00Z", "2026-06-15T16:00:00Z", "2026-06-15T17:00:00Z")]
    [InlineData("day  ", "America/New_York", "2026-06-15T16:20:00Z", "2026-06-15T04:00:00Z", "2026-06-16T04:00:00Z")]
    [InlineData("week ", "America/New_York", "2026-06-21T16:20:00Z", "2026-06-15T04:00:00Z", "2026-06-22T04:00:00Z")] // a Sunday belongs to the Monday before
    [InlineData("month", "America/New_York", "2026-06-15T16:20:00Z", "2026-06-01T04:00:00Z", "2026-07-01T04:00:00Z")]
    [InlineData("day  ", "America/New_York", "2026-03-08T16:20:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z")] // 23 hours
    [InlineData("day  ", "America/New_York", "2026-11-01T16:20:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z")] // 25 hours
    [InlineData("day  ", "Australia/Lord_Howe", "2026-04-04T20:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z")] // 24.5 hours
    [InlineData("day  ", "Australia/Lord_Howe", "2026-10-03T20:00:00Z", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z")] // 23.5 hours
    [InlineData("month", "America/New_York", "2026-11-30T16:20:00Z", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z")] // begins in summer time
    [InlineData("hour ", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z")] // 01:30 the first time
    [InlineData("hour ", "America/New_York", "2026-11-01T06:30:00Z", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z")] // 01:30 the second time
    [InlineData("hour ", "Asia/Kolkata", "2026-06-15T16:20:00Z", "2026-06-15T15:30:00Z", "2026-06-15T16:30:00Z")] // full hours by the wall clock
    [InlineData("hour ", "Australia/Lord_Howe", "2026-04-04T15:10:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:30:00Z")] // 01:30 to 02:00 the second time
    [InlineData("day  ", "America/Havana", "2026-03-08T16:20:00Z", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z")] // midnight is skipped: begins at 01:00
    public void Window_OfAMoment_IsThis(string period, string zone, string moment, string start, string end)
    {
        var window = CapPeriods.Find(period.Trim())!.WindowAt(Unix(moment), Find(zone));
        (Text(window.Start), Text(window.End)).ShouldBe((start, end));
    }

    [Fact]
    public void Total_AnyMoment_IsForEver() =>
        CapPeriods.Find("total")!.WindowAt(1_800_000_000, TimeZoneInfo.Utc).ShouldBe(Window.Forever);

    [Fact]
    public void Periods_InOrder_AreThoseOfTheCatalogWithTheirReasons() =>
        CapPeriods.All.Select(period => (period.Name, period.Reason)).ShouldBe(
            [("minute", Reason.PingCap), ("hour", Reason.CapHour), ("day", Reason.CapDay), ("week", Reason.CapWeek), ("month", Reason.CapMonth), ("total", Reason.CapTotal)]);

    [Fact]
    public void Period_UnknownName_IsNone() => CapPeriods.Find("fortnight").ShouldBeNull();

    /// <summary>Around every clock change of 2025 to 2030 the windows are those that NodaTime's zones and calendar give.</summary>
    [Theory, MemberData(nameof(Zones))]
    public void Windows_AroundEveryClockChange_AreNodaTimes(string id)
    {
        var noda = DateTimeZoneProviders.Tzdb[id];
        var zone = Find(id);
        var changes = noda.GetZoneIntervals(Instant.FromUtc(2025, 1, 1, 0, 0), Instant.FromUtc(2031, 1, 1, 0, 0))
            .Where(interval => interval.HasStart).Select(interval => interval.Start.ToUnixTimeSeconds()).ToList();
        changes.Add(Unix("2026-06-15T12:00:00Z"));
        foreach (var change in changes)
            for (var hours = -40; hours <= 40; hours++)
                foreach (var offset in new[] { -1, 0, 1, 1799, 1800 })
                {
                    var moment = change + hours * 3600 + offset;
                    foreach (var period in CapPeriods.All.Where(period => period.Name != "total"))
                        period.WindowAt(moment, zone).ShouldBe(Expected(period.Name, moment, noda), $"{period.Name} at {Text(moment)} in {id}");
                }
    }

    /// <summary>From any moment on, each window begins where the last one ended and every moment in it names the same window.</summary>
    [Theory, MemberData(nameof(Zones))]
    public void Windows_OfOnePeriod_FollowEachOtherWithoutGap(string id)
    {
        var zone = Find(id);
        Gen.Select(Gen.Long[Unix("2025-01-01T00:00:00Z"), Unix("2030-12-01T00:00:00Z")], Gen.Int[0, 4], Gen.Double.Unit).Sample((moment, kind, share) =>
        {
            var period = CapPeriods.All[kind];
            var window = period.WindowAt(moment, zone);
            window.Contains(moment).ShouldBeTrue();
            period.WindowAt(window.End, zone).Start.ShouldBe(window.End);
            period.WindowAt(window.Start - 1, zone).End.ShouldBe(window.Start);
            period.WindowAt(window.Start + (long)((window.End - window.Start) * share * 0.999), zone).ShouldBe(window);
        }, iter: 300);
    }

    private static Window Expected(string period, long moment, DateTimeZone zone)
    {
        var instant = Instant.FromUnixTimeSeconds(moment);
        var local = instant.InZone(zone);
        if (period == "minute") return new(moment - local.Second, moment - local.Second + 60);
        if (period == "hour")
        {
            var interval = zone.GetZoneInterval(instant);
            var start = instant - Duration.FromSeconds(local.Minute * 60 + local.Second);
            var end = start + Duration.FromHours(1);
            if (interval.HasStart && interval.Start > start && Shifts(zone, interval.Start)) start = interval.Start;
            if (interval.HasEnd && interval.End < end && Shifts(zone, interval.End)) end = interval.End;
            return new(start.ToUnixTimeSeconds(), end.ToUnixTimeSeconds());
        }
        var first = period switch
        {
            "day" => local.Date,
            "week" => local.Date.PlusDays(1 - (int)local.DayOfWeek),
            _ => new LocalDate(local.Year, local.Month, 1),
        };
        var next = period switch { "day" => first.PlusDays(1), "week" => first.PlusDays(7), _ => first.PlusMonths(1) };
        return new(zone.AtStartOfDay(first).ToInstant().ToUnixTimeSeconds(), zone.AtStartOfDay(next).ToInstant().ToUnixTimeSeconds());
    }

    private static bool Shifts(DateTimeZone zone, Instant at) => zone.GetUtcOffset(at) != zone.GetUtcOffset(at - Duration.FromSeconds(1));

    private static TimeZoneInfo Find(string id)
    {
        Engine.Schedules.Zones.TryFind(id, out var zone).ShouldBeTrue();
        return zone;
    }

    private static long Unix(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeSeconds();
    private static string Text(long unix) => DateTimeOffset.FromUnixTimeSeconds(unix).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
