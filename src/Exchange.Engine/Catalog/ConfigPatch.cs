using Exchange.Engine.Caps;

namespace Exchange.Engine.Catalog;

/// <summary>Changes a catalog as written, before it is compiled again: RFC 7396 merge patch, and one cap found by its short name.</summary>
public static class ConfigPatch
{
    /// <summary>
    /// JSON merge patch: a map is merged key by key, <c>null</c> takes its key away, anything else (lists too) replaces what was there.
    /// The result has the target's path, its nodes their own under it.
    /// </summary>
    public static ConfigNode Merge(ConfigNode target, ConfigNode patch)
    {
        if (patch is not ConfigMap patchMap) return At(patch, target.Path);
        var old = target as ConfigMap;
        var changes = ByKey(patchMap);
        var merged = new HashSet<string>(StringComparer.Ordinal);
        var entries = new List<KeyValuePair<string, ConfigNode>>(old?.Entries.Count ?? 0);
        foreach (var entry in old?.Entries ?? [])
        {
            if (!changes.TryGetValue(entry.Key, out var change))
            {
                entries.Add(entry);
                continue;
            }
            merged.Add(entry.Key);
            if (change is not ConfigNull) entries.Add(new(entry.Key, Merge(entry.Value, change)));
        }
        foreach (var (key, change) in patchMap.Entries)
        {
            if (change is ConfigNull || merged.Contains(key)) continue;
            var path = ConfigErrors.At(target.Path, key);
            // An empty map under it, so that nulls inside what is new are dropped as well.
            entries.Add(new(key, change is ConfigMap ? Merge(new ConfigMap(path, change.Line, []), change) : At(change, path)));
        }
        return new ConfigMap(target.Path, target.Line, entries);
    }

    /// <summary>
    /// The merge patch that makes <paramref name="after"/> of <paramref name="before"/>, in the order of keys too. Null where no merge patch does: it can neither
    /// put a key between others nor set one to null. Nodes that both have in common cost nothing.
    /// </summary>
    public static ConfigMap? Between(ConfigNode before, ConfigNode after)
    {
        if (before is not ConfigMap from || after is not ConfigMap to) return null;
        var patch = Changes(from, to);
        return ConfigNode.Same(Merge(from, patch), to) ? patch : null;
    }

    private static ConfigMap Changes(ConfigMap from, ConfigMap to)
    {
        var changes = new List<KeyValuePair<string, ConfigNode>>();
        if (from.HasKeysOf(to))
        {
            for (var i = 0; i < to.Entries.Count; i++) Compare(to.Entries[i].Key, from.Entries[i].Value, to.Entries[i].Value);
            return new(to.Path, to.Line, changes);
        }
        var old = ByKey(from);
        foreach (var (key, value) in to.Entries)
        {
            if (old.Remove(key, out var was)) Compare(key, was, value);
            else changes.Add(new(key, value));
        }
        foreach (var (key, _) in from.Entries)
            if (old.ContainsKey(key)) changes.Add(new(key, new ConfigNull(ConfigErrors.At(to.Path, key), to.Line)));
        return new(to.Path, to.Line, changes);

        void Compare(string key, ConfigNode was, ConfigNode value)
        {
            if (!ConfigNode.Same(was, value)) changes.Add(new(key, was is ConfigMap map && value is ConfigMap other ? Changes(map, other) : value));
        }
    }

    private static Dictionary<string, ConfigNode> ByKey(ConfigMap map)
    {
        var byKey = new Dictionary<string, ConfigNode>(map.Entries.Count, StringComparer.Ordinal);
        foreach (var (key, value) in map.Entries) byKey.TryAdd(key, value);
        return byKey;
    }

    /// <summary>What stands at the place that these keys lead to, or null.</summary>
    public static ConfigNode? Find(ConfigNode root, params ReadOnlySpan<string> keys)
    {
        ConfigNode? node = root;
        foreach (var key in keys) node = (node as ConfigMap)?.Find(key);
        return node;
    }

