using Exchange.Engine.Filters;
using Exchange.Engine.Schedules;

namespace Exchange.Engine.Deliveries;

/// <summary><c>{ until: "2026-12-01T09:00" }</c>: the first moment at which the zone's wall clock shows that or later.</summary>
/// <param name="LocalSeconds">As <see cref="ZoneClock"/> counts them.</param>
public sealed record WaitUntilMoment(long LocalSeconds, TimeZoneInfo Zone) : WaitModel
{
    public override Waiting? Begin(Subject subject, long nowMs) => EndsAt(ZoneClock.Of(Zone).FirstAtOrAfter(LocalSeconds) * 1000, nowMs);
}
