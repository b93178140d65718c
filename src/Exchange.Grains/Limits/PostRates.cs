using System.Collections.Concurrent;

namespace Exchange.Grains.Limits;

/// <summary>
/// How many of a publisher's offers are posted, as this silo has seen it lately. It starts low: one in twenty until posts are seen.
/// </summary>
public sealed class PostRates
{
    private readonly ConcurrentDictionary<string, Counts> publishers = new(StringComparer.Ordinal);

    public void Offered(string publisher) => publishers.GetOrAdd(publisher, static _ => new()).Offered();

    public void Posted(string publisher) => publishers.GetOrAdd(publisher, static _ => new()).Posted();

    /// <summary>Posts per million offers.</summary>
    public long PerMillion(string publisher) => publishers.TryGetValue(publisher, out var counts) ? counts.PerMillion : 50_000;

    private sealed class Counts
    {
        private long offered;
        private long posted;

        public void Offered()
        {
            // Halved now and then, so that the last thousand or so speak loudest.
            if (Interlocked.Increment(ref offered) <= 2_000) return;
            Interlocked.Exchange(ref offered, 1_000);
            Interlocked.Exchange(ref posted, Interlocked.Read(ref posted) / 2);
        }

        public void Posted() => Interlocked.Increment(ref posted);

        public long PerMillion => Math.Min(1_000_000, (Interlocked.Read(ref posted) + 1) * 1_000_000 / (Interlocked.Read(ref offered) + 20));
    }
}
