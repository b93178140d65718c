using System.Runtime;

namespace Exchange.LoadTests.Overload;

/// <summary>
/// A time in which this process collects nothing: its own pauses would be told as the server's. It takes memory instead, a quarter of the machine's at most; when
/// that is used up, collections go on as ever.
/// </summary>
internal sealed class Uncollected : IDisposable
{
    private const long BytesPerSecond = 128L << 20;

    public Uncollected(TimeSpan time)
    {
        var bytes = Math.Min((long)(BytesPerSecond * time.TotalSeconds), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
        try { GC.TryStartNoGCRegion(bytes); }
        // More than this runtime sets aside at once.
        catch (ArgumentOutOfRangeException) { }
    }

    public void Dispose()
    {
        if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion) GC.EndNoGCRegion();
    }
}
