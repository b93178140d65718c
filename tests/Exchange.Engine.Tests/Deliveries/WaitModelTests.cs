using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Tests.Caps;
using Exchange.Engine.Tests.Catalog;
using NodaTime;
using NodaTime.TimeZones;
using Shouldly;

namespace Exchange.Engine.Tests.Deliveries;

/// <summary>Waits as a catalog writes them, for a lead whose policy starts on 2026-12-20.</summary>
public sealed class WaitModelTests
{
    private const string Office = """{ "time_zone": "America/Los_Angeles", "open": { "mon-fri": "08:00-18:00" }, "closed": ["2026-11-26"] }""";

    [Theory]
    // wait | now | begins to wait until, of what kind; "-": over at once
    [InlineData("""{ "for": "10m" }""", "2026-11-23T12:00:00Z", "2026-11-23T12:10:00Z")]
    [InlineData("""{ "for": "2d" }""", "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z")] // a day is 24 hours, also over a clock change
    [InlineData("""{ "until": "office" }""", "2026-11-23T17:00:00Z", "-")] // Monday 09:00 in Los Angeles
    [InlineData("""{ "until": "office" }""", "2026-11-23T15:59:59Z", "2026-11-23T16:00:00Z")]
    [InlineData("""{ "until": "office" }""", "2026-11-26T02:00:00Z", "2026-11-27T16:00:00Z")] // the day after is closed
    [InlineData("""{ "until": "office" }""", "2026-11-28T02:00:00Z", "2026-11-30T16:00:00Z")] // Friday 18:00 to Monday
    [InlineData("""{ "until": "2026-12-01T09:00" }""", "2026-11-23T12:00:00Z", "2026-12-01T17:00:00Z")] // in the office's zone
    [InlineData("""{ "until": "2026-12-01T09:00" }""", "2026-12-01T17:00:00Z", "-")]
    [InlineData("""{ "until": "2027-03-14T02:30" }""", "2026-11-23T12:00:00Z", "2027-03-14T10:00:00Z")] // never shown: when the clock jumps
    [InlineData("""{ "until": "2027-11-07T01:30:30" }""", "2026-11-23T12:00:00Z", "2027-11-07T08:30:30Z")] // shown twice: the first time
    [InlineData("""{ "before": "start", "by": "20d", "at": "09:00" }""", "2026-11-23T12:00:00Z", "2026-11-30T17:00:00Z")]
    [InlineData("""{ "before": "start", "by": "20d" }""", "2026-11-23T12:00:00Z", "2026-11-30T08:00:00Z")]
    [InlineData("""{ "before": "start", "by": "30d", "at": "09:00" }""", "2026-11-23T12:00:00Z", "-")] // passed
    [InlineData("""{ "before": "start", "at": "09:00" }""", "2026-11-23T12:00:00Z", "2026-12-20T17:00:00Z")]
    public void Begin_OfALead_EndsThen(string wait, string now, string end) =>
        Told(Wait(wait, Office).Begin(Lead("2026-12-20"), Ms(now))).ShouldBe(end);

    [Fact]
    public void Begin_DateMissing_IsOverAtOnce() =>
        Wait("""{ "before": "start", "by": "20d", "at": "09:00" }""", Office).Begin(Lead(null), Ms("2026-11-23T12:00:00Z")).ShouldBeNull();

    [Fact]
    public void Begin_OfficeWithoutHoursOfItsOwn_UsesTheExchangesZone() =>
        Told(Wait("""{ "until": "2026-12-01T09:00" }""", null).Begin(Lead(null), Ms("2026-11-23T12:00:00Z"))).ShouldBe("2026-12-01T14:00:00Z");

    [Fact]
    public void Begin_OfficeThatNeverOpensAgain_KeepsNothing() =>
        Wait("""{ "until": "office" }""", """{ "open": { "mon": "08:00-18:00" }, "until": "2026-11-01" }""").Begin(Lead(null), Ms("2026-11-23T12:00:00Z")).ShouldBeNull();

