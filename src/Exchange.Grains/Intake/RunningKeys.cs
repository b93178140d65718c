using System.Collections.Concurrent;

namespace Exchange.Grains.Intake;

/// <summary>The publishers' idempotency keys whose posts run in this silo now, so that who asks for one is not told that nothing was done.</summary>
internal sealed class RunningKeys
{
    private readonly ConcurrentDictionary<(string Publisher, string Key), int> counts = new();

    public bool Has(string publisher, string key) => counts.ContainsKey((publisher, key));

    /// <summary>Until it ends. The same key may run several times at once: repeats wait for the first.</summary>
    public void Follow(string publisher, string key, Task post)
    {
        var place = (publisher, key);
        counts.AddOrUpdate(place, 1, static (_, count) => count + 1);
        _ = post.ContinueWith(_ => End(place), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void End((string, string) place)
    {
        while (counts.TryGetValue(place, out var count))
            if (count == 1 ? counts.TryRemove(KeyValuePair.Create(place, 1)) : counts.TryUpdate(place, count - 1, count)) return;
    }
}
