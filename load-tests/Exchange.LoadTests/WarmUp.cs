namespace Exchange.LoadTests;

/// <summary>A process that was just started compiles its hot paths while it serves: nothing is measured until it is past that.</summary>
internal static class WarmUp
{
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(3);

    private const int CalmSlices = 5;

    /// <summary>Until so many slices in a row were no faster than the best before them.</summary>
    /// <param name="load">Loads it for so long; returns what was done per second.</param>
    public static async Task UntilCalmAsync(TimeSpan most, Func<TimeSpan, Task<double>> load)
    {
        var (best, calm) = (0.0, 0);
        for (var left = most; left > TimeSpan.Zero && calm < CalmSlices; left -= Slice)
        {
            var now = await load(Slice);
            calm = now > best * 1.05 ? 0 : calm + 1;
            best = Math.Max(best, now);
        }
    }
}
