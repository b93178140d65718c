namespace Exchange.Engine.Caps;

/// <summary>A local calendar day.</summary>
public sealed class DayPeriod : DatePeriod
{
    public override string Name => "day";
    public override Reason Reason => Reason.CapDay;

    private protected override int FirstDate(int date) => date;
    private protected override int NextFirstDate(int firstDate) => firstDate + 1;
}
