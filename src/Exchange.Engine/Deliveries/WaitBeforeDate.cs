using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Schedules;

namespace Exchange.Engine.Deliveries;

/// <summary>
/// <c>{ before: DATE_FIELD, by: 30d, at: "09:00" }</c>: so many calendar days before the date, when the zone's wall clock shows that time. No wait if that
/// has passed or the lead has no such date.
/// </summary>
/// <param name="Minute">Since midnight.</param>
public sealed record WaitBeforeDate(FieldSchema Date, int Days, int Minute, TimeZoneInfo Zone) : WaitModel
{
    public override Waiting? Begin(Subject subject, long nowMs)
    {
        if (Date.Ordinal >= subject.Values.Length || subject.Values[Date.Ordinal] is not { IsGiven: true, Number: var day }) return null;
        var local = ZoneClock.MidnightOf((int)day - Days) + Minute * 60L;
        return EndsAt(ZoneClock.Of(Zone).FirstAtOrAfter(local) * 1000, nowMs);
    }
}
