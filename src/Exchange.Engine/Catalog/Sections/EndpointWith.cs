using System.Collections.Frozen;
using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>with</c> of an endpoint, and of its <c>test</c>: what its connector asks for.</summary>
internal static class EndpointWith
{
    private static readonly MapKeys CallKeys = new(["url", "secret"]);
    private static readonly MapKeys NoKeys = new([]);

    /// <summary>The endpoint with what is written merged over what it has.</summary>
    /// <param name="at">Where <c>with</c> stands or would stand.</param>
    /// <param name="whole">All that is needed must be there; else only what differs.</param>
    public static EndpointModel Read(EndpointModel endpoint, ConfigNode? node, string at, bool whole, CatalogDraft draft) => endpoint.Connector switch
    {
        ConnectorKind.Inbox or ConnectorKind.Grpc => Nothing(endpoint, node, draft.Errors),
        ConnectorKind.Http => Named(endpoint, node, at, whole, draft),
        ConnectorKind.Email => EmailWith.Read(endpoint, node!, whole, draft),
        ConnectorKind.Sftp => SftpWith.Read(endpoint, node!, whole, draft),
        _ => Call(endpoint, node!, whole, draft),
    };

    private static EndpointModel Nothing(EndpointModel endpoint, ConfigNode? node, ConfigErrors errors)
    {
        if (node is not null) MapReader.Open(node, NoKeys, errors);
        return endpoint;
    }

    private static EndpointModel Call(EndpointModel endpoint, ConfigNode node, bool whole, CatalogDraft draft)
    {
        if (MapReader.Open(node, CallKeys, draft.Errors) is not { } map) return endpoint;
        var urlNode = whole ? map.Required("url", "where it is called", draft.Errors) : map["url"];
        var secretNode = whole ? map.Required("secret", "the name of the secret that signs its calls, as { secret: NAME }", draft.Errors) : map["secret"];
        return endpoint with
        {
            Url = (urlNode is null ? null : Url(urlNode, draft)) ?? endpoint.Url,
            SecretName = (secretNode is null ? null : WithReader.SecretName(secretNode, draft)) ?? endpoint.SecretName,
        };
    }

    private static EndpointModel Named(EndpointModel endpoint, ConfigNode? node, string at, bool whole, CatalogDraft draft)
    {
        var (errors, shape) = (draft.Errors, endpoint.Shape!);
        var given = node is null ? FrozenDictionary<string, WithValue>.Empty : WithReader.Read(node, draft);
        string[] known = [.. shape.Needs, .. shape.Defaults.Keys];
        foreach (var (name, value) in (node as ConfigMap)?.Entries ?? [])
            if (!known.Contains(name)) errors.Add(value.Path, ConfigCodes.UnknownKey, Nearest.Fix($"Connector {shape.Id} does not ask for `{name}`", name, known, errors));
        if (whole)
        {
            // What is there and wrong was reported as such.
            foreach (var name in shape.Needs.Where(name => (node as ConfigMap)?.Find(name) is null))
                errors.Add(ConfigErrors.At(at, name), ConfigCodes.MissingKey, $"`{name}` is required: connector {shape.Id} needs it, as a text or as {{ secret: NAME }}.");
        }
        var merged = new Dictionary<string, WithValue>(whole ? shape.Defaults : endpoint.With, StringComparer.Ordinal);
        foreach (var (name, value) in given) merged[name] = value;
        return endpoint with { With = merged.ToFrozenDictionary(StringComparer.Ordinal) };
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
}
