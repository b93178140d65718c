using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Connectors;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>with</c> of an sftp endpoint: whose server, which folder, what kind of file and how often.</summary>
internal static class SftpWith
{
    private const int NameChars = 200;
    private static readonly MapKeys Keys = new(["host", "port", "user", "key", "host_key", "folder", "format", "every"]);
    private static readonly TimeSpan LeastEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MostEvery = TimeSpan.FromDays(7);

    public static EndpointModel Read(EndpointModel endpoint, ConfigNode node, bool whole, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (MapReader.Open(node, Keys, errors) is not { } map) return endpoint;
        ConfigNode? Needed(string key, string what) => whole ? map.Required(key, what, errors) : map[key];
        var before = endpoint.Sftp;
        var host = Needed("host", "the name of the buyer's server") is { } hostNode ? Host(hostNode, draft) : before?.Host;
        var user = Needed("user", "whom the server knows us as") is { } userNode ? Word(userNode, errors) : before?.User;
        var folder = Needed("folder", "where files are put") is { } folderNode ? Word(folderNode, errors) : before?.Folder;
        var secret = Needed("key", "the name of the secret that holds our private key, as { secret: NAME }") is { } keyNode ? WithReader.SecretName(keyNode, draft) : endpoint.SecretName;
        var port = map["port"] is { } portNode ? Port(portNode, errors) : before?.Port;
        var format = map["format"] is { } formatNode ? ValueReader.Word(formatNode, [("csv", FileFormat.Csv), ("json", FileFormat.Json)], errors) : before?.Format;
        var every = map["every"] is { } everyNode ? Every(everyNode, errors) : before?.Every;
        // Another server has other keys.
        var keys = map["host_key"] is { } pinNode ? HostKeys(pinNode, errors) : map["host"] is null && map["port"] is null ? before?.HostKeys ?? [] : [];
        if (map["host_key"] is null && whole)
            errors.Warn(map.At("host_key"), ConfigCodes.NoHostKey, "Without `host_key` the first server that answers is trusted and remembered; pin it as \"SHA256:…\" (ssh-keyscan HOST | ssh-keygen -lf -).");
        return host is null || user is null || folder is null ? endpoint : endpoint with
        {
            SecretName = secret ?? endpoint.SecretName,
            Sftp = new()
            {
                Host = host, Port = port ?? SftpModel.UsualPort, User = user, Folder = folder, Format = format ?? FileFormat.Csv, Every = every ?? SftpModel.UsualEvery, HostKeys = keys,
            },
        };
    }

    private static string? Host(ConfigNode node, CatalogDraft draft)
    {
        if (Word(node, draft.Errors) is not { } host) return null;
        if (Uri.CheckHostName(host) is UriHostNameType.Unknown or UriHostNameType.Basic)
            draft.Errors.Add(node.Path, ConfigCodes.InvalidFormat, "This is a server's name, as sftp.example.com, without a scheme, a user or a path.");
        // The same names and addresses as of any buyer's URL.
        else if (draft.Refusal(new UriBuilder("https", host).Uri) is { } refusal) draft.Errors.Add(node.Path, ConfigCodes.InvalidUrl, refusal);
        else return host;
        return null;
    }

    /// <summary>What is not SSH's own port is one that no system service of somebody else listens on.</summary>
    private static int? Port(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Number(node, 1, 65_535, errors) is not { } port) return null;
        if (port is SftpModel.UsualPort or >= 1024) return (int)port;
        errors.Add(node.Path, ConfigCodes.OutOfRange, "An SSH server's port is 22, or 1024 and above.");
        return null;
    }

    private static string? Word(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Text(node, errors) is not { } text) return null;
        if (text.Length <= NameChars && !text.Any(char.IsControl)) return text;
        errors.Add(node.Path, ConfigCodes.InvalidFormat, $"This is one line of at most {NameChars} characters.");
        return null;
    }

    private static TimeSpan? Every(ConfigNode node, ConfigErrors errors)
    {
        if (ValueReader.Duration(node, errors) is not { } every) return null;
        if (every >= LeastEvery && every <= MostEvery) return every;
        errors.Add(node.Path, ConfigCodes.OutOfRange, "Files are written every 1s to 7d.");
        return null;
    }

    private static string[] HostKeys(ConfigNode node, ConfigErrors errors)
    {
        var texts = node is ConfigList ? ValueReader.Texts(node, errors) : ValueReader.Text(node, errors) is null ? [] : [(ConfigText)node];
        var keys = new List<string>();
        foreach (var text in texts)
        {
            const string prefix = "SHA256:";
            var hash = text.Text.StartsWith(prefix, StringComparison.Ordinal) ? text.Text[prefix.Length..].TrimEnd('=') : "";
            if (hash.Length == 43 && Convert.TryFromBase64String(hash + "=", new byte[32], out var length) && length == 32) keys.Add(hash);
            else errors.Add(text.Path, ConfigCodes.InvalidFormat, "A host key is written as its fingerprint, \"SHA256:\" and 43 letters (ssh-keyscan HOST | ssh-keygen -lf -).");
        }
        return [.. keys];
    }
}
