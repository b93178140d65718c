namespace Exchange.Engine.Caps;

/// <summary>A local calendar month.</summary>
public sealed class MonthPeriod : DatePeriod
{
    public override string Name => "month";
    public override Reason Reason => Reason.CapMonth;

    private protected override int FirstDate(int date) => date - DateOnly.FromDayNumber(date).Day + 1;
    private protected override int NextFirstDate(int firstDate) => DateOnly.FromDayNumber(firstDate).AddMonths(1).DayNumber;
}
