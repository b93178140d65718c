namespace Exchange.Engine.Caps;

/// <summary>For ever: what is counted is never set back.</summary>
public sealed class TotalPeriod : ICapPeriod
{
    public string Name => "total";
    public Reason Reason => Reason.CapTotal;

    public Window WindowAt(long unixSeconds, TimeZoneInfo zone) => Window.Forever;
}
