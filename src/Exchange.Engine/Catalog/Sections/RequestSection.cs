using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Connectors;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>REQUEST of a connector: what is sent, after <c>common</c> is merged in by name, and how the reply is read.</summary>
internal static class RequestSection
{
    private const string DefaultMethod = "POST";
    private static readonly string[] Bodies = ["form", "json", "xml", "text"];
    private static readonly MapKeys Keys = new(["method", "url", "headers", "query", .. Bodies, "auth", "reply"]);
    private static readonly MapKeys AuthKeys = new(["basic", "bearer", "oauth2"]);
    private static readonly MapKeys BasicKeys = new(["user", "password"]);
    private static readonly MapKeys OAuth2Keys = new(["token_url", "client_id", "client_secret", "scope"]);
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    /// <summary>Headers that belong to the connection, and what they would say is ours to know.</summary>
    private static readonly string[] OwnHeaders =
        ["host", "content-length", "transfer-encoding", "connection", "keep-alive", "expect", "upgrade", "te", "trailer", "content-encoding", "accept-encoding", "proxy-authorization"];

    public static RequestModel? Read(ConfigNode? common, ConfigNode node, RequestPhase phase, RequestScope scope)
    {
        var errors = scope.Errors;
        if (common is not null && MapReader.Open(common, Keys, errors) is null || MapReader.Open(node, Keys, errors) is null) return null;
        var merged = RequestMerge.Of(common as ConfigMap, (ConfigMap)node);
        if (MapReader.Open(merged, Keys, new()) is not { } map) return null;
        var templates = new RequestTemplates(phase, scope);

        var method = map["method"] is { } methodNode ? ValueReader.Text(methodNode, errors) : DefaultMethod;
        if (method is not null && !Methods.Contains(method, StringComparer.Ordinal))
            errors.Add(map["method"]!.Path, ConfigCodes.UnknownValue, Nearest.Fix("This place takes one of a few words", method, Methods, errors));
        var url = map.Required("url", "where it is sent, as \"https://{{ with.host }}/ping\"", errors) is { } urlNode ? Url(urlNode, templates, scope) : null;
        var headers = map["headers"] is { } headersNode ? templates.Named(headersNode, (name, path) => IsHeader(name, path, errors)) : [];
        var query = map["query"] is { } queryNode ? templates.Named(queryNode) : [];
        var body = Body(map, method, templates, errors);
        var auth = map["auth"] is { } authNode ? Auth(authNode, templates, errors) : null;
        var reply = map["reply"];
        var read = new ReplySection(scope);
        var bids = phase == RequestPhase.Ping ? read.Ping(reply, map.At("reply")) : null;
        var answer = phase is RequestPhase.Post or RequestPhase.Check ? read.Post(reply, map.At("reply"), phase) : null;
        if (phase == RequestPhase.Lost && ((ConfigMap)node).Find("reply") is { } stray)
            errors.Add(stray.Path, ConfigCodes.MisplacedKey, "A loser's answer is not read; take `reply` out.");
        if (url is null || method is null) return null;
        return new()
        {
            Phase = phase, Method = method, Url = url, Headers = headers, Query = query, Body = body, Auth = auth, Bids = bids, Answer = answer, Fields = templates.Fields,
            ReadsBid = templates.ReadBid, ReplyHeaders = [.. read.Headers],
        };
    }

    /// <summary>The names under which a ping's reply carries something.</summary>
    public static IReadOnlySet<string> CarriedNames(ConfigNode? common, ConfigNode? ping) =>
        ((ConfigNode?[])[common, ping]).SelectMany(node => (ConfigPatch.Find(node ?? new ConfigMap("", 0, []), "reply", "carry") as ConfigMap)?.Entries ?? [])
            .Select(entry => entry.Key).ToHashSet(StringComparer.Ordinal);

