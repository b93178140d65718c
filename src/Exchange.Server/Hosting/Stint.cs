namespace Exchange.Server.Hosting;

/// <summary>Work in small steps of which nobody knows how many there are: some of them now, the others another time.</summary>
internal static class Stint
{
    /// <summary>After so long no further step begins.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(200);

    /// <summary>Steps, at least one, until one says that nothing is left. True: something is.</summary>
    public static async Task<bool> DoAsync(TimeProvider time, Func<Task<bool>> step)
    {
        var began = time.GetTimestamp();
        bool isLeft;
        do isLeft = await step();
        while (isLeft && time.GetElapsedTime(began) < Longest);
        return isLeft;
    }
}
