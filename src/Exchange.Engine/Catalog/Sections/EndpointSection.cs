using System.Collections.Frozen;
using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>endpoints</c> of a buyer: where its copies go.</summary>
internal static class EndpointSection
{
    public const string Inbox = "inbox";

    private static readonly MapKeys Keys = new(["name", "note", "connector", "with", "timeout"], "limits", "test", "repeatable", "price_at_post", "duplicate_after_doubt");
    private static readonly MapKeys TimeoutKeys = new(["ping", "post"]);
    private static readonly MapKeys CallKeys = new(["url", "secret"]);
    private static readonly MapKeys NoKeys = new([]);
    private static readonly MapKeys SecretKeys = new(["secret"]);
    private static readonly (string, ConnectorKind)[] Connectors = [(Inbox, ConnectorKind.Inbox), ("webhook", ConnectorKind.Webhook), ("native", ConnectorKind.Native)];
    private static readonly string[] LaterConnectors = ["email", "sftp", "grpc"];
    private static readonly TimeSpan UsualPostTimeout = TimeSpan.FromSeconds(10);

    public static FrozenDictionary<string, EndpointModel> Read(ConfigNode? node, CatalogDraft draft)
    {
        var endpoints = new Dictionary<string, EndpointModel>(StringComparer.Ordinal)
        {
            [Inbox] = new(Inbox, ConnectorKind.Inbox, null, null, UsualPostTimeout),
        };
        if (node is not null && MapReader.Map(node, draft.Errors) is { } map)
            foreach (var (name, entry) in map.Entries) if (Endpoint(name, entry, draft) is { } endpoint) endpoints[name] = endpoint;
        return endpoints.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static EndpointModel? Endpoint(string name, ConfigNode node, CatalogDraft draft)
    {
        var errors = draft.Errors;
        ValueReader.IsId(name, node.Path, errors);
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        draft.NameOf(map, name);
        var timeout = UsualPostTimeout;
        if (map["timeout"] is { } timeoutNode && MapReader.Open(timeoutNode, TimeoutKeys, errors) is { } times)
        {
            if (times["ping"] is { } ping) ValueReader.Duration(ping, errors);
            if (times["post"] is { } post)
            {
                timeout = ValueReader.Duration(post, errors) ?? timeout;
                if (timeout.TotalMilliseconds > Limits.BuyerPostTimeoutMs)
                    errors.Add(post.Path, ConfigCodes.OutOfRange, $"A buyer is waited for at most {Limits.BuyerPostTimeoutMs / 1000} s; its later answer is asked for again.");
            }
        }
        if (map.Required("connector", "inbox, webhook or native", errors) is not { } connectorNode || Connector(connectorNode, draft) is not { } connector) return null;
        if (name == Inbox && connector != ConnectorKind.Inbox)
            errors.Add(node.Path, ConfigCodes.ReservedName, "`inbox` is the endpoint that every buyer has; give this one another name.");
        if (connector == ConnectorKind.Inbox)
        {
            if (map["with"] is { } nothing) MapReader.Open(nothing, NoKeys, errors);
            return new(name, connector, null, null, timeout);
        }
        if (map.Required("with", "{ url: \"https://…\", secret: { secret: NAME } }", errors) is not { } with || MapReader.Open(with, CallKeys, errors) is not { } call) return null;
        var url = call.Required("url", "where it is called", errors) is { } urlNode ? Url(urlNode, draft) : null;
        var secret = call.Required("secret", "the name of the secret that signs its calls, as { secret: NAME }", errors) is { } secretNode ? SecretName(secretNode, draft) : null;
        return new(name, connector, url, secret, timeout);
    }

    private static ConnectorKind? Connector(ConfigNode node, CatalogDraft draft)
    {
        // A connector of the file's own section is known to the format; the section itself is refused as not supported.
        if (node is ConfigText { Text: var name } && draft.Declared["connectors"].ContainsKey(name))
        {
            MapReader.NotYet(node.Path, draft.Errors);
            return null;
        }
        return ValueReader.Word(node, Connectors, draft.Errors, LaterConnectors);
    }

    private static Uri? Url(ConfigNode node, CatalogDraft draft)
    {
        if (ValueReader.Text(node, draft.Errors) is not { } text) return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http") || url.Host.Length == 0)
        {
            draft.Errors.Add(node.Path, ConfigCodes.InvalidUrl, "An address is absolute and starts with https://.");
            return null;
        }
        if (url.UserInfo.Length > 0)
        {
            draft.Errors.Add(node.Path, ConfigCodes.SecretInFile, "No user or password in an address; set a secret and name it with { secret: NAME }.");
            return null;
        }
        if (draft.Refusal(url) is { } refusal)
        {
            draft.Errors.Add(node.Path, ConfigCodes.InvalidUrl, refusal);
            return null;
        }
        return url;
    }

    private static string? SecretName(ConfigNode node, CatalogDraft draft)
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
