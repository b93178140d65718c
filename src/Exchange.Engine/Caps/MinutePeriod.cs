namespace Exchange.Engine.Caps;

/// <summary>
/// From one full minute to the next. Zones differ from UTC by whole minutes, so a minute is the same everywhere. Only what comes that often is
/// limited by it: pings.
/// </summary>
public sealed class MinutePeriod : ICapPeriod
{
    private const long Seconds = 60;

    public string Name => "minute";
    public Reason Reason => Reason.PingCap;

    public Window WindowAt(long unixSeconds, TimeZoneInfo zone)
    {
        var into = (unixSeconds % Seconds + Seconds) % Seconds;
        return new(unixSeconds - into, unixSeconds - into + Seconds);
    }
}
