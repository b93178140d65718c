namespace Exchange.Engine.Caps;

/// <summary>The explicit list of cap periods. Adding one touches its own file, this list and its tests.</summary>
public static class CapPeriods
{
    public static IReadOnlyList<ICapPeriod> All { get; } = [];

    public static ICapPeriod? Find(string name) => All.FirstOrDefault(period => period.Name == name);
}
