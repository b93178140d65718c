using System.Diagnostics.CodeAnalysis;

namespace Exchange.Grains.Memory;

/// <summary>
/// A dictionary for many threads and hundreds of thousands of entries, in sixteen parts with a lock each. A concurrent dictionary has an object per entry, hung into
/// an array at a random place: at each collection of what is young the collector looks at those places and their neighbours. Here
/// entries lie in arrays in the order they came, and where neither key nor value is a reference the collector does not look at them at all (docs/decisions/0059).
/// </summary>
public sealed class StripedTable<TKey, TValue>
    where TKey : struct, IEquatable<TKey>
{
    private readonly Stripe[] stripes = [.. Enumerable.Range(0, Stripes.Count).Select(static _ => new Stripe())];
    private int count;

    public int Count => Volatile.Read(ref count);

    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        var stripe = StripeOf(key);
        lock (stripe.Gate) return stripe.Entries.TryGetValue(key, out value);
    }

    public bool ContainsKey(TKey key) => TryGetValue(key, out _);

    /// <summary>False: there is one, and it stays as it is.</summary>
    public bool TryAdd(TKey key, TValue value)
    {
        var stripe = StripeOf(key);
        lock (stripe.Gate)
        {
            if (!stripe.Entries.TryAdd(key, value)) return false;
        }
        Interlocked.Increment(ref count);
        return true;
    }

    /// <summary>False: there is none, and none is made.</summary>
    public bool TryUpdate(TKey key, TValue value)
    {
        var stripe = StripeOf(key);
        lock (stripe.Gate)
        {
            if (!stripe.Entries.ContainsKey(key)) return false;
            stripe.Entries[key] = value;
            return true;
        }
    }

    public bool TryRemove(TKey key)
    {
        var stripe = StripeOf(key);
        lock (stripe.Gate)
        {
            if (!stripe.Entries.Remove(key)) return false;
        }
        Interlocked.Decrement(ref count);
        return true;
    }

    private Stripe StripeOf(TKey key) => stripes[Stripes.Of(key)];

    private sealed class Stripe
    {
        public readonly Lock Gate = new();
        public readonly Dictionary<TKey, TValue> Entries = [];
    }
}
