using System.Globalization;
using CsCheck;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Schedules;
using Exchange.Engine.Tests.Caps;
using Exchange.Engine.Tests.Fields;
using Exchange.Engine.Tests.Filters;
using NodaTime;
using Shouldly;

namespace Exchange.Engine.Tests.Schedules;

public sealed class ScheduleTests
{
    private const string Office = "{ time_zone: America/New_York, open: { mon-fri: \"08:00-18:30\", sat: [\"09:00-12:00\", \"13:00-24:00\"] }, closed: [2026-11-26] }";

    [Theory]
    // moment (UTC), open?, what comes next
    [InlineData(Office, "2026-11-23T12:59:59Z", false, "opens 2026-11-23 08:00 America/New_York")]
    [InlineData(Office, "2026-11-23T13:00:00Z", true, "closes 2026-11-23 18:30 America/New_York")]
    [InlineData(Office, "2026-11-23T23:29:59Z", true, "closes 2026-11-23 18:30 America/New_York")]
    [InlineData(Office, "2026-11-23T23:30:00Z", false, "opens 2026-11-24 08:00 America/New_York")]
    [InlineData(Office, "2026-11-26T15:00:00Z", false, "opens 2026-11-27 08:00 America/New_York")] // a holiday
    [InlineData(Office, "2026-11-28T17:30:00Z", false, "opens 2026-11-28 13:00 America/New_York")] // lunch
    [InlineData(Office, "2026-11-29T04:59:59Z", true, "closes 2026-11-29 00:00 America/New_York")]
    [InlineData(Office, "2026-11-29T15:00:00Z", false, "opens 2026-11-30 08:00 America/New_York")]
    [InlineData("{ open: { mon-sun: \"00:00-24:00\" } }", "2026-11-29T15:00:00Z", true, "open")]
    [InlineData("{ from: 2027-01-01 }", "2026-12-31T23:59:59Z", false, "opens 2027-01-01 00:00 UTC")]
    [InlineData("{ from: 2029-01-01 }", "2026-12-31T23:59:59Z", false, "opens 2029-01-01 00:00 UTC")]
    [InlineData("{ until: 2027-01-01 }", "2026-12-31T23:59:59Z", true, "closes 2027-01-01 00:00 UTC")]
    [InlineData("{ until: 2027-01-01 }", "2027-01-01T00:00:00Z", false, "closed for the next 400 days")]
    [InlineData("{ closed: { list: holidays } }", "2026-12-24T12:00:00Z", true, "closes 2026-12-25 00:00 UTC")]
    // 02:00 to 03:00 does not exist on 8 March and comes twice for 01:00 to 02:00 on 1 November
    [InlineData("{ time_zone: America/New_York, open: { sun: \"02:00-03:00\" } }", "2026-03-08T06:59:59Z", false, "opens 2026-03-15 02:00 America/New_York")]
    [InlineData("{ time_zone: America/New_York, open: { sun: \"02:30-04:00\" } }", "2026-03-08T06:59:59Z", false, "opens 2026-03-08 03:00 America/New_York")]
    [InlineData("{ time_zone: America/New_York, open: { sun: \"01:00-02:00\" } }", "2026-11-01T05:30:00Z", true, "closes 2026-11-01 02:00 America/New_York")]
    [InlineData("{ time_zone: America/New_York, open: { sun: \"01:30-01:45\" } }", "2026-11-01T05:50:00Z", false, "opens 2026-11-01 01:30 America/New_York")]
    public void Schedule_AtAMoment_IsOpenOrNotAndTellsWhatComesNext(string written, string moment, bool open, string next)
    {
        var state = Compile(written).At(At(moment));
        state.Open.ShouldBe(open);
        state.Describe().ShouldBe(next);
    }

    [Fact]
    public void RepeatedHour_IsOpenForTwoHours()
    {
        var schedule = Compile("{ time_zone: America/New_York, open: { sun: \"01:00-02:00\" } }");
        var start = At("2026-11-01T04:00:00Z");
        Enumerable.Range(0, 5 * 60).Count(minute => schedule.IsOpen(start.AddMinutes(minute))).ShouldBe(120);
    }

    [Fact]
    public void SkippedHour_IsOpenForNoMinute()
    {
        var schedule = Compile("{ time_zone: America/New_York, open: { sun: \"02:00-03:00\" } }");
        var start = At("2026-03-08T04:00:00Z");
        Enumerable.Range(0, 5 * 60).Count(minute => schedule.IsOpen(start.AddMinutes(minute))).ShouldBe(0);
    }

