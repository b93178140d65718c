using System.Collections.Concurrent;
using Exchange.Engine.Catalog;
using Exchange.Storage;

namespace Exchange.Grains.Limits;

/// <summary>
/// What even and percent tiers sold or hold within their look-back, by campaign. Time is cut into steps of <c>over</c> / 480, of whole seconds; counted
/// are the step of now and so many before it as make up the look-back. Fed by the journal's commits, loaded from the store where a tier is new.
/// </summary>
internal sealed class SoldShares
{
    private const int MostSteps = 480;
    private const int LoadTries = 10;

    private readonly ConcurrentDictionary<string, Share> tiers = new(StringComparer.Ordinal);

    /// <summary>Begins to listen for tiers that are new or look back otherwise; they count nothing until <see cref="LoadAsync"/>.</summary>
    public void Install(CatalogModel model)
    {
        var wanted = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var tree in model.Trees.Values)
            foreach (var tier in tree.Tiers)
                if (tier.IsByShare) wanted[tier.RotationKey] = (long)tier.Over.TotalMilliseconds;
        foreach (var (key, over) in wanted)
            if (!tiers.TryGetValue(key, out var known) || known.OverMs != over) tiers[key] = new(over);
        foreach (var key in tiers.Keys) if (!wanted.ContainsKey(key)) tiers.TryRemove(key, out _);
    }

    /// <summary>
    /// Counts what new tiers sold before. Read again where one sold something meanwhile: what is told and what is read must not overlap.
    /// </summary>
    public async Task LoadAsync(ILimitCounts store, long nowMs, CancellationToken cancel)
    {
        for (var tries = 1; ; tries++)
        {
            var missing = tiers.Where(pair => !pair.Value.IsLoaded).Select(pair => (pair.Key, pair.Value, pair.Value.Version)).ToArray();
            if (missing.Length == 0) return;
            var sold = (await store.SoldSinceAsync(nowMs - missing.Max(tier => tier.Value.OverMs), cancel)).ToLookup(count => count.Tier, StringComparer.Ordinal);
            foreach (var (key, share, version) in missing) share.Load(sold[key], version, force: tries == LoadTries);
        }
    }

    public void Hear(SoldCount sold)
    {
        if (tiers.TryGetValue(sold.Tier, out var share)) share.Add(sold);
    }

    public long Count(string shareKey, string campaign, long nowMs) => tiers.TryGetValue(shareKey, out var share) ? share.Count(campaign, nowMs) : 0;

    private sealed class Share
    {
        private readonly Dictionary<string, Ring> campaigns = new(StringComparer.Ordinal);
        private readonly Lock gate = new();
        private readonly long stepMs;
        private readonly int steps;

        public Share(long overMs)
        {
            OverMs = overMs;
            stepMs = Math.Max(1, (overMs + MostSteps * 1000L - 1) / (MostSteps * 1000L)) * 1000;
            steps = (int)((overMs + stepMs - 1) / stepMs);
        }

        public long OverMs { get; }
        public long Version { get { lock (gate) return field; } private set; }
        public bool IsLoaded { get { lock (gate) return field; } private set; }

        public void Add(SoldCount sold)
        {
            lock (gate)
            {
                Version++;
                RingOf(sold.Campaign).Add(sold.AtMs / stepMs, sold.Count);
            }
        }

        public void Load(IEnumerable<SoldCount> sold, long version, bool force)
        {
            lock (gate)
            {
                if (Version != version && !force) return;
                campaigns.Clear();
                foreach (var count in sold) RingOf(count.Campaign).Add(count.AtMs / stepMs, count.Count);
                IsLoaded = true;
            }
        }

        public long Count(string campaign, long nowMs)
        {
            lock (gate) return campaigns.TryGetValue(campaign, out var ring) ? ring.Sum(nowMs / stepMs) : 0;
        }

        private Ring RingOf(string campaign)
        {
            if (!campaigns.TryGetValue(campaign, out var ring)) campaigns[campaign] = ring = new(steps);
            return ring;
        }
    }

    /// <summary>Counts by step, the newest so many.</summary>
    private sealed class Ring(int steps)
    {
        private readonly int[] counts = new int[steps];
        private long newest;
        private long sum;

        public void Add(long step, int count)
        {
            Advance(step);
            if (step <= newest - counts.Length) return;
            counts[step % counts.Length] += count;
            sum += count;
        }

        public long Sum(long step)
        {
            Advance(step);
            return Math.Max(0, sum);
        }

        private void Advance(long step)
        {
            if (step <= newest) return;
            if (step - newest >= counts.Length)
            {
                Array.Clear(counts);
                sum = 0;
            }
            else
            {
                for (var passed = newest + 1; passed <= step; passed++)
                {
                    sum -= counts[passed % counts.Length];
                    counts[passed % counts.Length] = 0;
                }
            }
            newest = step;
        }
    }
}
