using Exchange.Engine.Caps;
using Exchange.Engine.Schedules;
using Shouldly;

namespace Exchange.Engine.Tests.Caps;

public sealed class PacingTests
{
    [Theory]
    // open ms left | left | amount | likelihood in millionths | pause
    [InlineData(86_400_000, 24, 1, 1_000_000, 3_600_000)]
    [InlineData(86_400_000, 24, 1, 50_000, 180_000)] // one offer in twenty is sold
    [InlineData(82_800_000, 23, 1, 1_000_000, 3_600_000)]
    [InlineData(3_600_000, 7, 1, 1_000_000, 514_285)] // rounded down
    [InlineData(3_600_000, 1, 1, 1_000_000, 3_600_000)]
    [InlineData(0, 5, 1, 1_000_000, 0)]
    [InlineData(3_600_000, 0, 1, 1_000_000, 3_600_000)] // nothing left: not in this window
    [InlineData(3_600_000, -3, 1, 1_000_000, 3_600_000)]
    [InlineData(36_000_000, 100_000_000, 25_000_000, 1_000_000, 9_000_000)] // a quarter of the money buys a quarter of the time
    [InlineData(3_600_000, 5, 9, 1_000_000, 3_600_000)] // never past the end
    [InlineData(2_678_400_000, 4_611_686_018_427_387_904, 4_611_686_018_427_387_904, 1_000_000, 2_678_400_000)]
    public void Pause_IsOpenTimeLeftOverPlacesLeft(long open, long left, long amount, long likelihood, long pause) =>
        Pacing.PauseMs(open, left, amount, likelihood).ShouldBe(pause);

    [Fact]
    public void OpenStretches_OfADay_AreTheSchedulesHoursInIt()
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById("America/New_York");
        // 2026-11-01: the clock is set back at 02:00, the day has 25 hours.
        var day = new DayPeriod().WindowAt(At("2026-11-01T12:00Z"), zone);
        (day.End - day.Start).ShouldBe(25 * 3600);
        var morning = Open(zone, new OpenHours(60, 180), new OpenHours(600, 720));
        Pacing.OpenStretches([morning], day).ShouldBe(
            [new(At("2026-11-01T05:00Z"), At("2026-11-01T08:00Z")), new(At("2026-11-01T15:00Z"), At("2026-11-01T17:00Z"))]);
        Pacing.OpenStretches([], day).ShouldBe([day]);
    }

    [Fact]
    public void OpenStretches_OfSeveralSchedules_AreTheirUnion()
    {
        var window = new Window(At("2026-11-24T00:00Z"), At("2026-11-25T00:00Z"));
        var schedules = new[] { Open(TimeZoneInfo.Utc, new OpenHours(480, 720)), Open(TimeZoneInfo.Utc, new OpenHours(600, 780), new OpenHours(1200, 1440)), Open(TimeZoneInfo.Utc, new OpenHours(780, 840)) };
        Pacing.OpenStretches(schedules, window).ShouldBe(
            [new(At("2026-11-24T08:00Z"), At("2026-11-24T14:00Z")), new(At("2026-11-24T20:00Z"), At("2026-11-25T00:00Z"))]);
    }

    [Theory]
    // stretches 10..20 and 30..40 s | now ms | left | then so long after
    [InlineData(0, 20_000, 5_000, 15_000)]
    [InlineData(10_000, 20_000, 10_000, 20_000)]
    [InlineData(15_500, 14_500, 4_000, 19_500)]
    [InlineData(15_500, 14_500, 5_000, 30_500)]
    [InlineData(25_000, 10_000, 1, 30_001)]
    [InlineData(25_000, 10_000, 0, 25_000)]
    [InlineData(39_999, 1, 60_000, 40_000)]
    [InlineData(50_000, 0, 5, 50_000)]
    public void OpenTime_IsCountedAcrossClosedHours(long now, long left, long pause, long after)
    {
        Window[] stretches = [new(10, 20), new(30, 40)];
        Pacing.OpenLeftMs(stretches, now).ShouldBe(left);
        Pacing.AfterMs(stretches, now, pause).ShouldBe(after);
    }

    private static Schedule Open(TimeZoneInfo zone, params OpenHours[] hours) => new(zone, [.. Enumerable.Repeat(hours, 7)], [], null, null);

    private static long At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeSeconds();
}
