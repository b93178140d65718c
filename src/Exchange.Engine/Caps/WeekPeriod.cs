using Exchange.Engine.Schedules;

namespace Exchange.Engine.Caps;

/// <summary>Seven local days from Monday.</summary>
public sealed class WeekPeriod : DatePeriod
{
    public override string Name => "week";
    public override Reason Reason => Reason.CapWeek;

    private protected override int FirstDate(int date) => date - ZoneClock.WeekdayOf(date);
    private protected override int NextFirstDate(int firstDate) => firstDate + 7;
}
