namespace Exchange.Engine.Caps;

/// <summary>
/// The explicit list of cap periods, shortest first: the order in which their reasons are told. Adding one touches its own file,
/// this list and its tests.
/// </summary>
public static class CapPeriods
{
    public static IReadOnlyList<ICapPeriod> All { get; } = [new MinutePeriod(), new HourPeriod(), new DayPeriod(), new WeekPeriod(), new MonthPeriod(), new TotalPeriod()];

    public static ICapPeriod? Find(string name)
    {
        foreach (var period in All) if (period.Name == name) return period;
        return null;
    }
}
