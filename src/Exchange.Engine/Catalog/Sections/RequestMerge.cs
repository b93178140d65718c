using Exchange.Engine.Catalog;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>
/// <c>common</c> merged into a request by name; where both say something, the request's own counts. Headers, query, form and the carried names are
/// merged entry by entry, JSON maps at every depth, a reply key by key; all else is replaced whole. What is written keeps its own path.
/// </summary>
internal static class RequestMerge
{
    public static ConfigMap Of(ConfigMap? common, ConfigMap own)
    {
        if (common is null) return own;
        return Merge(common, own, (key, theirs, ours) => key switch
        {
            "headers" or "query" or "form" => (theirs, ours) is (ConfigMap a, ConfigMap b) ? Merge(a, b, Replace) : ours,
            "json" => Deep(theirs, ours),
            "reply" => (theirs, ours) is (ConfigMap a, ConfigMap b)
                ? Merge(a, b, (name, shared, mine) => name == "carry" && (shared, mine) is (ConfigMap x, ConfigMap y) ? Merge(x, y, Replace) : mine) : ours,
            _ => ours,
        });
    }

    private static ConfigNode Deep(ConfigNode common, ConfigNode own) =>
        (common, own) is (ConfigMap a, ConfigMap b) ? Merge(a, b, (_, theirs, ours) => Deep(theirs, ours)) : own;

    private static ConfigNode Replace(string key, ConfigNode common, ConfigNode own) => own;

    /// <summary>In the order of what is common, what is new after it.</summary>
    private static ConfigMap Merge(ConfigMap common, ConfigMap own, Func<string, ConfigNode, ConfigNode, ConfigNode> both)
    {
        var entries = common.Entries.Select(entry => own.Find(entry.Key) is { } mine ? KeyValuePair.Create(entry.Key, both(entry.Key, entry.Value, mine)) : entry).ToList();
        entries.AddRange(own.Entries.Where(entry => common.Find(entry.Key) is null));
        return new(own.Path, own.Line, entries);
    }
}