    /// <summary>
    /// The whole catalog with the value at these keys replaced; maps on the way are made where they are missing. Null takes it away.
    /// </summary>
    public static ConfigNode Set(ConfigNode root, ReadOnlySpan<string> keys, ConfigNode? value)
    {
        if (keys.IsEmpty) return value is null ? new ConfigMap(root.Path, root.Line, []) : At(value, root.Path);
        var map = root as ConfigMap ?? new ConfigMap(root.Path, root.Line, []);
        var path = ConfigErrors.At(map.Path, keys[0]);
        var old = map.Find(keys[0]);
        if (old is null && value is null) return map;
        var changed = keys.Length == 1
            ? value is null ? null : At(value, path)
            : Set(old ?? new ConfigMap(path, map.Line, []), keys[1..], value);
        var entries = new List<KeyValuePair<string, ConfigNode>>(map.Entries.Count + 1);
        foreach (var entry in map.Entries)
        {
            if (entry.Key != keys[0]) entries.Add(entry);
            else if (changed is not null) entries.Add(new(entry.Key, changed));
        }
        if (old is null && changed is not null) entries.Add(new(keys[0], changed));
        return new ConfigMap(map.Path, map.Line, entries);
    }

    /// <summary>
    /// The whole catalog with a merge patch applied to one cap of an entry. <paramref name="section"/> is publishers, buyers, campaigns
    /// or ping_trees; <paramref name="cap"/> its short name (<see cref="CapName"/>): <c>day.leads</c>, <c>month.spend.by.zip</c>. A patch that
    /// is one text, or a map <c>{ limit: … }</c>, is the new limit. Null with <c>unknown_id</c>, <c>unknown_cap</c>, or <c>ambiguous_cap</c> where several caps of the
    /// entry have this name (in other zones).
    /// </summary>
    public static ConfigNode? MergeCap(ConfigNode root, string section, string id, string cap, ConfigNode patch, ConfigErrors errors)
    {
        var path = $"{section}.{id}";
        var entry = Find(root, section, id);
        if (entry is not ConfigMap)
        {
            errors.Add(path, "unknown_id", "There is no such entry.");
            return null;
        }
        var caps = Find(entry, "caps") as ConfigList;
        var found = -1;
        for (var i = 0; i < caps?.Items.Count; i++)
        {
            if (CapName.Of(caps.Items[i]) != cap) continue;
            if (found >= 0)
            {
                errors.Add(caps.Path, "ambiguous_cap", "Several caps of this entry have this name; change them in the catalog.");
                return null;
            }
            found = i;
        }
        if (found < 0)
        {
            errors.Add(ConfigErrors.At(path, "caps"), "unknown_cap", "This entry has no such cap; a cap is named by its period and what it counts, as day.leads, with `each` day.leads.by.FIELD, with `when` as its state shows.");
            return null;
        }
        // Its own word for its limit is what comes after the period.
        var what = cap.Split('.')[1];
        var changes = patch is not ConfigMap map ? new ConfigMap("", patch.Line, [new(what, patch)])
            : new ConfigMap(map.Path, map.Line, [.. map.Entries.Select(change => change.Key == "limit" ? KeyValuePair.Create(what, change.Value) : change)]);
        var items = caps!.Items.ToArray();
        items[found] = Merge(items[found], changes);
        return Set(root, [section, id, "caps"], new ConfigList(caps.Path, caps.Line, items));
    }

    /// <summary>The same node moved to another path, with everything under it.</summary>
    public static ConfigNode At(ConfigNode node, string path)
    {
        if (node.Path == path) return node;
        return node switch
        {
            ConfigMap map => new ConfigMap(path, map.Line, [.. map.Entries.Select(entry =>
                KeyValuePair.Create(entry.Key, At(entry.Value, ConfigErrors.At(path, entry.Key))))]),
            ConfigList list => new ConfigList(path, list.Line, [.. list.Items.Select((item, index) => At(item, ConfigErrors.At(path, index)))]),
            ConfigText text => text with { Path = path },
            _ => new ConfigNull(path, node.Line),
        };
    }
}
