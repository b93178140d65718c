using Exchange.Engine.Schedules;

namespace Exchange.Engine.Caps;

/// <summary>
/// From one full hour on the wall clock to the next, or until the clock is set. An hour shown twice is two windows; where the clock
/// is set by half an hour (Lord Howe) the pieces before and after are windows of their own, so none is ever longer than 60 minutes.
/// </summary>
public sealed class HourPeriod : WallPeriod
{
    public override string Name => "hour";
    public override Reason Reason => Reason.CapHour;

    private protected override Window Find(long unixSeconds, ZoneClock clock)
    {
        var local = clock.LocalAt(unixSeconds);
        var intoHour = (local % ZoneClock.Hour + ZoneClock.Hour) % ZoneClock.Hour;
        var start = unixSeconds - intoHour;
        return new(clock.LastChange(unixSeconds, start), clock.NextChange(unixSeconds, start + ZoneClock.Hour));
    }
}
