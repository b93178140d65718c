using System.Globalization;
using CsCheck;
using Exchange.Engine.Caps;
using Exchange.Engine.Returns;
using Exchange.Engine.Schedules;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Returns;

/// <summary>The window, the month and the quota of returns, in the exchange's zone.</summary>
public sealed class ReturnRulesTests
{
    private static readonly TimeZoneInfo NewYork = TimeZoneInfo.FindSystemTimeZoneById("America/New_York");

    private static ReturnTerms Terms(string within, string? atMost = null) => new()
    {
        Scope = CapScope.Buyer, Owner = "acme",
        Days = within.EndsWith('d') ? int.Parse(within[..^1], CultureInfo.InvariantCulture) : 0,
        Span = within.EndsWith('h') ? TimeSpan.FromHours(int.Parse(within[..^1], CultureInfo.InvariantCulture)) : default,
        AtMost = atMost is null ? null : Percent.TryParse(atMost, out var percent) ? percent : throw new FormatException(atMost),
    };

    private static long Ms(string utc) => DateTimeOffset.Parse(utc, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).ToUnixTimeMilliseconds();

    [Theory]
    // within | sold (UTC) | too late from (UTC), New York
    [InlineData("1d", "2026-11-23T05:00:00", "2026-11-25T05:00:00")] // Monday, first moment: all of Tuesday is left
    [InlineData("1d", "2026-11-24T04:59:59.999", "2026-11-25T05:00:00")] // Monday, last moment: the same Tuesday
    [InlineData("1d", "2026-11-24T05:00:00", "2026-11-26T05:00:00")] // Tuesday
    [InlineData("10d", "2026-11-23T17:00:00", "2026-12-04T05:00:00")]
    [InlineData("1d", "2026-10-31T16:00:00", "2026-11-02T05:00:00")] // the clock goes back on Sunday: a day of 25 hours
    [InlineData("1d", "2026-03-07T17:00:00", "2026-03-09T04:00:00")] // and forward: one of 23
    [InlineData("30d", "2026-12-15T12:00:00", "2027-01-15T05:00:00")]
    [InlineData("24h", "2026-11-23T17:00:00", "2026-11-24T17:00:00")] // hours are hours
    [InlineData("24h", "2026-10-31T16:00:00", "2026-11-01T16:00:00")] // and not clocks
    public void Window_Closes(string within, string sold, string tooLate) =>
        ReturnRules.ClosesAtMs(Terms(within), Ms(sold), NewYork).ShouldBe(Ms(tooLate));

    [Theory]
    [InlineData("2026-11-01T04:00:00", "2026-11-01T04:00:00", "2026-12-01T05:00:00")] // the month begins by summer time and ends by winter time
    [InlineData("2026-11-01T03:59:59", "2026-10-01T04:00:00", "2026-11-01T04:00:00")] // still October there
    [InlineData("2026-12-31T23:00:00", "2026-12-01T05:00:00", "2027-01-01T05:00:00")]
    public void Month_IsTheCalendarsOfTheSale(string sold, string from, string until) =>
        ReturnRules.MonthOf(Ms(sold), NewYork).ShouldBe((Ms(from), Ms(until)));

    [Theory]
    [InlineData("12%", 0, 0)]
    [InlineData("12%", 8, 0)] // 0.96: a part of a lead does not come back
    [InlineData("12%", 9, 1)]
    [InlineData("12%", 100, 12)]
    [InlineData("0.5%", 199, 0)]
    [InlineData("0.5%", 200, 1)]
    [InlineData("100%", 7, 7)]
    [InlineData(null, 1, long.MaxValue)]
    public void Quota_IsAPartOfTheMonthsLeads(string? atMost, long sold, long most) => ReturnRules.MostOf(Terms("10d", atMost), sold).ShouldBe(most);

    [Theory]
    // within, asked so long after the sale | returned before | what is told first
    [InlineData(null, "00:00:00", false, Reason.ReturnWindowClosed)]
    [InlineData("2h", "01:59:59.999", false, Reason.None)]
    [InlineData("2h", "02:00:00", false, Reason.ReturnWindowClosed)]
    [InlineData("2h", "01:00:00", true, Reason.AlreadyReturned)]
    [InlineData("2h", "02:00:00", true, Reason.ReturnWindowClosed)]
    public void Judge_TellsTheFirstThatForbids(string? within, string after, bool returned, Reason reason)
    {
        var sold = Ms("2026-11-23T17:00:00");
        ReturnRules.Judge(within is null ? null : Terms(within), sold, sold + (long)TimeSpan.Parse(after, CultureInfo.InvariantCulture).TotalMilliseconds, NewYork, returned).ShouldBe(reason);
    }

    /// <summary>By the calendar, the slow way: the local date of the moment before it closes is the last day, of the moment it closes the day after.</summary>
    [Fact]
    public void Window_AnyMomentAndZone_EndsWithItsLastDay()
    {
        var zones = new[] { "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC", "America/Sao_Paulo" }.Select(TimeZoneInfo.FindSystemTimeZoneById).ToArray();
        Gen.Select(Gen.Int[0, zones.Length - 1], Gen.Long[Ms("2024-01-01T00:00:00"), Ms("2034-01-01T00:00:00")], Gen.Int[1, 366]).Sample((z, sold, days) =>
        {
            var zone = zones[z];
            var closes = ReturnRules.ClosesAtMs(Terms(days + "d"), sold, zone);
            var last = DateOnly.FromDateTime(Local(sold)).AddDays(days);
            DateOnly.FromDateTime(Local(closes - 1)).ShouldBe(last);
            DateOnly.FromDateTime(Local(closes)).ShouldBeGreaterThan(last);
            var (from, until) = ReturnRules.MonthOf(sold, zone);
            (sold >= from && sold < until).ShouldBeTrue();
            (Local(from).Day, Local(until).Day, Local(until - 1).Month).ShouldBe((1, 1, Local(sold).Month));

            DateTime Local(long ms) => TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeMilliseconds(ms), zone).DateTime;
        }, iter: 2_000);
    }

    [Theory]
    [InlineData("invalid_phone", true)]
    [InlineData("already-has-solar", true)]
    [InlineData("x", true)]
    [InlineData("", false)]
    [InlineData("Invalid", false)]
    [InlineData("9lives", false)]
    [InlineData("the phone +12025550101", false)]
    public void Reason_IsAWord(string text, bool isOne) => ReturnTerms.IsReason(text).ShouldBe(isOne);
}
