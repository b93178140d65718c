namespace Exchange.Engine.Catalog.Reading;

/// <summary>The keys that a map may have; any other is refused, so that nobody believes that a rule holds which is not kept.</summary>
internal sealed class MapKeys(string[] names)
{
    public IReadOnlyList<string> Names { get; } = names;
}

/// <summary>A map whose keys were checked. Every error names the key's own path.</summary>
internal sealed class MapReader
{
    private readonly ConfigMap map;

    private MapReader(ConfigMap map) => this.map = map;

    public string Path => map.Path;

    public ConfigNode? this[string key] => map.Find(key);

    public string At(string key) => ConfigErrors.At(map.Path, key);

    /// <summary>Null with <c>wrong_type</c> if it is not a map.</summary>
    public static MapReader? Open(ConfigNode node, MapKeys keys, ConfigErrors errors)
    {
        if (Map(node, errors) is not { } map) return null;
        foreach (var (key, value) in map.Entries)
        {
            if (!keys.Names.Contains(key, StringComparer.Ordinal))
                errors.Add(value.Path, ConfigCodes.UnknownKey, Nearest.Fix("The catalog has no such key here", key, keys.Names, errors));
        }
        return new(map);
    }

    /// <summary>A map whose keys are names given by its author.</summary>
    public static ConfigMap? Map(ConfigNode node, ConfigErrors errors)
    {
        if (node is ConfigMap map) return map;
        errors.Add(node.Path, ConfigCodes.WrongType, node is ConfigNull or ConfigText { Text: "" }
            ? "This needs a map of keys and values; write {} for an empty one or leave the key out."
            : $"This needs a map of keys and values, not {node.Kind}.");
        return null;
    }

    /// <summary>The value of a key that must be there, or null with <c>missing_key</c>.</summary>
    public ConfigNode? Required(string key, string what, ConfigErrors errors)
    {
        if (map.Find(key) is { } node) return node;
        errors.Add(At(key), ConfigCodes.MissingKey, $"`{key}` is required: {what}.");
        return null;
    }
}