    [Theory]
    [InlineData("drop", true)]
    [InlineData("go", false)]
    public void Begin_FieldThatIsNotThere_WaitsForItAtMostSoLong(string then, bool drop)
    {
        var wait = Wait($$"""{ "until": { "field": "notes", "exists": true }, "at_most": "24h", "then": "{{then}}" }""", Office).ShouldBeOfType<WaitForFields>();
        wait.Begin(Lead(null), Ms("2026-10-31T12:00:00Z")).ShouldBe(new Waiting(DeliveryWait.Fields, Ms("2026-11-01T12:00:00Z")));
        wait.Begin(Lead(null, notes: "call after five"), Ms("2026-10-31T12:00:00Z")).ShouldBeNull();
        wait.Drop.ShouldBe(drop);
    }

    public static TheoryData<string> Zones => new(CapPeriodTests.ZoneIds);

    /// <summary>Around every clock change of five years, half-hour by half-hour, a moment and the same time before a date are what NodaTime says.</summary>
    [Theory, MemberData(nameof(Zones))]
    public void ClockTimes_AroundEveryClockChange_AreNodaTimes(string id)
    {
        var noda = DateTimeZoneProviders.Tzdb[id];
        var zone = TimeZoneInfo.FindSystemTimeZoneById(id);
        var resolver = Resolvers.CreateMappingResolver(Resolvers.ReturnEarlier, Resolvers.ReturnStartOfIntervalAfter);
        var changes = noda.GetZoneIntervals(Instant.FromUtc(2026, 1, 1, 0, 0), Instant.FromUtc(2031, 1, 1, 0, 0)).Where(interval => interval.HasStart && interval.Start > Instant.FromUtc(2026, 1, 1, 0, 0)).Select(interval => interval.Start)
            .Append(Instant.FromUtc(2026, 6, 15, 12, 0)).ToArray();
        var date = new FieldSchema { Name = "start", Type = FieldType.Date, Ordinal = 0 };
        var asked = 0;
        foreach (var change in changes)
            for (var half = -60; half <= 60; half++)
            {
                var local = change.InUtc().LocalDateTime.PlusMinutes(30 * half).With(TimeAdjusters.TruncateToMinute);
                var expected = noda.ResolveLocal(local, resolver).ToInstant().ToUnixTimeMilliseconds();
                var seconds = local.InUtc().ToInstant().ToUnixTimeSeconds();
                new WaitUntilMoment(seconds, zone).Begin(Lead(null), 0)!.Value.UntilMs.ShouldBe(expected, $"{local} in {id}");
                var renewal = local.Date.PlusDays(30);
                var subject = Lead(null);
                subject.Values = [new(renewal.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), DateOnly.FromDateTime(renewal.ToDateTimeUnspecified()).DayNumber)];
                new WaitBeforeDate(date, 30, local.Hour * 60 + local.Minute, zone).Begin(subject, 0)!.Value.UntilMs.ShouldBe(expected, $"30 days before {renewal}, {local.TimeOfDay} in {id}");
                asked++;
            }
        asked.ShouldBeGreaterThan(100);
    }

    private static WaitModel Wait(string wait, string? office)
    {
        var root = ConfigPatch.Set(Catalogs.Json(Catalogs.Basic), ["campaigns", "acme-a", "delivery"], Catalogs.Json($$"""{ "wait": {{wait}} }"""));
        if (office is not null) root = ConfigPatch.Set(root, ["buyers", "acme", "office"], Catalogs.Json(office));
        return Catalogs.Model(root).Campaigns["acme-a"].Delivery.Wait.ShouldNotBeNull();
    }

    private static Subject Lead(string? start, string? notes = null)
    {
        var values = new FieldValue[8];
        if (start is not null) values[4] = new(start, DateOnly.ParseExact(start, "yyyy-MM-dd", CultureInfo.InvariantCulture).DayNumber);
        if (notes is not null) values[5] = new(notes, 0);
        return new() { Vertical = "auto", Publisher = "search", Values = values, Now = DateTimeOffset.UnixEpoch };
    }

    private static long Ms(string moment) => DateTimeOffset.Parse(moment, CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();

    private static string Told(Waiting? waiting) => waiting is not { } begun ? "-"
        : begun.For != DeliveryWait.Moment ? begun.For.ToString()
        : DateTimeOffset.FromUnixTimeMilliseconds(begun.UntilMs).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
