namespace Exchange.Storage;

/// <summary>Tells a silo at once that a catalog version was applied, by itself or by another. A nudge: news may be lost, the version row is the truth.</summary>
public interface ICatalogNews
{
    /// <summary>
    /// Listens until cancelled, then completes. <paramref name="heard"/> is awaited for each news that comes and each time that listening begins (again),
    /// because news may have passed meanwhile. It must not throw.
    /// </summary>
    Task ListenAsync(Func<Task> heard, CancellationToken cancel);
}
