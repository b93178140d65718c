using System.Collections.Frozen;
using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>The values that an endpoint gives its connector: texts, or secrets by name.</summary>
internal static class WithReader
{
    private const int NameChars = 63;
    private static readonly MapKeys SecretKeys = new(["secret"]);

    public static FrozenDictionary<string, WithValue> Read(ConfigNode node, CatalogDraft draft)
    {
        var values = new Dictionary<string, WithValue>(StringComparer.Ordinal);
        foreach (var (name, value) in MapReader.Map(node, draft.Errors)?.Entries ?? [])
            if (IsName(name, value.Path, draft.Errors) && Value(value, draft) is { } read) values[name] = read;
        return values.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>What templates can name: a letter, then letters, digits and underscores.</summary>
    public static bool IsName(string name, string path, ConfigErrors errors)
    {
        if (name.Length is > 0 and <= NameChars && char.IsAsciiLetter(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')) return true;
        errors.Add(path, ConfigCodes.InvalidFormat, $"A name that templates read is 1 to {NameChars} letters, digits and underscores, and starts with a letter.");
        return false;
    }

    private static WithValue? Value(ConfigNode node, CatalogDraft draft)
    {
        if (node is ConfigMap) return SecretName(node, draft) is { } secret ? new WithValue(null, secret) : null;
        return ValueReader.Text(node, draft.Errors) is { } text ? new WithValue(text, null) : null;
    }

    /// <summary><c>{ secret: NAME }</c>.</summary>
    public static string? SecretName(ConfigNode node, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (node is ConfigText)
        {
            errors.Add(node.Path, ConfigCodes.SecretInFile, "A secret is never in the file: set it with PUT /v1/admin/secrets/NAME and write { secret: NAME }.");
            return null;
        }
        if (MapReader.Open(node, SecretKeys, errors) is not { } map || map.Required("secret", "the name of a secret", errors) is not { } nameNode) return null;
        if (ValueReader.Text(nameNode, errors) is not { } name || !ValueReader.IsId(name, nameNode.Path, errors)) return null;
        if (draft.MayKnowSecret(name)) return name;
        errors.Add(nameNode.Path, ConfigCodes.UnknownSecret, Nearest.Fix("There is no secret of this name; set it with PUT /v1/admin/secrets/NAME first", name, draft.Options.KnownSecrets!, errors));
        return null;
    }
}
