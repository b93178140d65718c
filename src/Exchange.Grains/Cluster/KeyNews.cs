namespace Exchange.Grains.Cluster;

/// <summary>
/// API keys are kept in the memory of every silo. Whoever made or revoked one has the others read them before it says so: a key just made opens
/// everywhere, and one just revoked opens nothing, at every silo that answers within two seconds. The rest looks itself that often.
/// </summary>
public sealed class KeyNews(Silos silos)
{
    /// <summary>Reads the keys into this silo's memory. Set once, before the silo starts.</summary>
    public Func<Task> Read { get; set; } = static () => Task.CompletedTask;

    /// <summary>Never throws: who does not answer, or cannot read, looks again by itself.</summary>
    public Task TellAsync() => Task.WhenAll(silos.Others.Select(TellAsync));

    private static async Task TellAsync(ISiloService other)
    {
        try { await other.ReadKeys(); }
        catch (Exception fault) when (fault is not OutOfMemoryException) { }
    }
}