    [Theory]
    [InlineData("[]", "schedule wrong_type")]
    [InlineData("{ opens: x }", "schedule.opens unknown_key")]
    [InlineData("{ time_zone: Mars/Base }", "schedule.time_zone unknown_zone")]
    [InlineData("{ time_zone: EST }", "schedule.time_zone unknown_zone")]
    [InlineData("{ time_zone: ../etc/passwd }", "schedule.time_zone unknown_zone")]
    [InlineData("{ open: { mon: \"8:00-18:00\" } }", "schedule.open.mon invalid_format")]
    [InlineData("{ open: { mon: \"18:00-08:00\" } }", "schedule.open.mon invalid_format")]
    [InlineData("{ open: { mon: \"08:00-08:00\" } }", "schedule.open.mon invalid_format")]
    [InlineData("{ open: { mon: \"08:00-24:01\" } }", "schedule.open.mon invalid_format")]
    [InlineData("{ open: { mon: \"08:60-12:00\" } }", "schedule.open.mon invalid_format")]
    [InlineData("{ open: { mon: [] } }", "schedule.open.mon invalid_format")]
    [InlineData("{ open: { monday: \"08:00-18:00\" } }", "schedule.open.monday invalid_format")]
    [InlineData("{ open: { fri-mon: \"08:00-18:00\" } }", "schedule.open.fri-mon invalid_format")]
    [InlineData("{ open: { mon: [\"08:00-12:00\", \"11:59-13:00\"] } }", "schedule.open.mon overlap")]
    [InlineData("{ open: { mon-fri: \"08:00-12:00\", wed: \"11:00-13:00\" } }", "schedule.open.wed overlap")]
    [InlineData("{ open: {} }", "schedule.open wrong_type")]
    [InlineData("{ closed: [2026-13-01, today] }", "schedule.closed[0] invalid_format, schedule.closed[1] invalid_format")]
    [InlineData("{ closed: { list: nowhere } }", "schedule.closed.list unknown_list")]
    [InlineData("{ closed: { list: zips } }", "schedule.closed.list invalid_format")]
    [InlineData("{ closed: 2026-12-25 }", "schedule.closed wrong_type")]
    [InlineData("{ from: 2026-12-25, until: 2026-12-25 }", "schedule.until invalid_format")]
    public void Schedule_WithMistakes_TellsAllWithTheirPaths(string written, string told)
    {
        var errors = new ConfigErrors();
        ScheduleCompiler.Compile(Written.Node(written, "schedule"), TimeZoneInfo.Utc, List, errors).ShouldBeNull();
        string.Join(", ", errors.Errors.Select(error => $"{error.Pointer} {error.Code}")).ShouldBe(told);
    }

    [Fact]
    public void Schedule_TouchingHoursAndMixedDays_AreTaken()
    {
        var schedule = Compile("{ open: { mon-fri: [\"13:00-18:00\", \"08:00-13:00\"], wed: \"18:00-20:00\" } }");
        schedule.At(At("2026-11-25T09:00:00Z")).Describe().ShouldBe("closes 2026-11-25 20:00 UTC");
    }

    /// <summary>Minute by minute around every clock change, against NodaTime's wall clock; asked in random order so that memory cannot mislead.</summary>
    [Theory, MemberData(nameof(CapPeriodTests.Zones), MemberType = typeof(CapPeriodTests))]
    public void Schedule_AroundEveryClockChange_FollowsNodaTimesWallClock(string id)
    {
        var noda = DateTimeZoneProviders.Tzdb[id];
        var schedule = Compile($"{{ time_zone: {id}, open: {{ sat: [\"22:10-24:00\"], sun: [\"00:00-00:20\", \"01:30-02:15\", \"02:45-03:05\"], mon-fri: \"23:30-24:00\" }} }}");
        var changes = noda.GetZoneIntervals(Instant.FromUtc(2025, 1, 1, 0, 0), Instant.FromUtc(2031, 1, 1, 0, 0))
            .Where(interval => interval.HasStart && interval.Start > Instant.FromUtc(2025, 1, 1, 0, 0)).Select(interval => interval.Start)
            .Append(Instant.FromUtc(2026, 6, 14, 5, 0)).ToArray();
        foreach (var change in changes)
            Gen.Int[-6 * 60, 6 * 60].Array[40].Sample(minutes =>
            {
                foreach (var minute in minutes)
                {
                    var moment = change + NodaTime.Duration.FromMinutes(minute);
                    var state = schedule.At(moment.ToDateTimeOffset());
                    state.Open.ShouldBe(Naive(moment), $"{moment} in {id}");
                    // The next change is the first moment at which the naive answer is another.
                    var next = Instant.FromDateTimeOffset(state.NextChange!.Value);
                    Naive(next).ShouldBe(!state.Open);
                    Naive(next - NodaTime.Duration.FromSeconds(1)).ShouldBe(state.Open);
                }
            }, iter: 5);

        bool Naive(Instant moment)
        {
            var local = moment.InZone(noda);
            var minute = local.Hour * 60 + local.Minute;
            return local.DayOfWeek switch
            {
                IsoDayOfWeek.Saturday => minute >= 22 * 60 + 10,
                IsoDayOfWeek.Sunday => minute < 20 || minute is >= 90 and < 135 || minute is >= 165 and < 185,
                _ => minute >= 23 * 60 + 30,
            };
        }
    }

    private static Schedule Compile(string written)
    {
        var errors = new ConfigErrors();
        var schedule = ScheduleCompiler.Compile(Written.Node(written, "schedule"), TimeZoneInfo.Utc, List, errors);
        errors.Errors.ShouldBeEmpty();
        return schedule!;
    }

    private static NamedList? List(string name) => name switch
    {
        "holidays" => ListCompiler.Compile(name, Written.Node("{ type: date, values: [2026-12-25] }"), FieldReaderTests.Parsers, new()),
        "zips" => new(name, FieldType.UsZip, []),
        _ => null,
    };

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