    private static Template? Url(ConfigNode node, RequestTemplates templates, RequestScope scope)
    {
        var url = templates.Read(node);
        // Where it is filled in, it is judged at each call.
        if (url is null || url.Reads.Count > 0) return url;
        if (!Uri.TryCreate(url.Text, UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http"))
            scope.Errors.Add(node.Path, ConfigCodes.InvalidUrl, "An address is absolute and starts with https://.");
        else if (scope.Draft.Refusal(address) is { } refusal) scope.Errors.Add(node.Path, ConfigCodes.InvalidUrl, refusal);
        return url;
    }

    private static bool IsHeader(string name, string path, ConfigErrors errors)
    {
        if (name.Length == 0 || name.Length > 100 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            errors.Add(path, ConfigCodes.InvalidFormat, "A header's name is letters, digits and hyphens.");
        else if (OwnHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
            errors.Add(path, ConfigCodes.ReservedName, "This header is set by the exchange itself; take it out.");
        else return true;
        return false;
    }

    private static BodyModel? Body(MapReader map, string? method, RequestTemplates templates, ConfigErrors errors)
    {
        var given = Bodies.Select(kind => (Kind: kind, Node: map[kind])).Where(body => body.Node is not null).ToArray();
        if (given.Length == 0) return null;
        if (given.Length > 1)
        {
            errors.Add(given[1].Node!.Path, ConfigCodes.Conflict, $"A request has one body, and this one has `{given[0].Kind}` too; keep one.");
            return null;
        }
        var (kind, node) = given[0];
        if (method == "GET")
        {
            errors.Add(node!.Path, ConfigCodes.Conflict, "A GET has no body; write `query` instead, or another `method`.");
            return null;
        }
        return kind switch
        {
            "form" => new FormBody(templates.Named(node!)),
            "json" => templates.Json(node!) is { } root ? new JsonBody(root) : null,
            _ => templates.Read(node!) is { } text ? new TextBody(text, kind == "xml") : null,
        };
    }

    private static AuthModel? Auth(ConfigNode node, RequestTemplates templates, ConfigErrors errors)
    {
        if (MapReader.Open(node, AuthKeys, errors) is not { } map) return null;
        var given = AuthKeys.Names.Where(key => map[key] is not null).ToArray();
        if (given.Length != 1)
        {
            errors.Add(node.Path, given.Length == 0 ? ConfigCodes.MissingKey : ConfigCodes.Conflict, "`auth` is one of basic, bearer and oauth2.");
            return null;
        }
        if (given[0] == "bearer") return templates.Read(map["bearer"]!) is { } token ? new BearerAuth(token) : null;
        if (given[0] == "basic")
        {
            if (MapReader.Open(map["basic"]!, BasicKeys, errors) is not { } basic) return null;
            var user = basic.Required("user", "the user's name", errors) is { } userNode ? templates.Read(userNode) : null;
            var password = basic.Required("password", "the password, as \"{{ with.password }}\"", errors) is { } passwordNode ? templates.Read(passwordNode) : null;
            return user is null || password is null ? null : new BasicAuth(user, password);
        }
        if (MapReader.Open(map["oauth2"]!, OAuth2Keys, errors) is not { } oauth) return null;
        Template? Own(string key, string what) => oauth.Required(key, what, errors) is { } own ? templates.Read(own, onlyWith: true) : null;
        var (url, id, secret) = (Own("token_url", "where tokens are fetched"), Own("client_id", "who we are there"), Own("client_secret", "as \"{{ with.client_secret }}\""));
        var scope = oauth["scope"] is { } scopeNode ? templates.Read(scopeNode, onlyWith: true) : null;
        return url is null || id is null || secret is null ? null : new OAuth2Auth(url, id, secret, scope);
    }
}

/// <summary>What the requests of one connector have in common while they are read.</summary>
/// <param name="WithNames">What <c>with</c> can give.</param>
/// <param name="Carried">What a ping's reply carries; null: there is no ping.</param>
internal sealed record RequestScope(
    CatalogDraft Draft, ConfigErrors Errors, IReadOnlyDictionary<string, ValueMap> Maps, IReadOnlyCollection<string> WithNames, IReadOnlySet<string>? Carried);
