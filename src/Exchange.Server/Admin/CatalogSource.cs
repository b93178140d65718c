using System.Globalization;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Grains.Intake;
using Exchange.Storage;

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

    /// <summary>As a role may see it: an admin exactly, anybody else with the people on its lists, phone numbers and e-mail addresses, masked like those of leads.</summary>
    public static ConfigMap For(KeyRole role, ConfigMap root)
    {
        if (role == KeyRole.Admin || root.Find("lists") is not ConfigMap lists) return root;
        ConfigNode shown = root;
        foreach (var (id, list) in lists.Entries)
        {
            if (ConfigPatch.Find(list, "type") is not ConfigText { Text: var name } || !FieldTypes.TryParse(name, out var type) || type is not (FieldType.Phone or FieldType.Email)) continue;
            if (ConfigPatch.Find(list, "values") is not ConfigList values) continue;
            ConfigNode[] masked = [.. values.Items.Select(value => value is ConfigText text ? text with { Text = Mask.Of(type, text.Text) } : value)];
            shown = ConfigPatch.Set(shown, ["lists", id, "values"], values with { Items = masked });
        }
        return (ConfigMap)shown;
    }

    private static ConfigMap Without(ConfigMap root) => new(root.Path, root.Line, [.. root.Entries.Where(entry => entry.Key != VersionKey)]);
}
