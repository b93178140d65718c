using Exchange.Engine.Caps;

namespace Exchange.Engine.Catalog;

public enum ChangeKind { Added, Removed, Changed }

/// <summary>One difference. Old and new as text: a value's own, or compact JSON where a whole map or list came or went.</summary>
public sealed record CatalogChange(ChangeKind Kind, string Path, string? Old, string? New);

/// <summary>
/// What applying a catalog would change, as written. The order of a map's keys is no difference. Tiers are known by their names and caps by what they
/// count, so that one more at the top is one change; every other list is compared place by place.
/// </summary>
public static class CatalogDiff
{
    /// <summary>In the order of the new catalog; what left it follows the map it left. An old of null = everything is added.</summary>
    public static IReadOnlyList<CatalogChange> Between(ConfigNode? old, ConfigNode @new)
    {
        var changes = new List<CatalogChange>();
        Compare(old ?? new ConfigMap("", 0, []), @new, @new.Path, changes);
        return changes;
    }

    private static void Compare(ConfigNode old, ConfigNode @new, string path, List<CatalogChange> changes)
    {
        if (ConfigNode.Same(old, @new)) return;
        switch (old, @new)
        {
            case (ConfigMap before, ConfigMap after) when before.HasKeysOf(after):
                for (var i = 0; i < after.Entries.Count; i++)
                {
                    var (was, value) = (before.Entries[i].Value, after.Entries[i].Value);
                    if (!ReferenceEquals(was, value)) Compare(was, value, ConfigErrors.At(path, after.Entries[i].Key), changes);
                }
                break;
            case (ConfigMap before, ConfigMap after):
                var earlier = before.Entries.ToDictionary(entry => entry.Key, entry => entry.Value, StringComparer.Ordinal);
                foreach (var (key, value) in after.Entries)
                {
                    var at = ConfigErrors.At(path, key);
                    if (earlier.Remove(key, out var was)) Compare(was, value, at, changes);
                    // A new section is told entry by entry, a new entry as a whole.
                    else if (path.Length == 0 && value is ConfigMap) Compare(new ConfigMap(at, 0, []), value, at, changes);
                    else changes.Add(new(ChangeKind.Added, at, null, TextOf(value)));
                }
                foreach (var (key, _) in before.Entries)
                {
                    if (!earlier.TryGetValue(key, out var was)) continue;
                    var at = ConfigErrors.At(path, key);
                    if (path.Length == 0 && was is ConfigMap) Compare(was, new ConfigMap(at, 0, []), at, changes);
                    else changes.Add(new(ChangeKind.Removed, at, TextOf(was), null));
                }
                break;
            case (ConfigList before, ConfigList after) when IdsOf(before) is { } oldIds && IdsOf(after) is { } newIds:
                CompareNamed(before, oldIds, after, newIds, path, changes);
                break;
            case (ConfigList before, ConfigList after) when !IsPlain(before) || !IsPlain(after):
                for (var i = 0; i < Math.Max(before.Items.Count, after.Items.Count); i++)
                {
                    var at = ConfigErrors.At(path, i);
                    if (i >= before.Items.Count) changes.Add(new(ChangeKind.Added, at, null, TextOf(after.Items[i])));
                    else if (i >= after.Items.Count) changes.Add(new(ChangeKind.Removed, at, TextOf(before.Items[i]), null));
                    else Compare(before.Items[i], after.Items[i], at, changes);
                }
                break;
            default:
                var (oldText, newText) = (TextOf(old), TextOf(@new));
                if (old.GetType() != @new.GetType() || oldText != newText) changes.Add(new(ChangeKind.Changed, path, oldText, newText));
                break;
        }
    }

    private static void CompareNamed(ConfigList before, string[] oldIds, ConfigList after, string[] newIds, string path, List<CatalogChange> changes)
    {
        for (var i = 0; i < newIds.Length; i++)
        {
            var at = ConfigErrors.At(path, i);
            if (Array.IndexOf(oldIds, newIds[i]) is >= 0 and var was) Compare(before.Items[was], after.Items[i], at, changes);
            else changes.Add(new(ChangeKind.Added, at, null, TextOf(after.Items[i])));
        }
        for (var i = 0; i < oldIds.Length; i++)
            if (!newIds.Contains(oldIds[i])) changes.Add(new(ChangeKind.Removed, ConfigErrors.At(path, i), TextOf(before.Items[i]), null));
        var (stood, stand) = (oldIds.Where(newIds.Contains).ToArray(), newIds.Where(oldIds.Contains).ToArray());
        if (!stood.SequenceEqual(stand)) changes.Add(new(ChangeKind.Changed, path, "in the order " + string.Join(", ", stood), "in the order " + string.Join(", ", stand)));
    }

    /// <summary>What the items of a list of tiers or caps are known by; null for any other list, or where two are called alike.</summary>
    private static string[]? IdsOf(ConfigList list)
    {
        var ids = new string[list.Items.Count];
        for (var i = 0; i < ids.Length; i++)
        {
            if (list.Items[i] is not ConfigMap item) return null;
            var zone = (item.Find("time_zone") as ConfigText)?.Text;
            var id = item.Find("method") is not null ? (item.Find("name") as ConfigText)?.Text : CapName.Of(item) is { } cap ? zone is null ? cap : $"{cap} {zone}" : null;
            if (id is null || Array.IndexOf(ids, id, 0, i) >= 0) return null;
            ids[i] = id;
        }
        return ids.Length == 0 ? null : ids;
    }

    private static bool IsPlain(ConfigList list) => list.Items.All(item => item is ConfigText);

    private static string TextOf(ConfigNode node) => node is ConfigText text ? text.Text : ConfigJson.WriteText(node);
}
