namespace Exchange.Grains.Bidding;

/// <summary>Of bidders that are asked at the same time: who is waited for as long as another has the same timer. Ends when all have answered.</summary>
internal sealed class Deadlines(TimeProvider time) : IDisposable
{
    private readonly List<(TimeSpan Wait, CancellationTokenSource Source)> sources = new(1);

    /// <summary>Cancelled after this time. Asked for within one moment.</summary>
    public CancellationToken After(TimeSpan wait)
    {
        foreach (var (known, source) in sources) if (known == wait) return source.Token;
        var timer = new CancellationTokenSource(wait, time);
        sources.Add((wait, timer));
        return timer.Token;
    }

    public void Dispose()
    {
        foreach (var (_, source) in sources) source.Dispose();
    }
}
