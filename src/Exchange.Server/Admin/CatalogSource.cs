using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Grains.Intake;

namespace Exchange.Server.Admin;

/// <summary>
/// A catalog version as people see it. The tree is kept without its number; a file that is exported carries it, so that applying the file over a newer
/// one can be refused.
/// </summary>
internal static class CatalogSource
{
    private const string VersionKey = "version";

    public static ConfigMap Numbered(ConfigMap root, long version) =>
        new(root.Path, root.Line, [new(VersionKey, new ConfigText(VersionKey, 1, version.ToString(CultureInfo.InvariantCulture))), .. Without(root).Entries]);

    /// <summary>Takes the number off a file that came in. Null where it has none; an error where it is not a number.</summary>
    public static (ConfigNode Root, long? Version) TakeVersion(ConfigNode root, ConfigErrors errors)
    {
        if (root is not ConfigMap map || map.Find(VersionKey) is not { } node) return (root, null);
        if (node is ConfigText { Text: var text } && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version)) return (Without(map), version);
        errors.Add(VersionKey, "wrong_type", "version is the whole number that an export wrote here; leave it out otherwise.");
        return (Without(map), null);
    }

    private static ConfigMap Without(ConfigMap root) => new(root.Path, root.Line, [.. root.Entries.Where(entry => entry.Key != VersionKey)]);
}
