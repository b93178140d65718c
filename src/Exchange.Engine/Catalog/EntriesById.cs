using System.Collections;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Exchange.Engine.Catalog;

/// <summary>
/// Entries of one catalog version by their ids, in the order of the ids. Versions that have the same ids share all but the entries: one that changed
/// among ten thousand costs an array. Immutable.
/// </summary>
public sealed class EntriesById<T> : IReadOnlyDictionary<string, T> where T : class
{
    private readonly string[] ids;
    private readonly FrozenDictionary<string, int> places;
    private readonly T[] entries;

    private EntriesById(string[] ids, FrozenDictionary<string, int> places, T[] entries) => (this.ids, this.places, this.entries) = (ids, places, entries);

    public static EntriesById<T> None { get; } = new([], FrozenDictionary<string, int>.Empty, []);

    /// <param name="entries">In the order of their ids, each id once. Not to be changed afterwards.</param>
    /// <param name="before">What to share with, if it has the same ids.</param>
    public static EntriesById<T> Of(T[] entries, Func<T, string> idOf, EntriesById<T>? before = null)
    {
        if (before is not null && before.HasIdsOf(entries, idOf)) return new(before.ids, before.places, entries);
        string[] ids = [.. entries.Select(idOf)];
        return new(ids, ids.Index().ToFrozenDictionary(entry => entry.Item, entry => entry.Index, StringComparer.Ordinal), entries);
    }

    public int Count => entries.Length;
    public IEnumerable<string> Keys => ids;
    public IReadOnlyList<T> Values => entries;
    IEnumerable<T> IReadOnlyDictionary<string, T>.Values => entries;

    public T this[string id] => entries[places[id]];

    public bool ContainsKey(string id) => places.ContainsKey(id);

    public bool TryGetValue(string id, [MaybeNullWhen(false)] out T entry)
    {
        if (!places.TryGetValue(id, out var place))
        {
            entry = null;
            return false;
        }
        entry = entries[place];
        return true;
    }

    /// <summary>Surely the same ids in the same places. False says nothing.</summary>
    public bool SharesIdsOf(EntriesById<T> other) => ReferenceEquals(ids, other.ids);

    public IEnumerator<KeyValuePair<string, T>> GetEnumerator()
    {
        for (var i = 0; i < ids.Length; i++) yield return new(ids[i], entries[i]);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private bool HasIdsOf(T[] others, Func<T, string> idOf)
    {
        if (others.Length != ids.Length) return false;
        for (var i = 0; i < ids.Length; i++) if (ids[i] != idOf(others[i])) return false;
        return true;
    }
}
