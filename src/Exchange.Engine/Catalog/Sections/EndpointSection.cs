using System.Collections.Frozen;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Connectors;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>endpoints</c> of a buyer: where its copies go and who is asked for live bids.</summary>
internal static class EndpointSection
{
    public const string Inbox = "inbox";

    private static readonly MapKeys Keys = new(
        ["name", "note", "connector", "with", "timeout", "limits", "test", "repeatable", "price_at_post", "duplicate_after_doubt"]);
    private static readonly MapKeys TimeoutKeys = new(["ping", "post", "adaptive"]);
    private static readonly MapKeys LimitKeys = new(["in_flight", "per_second", "per_minute"]);
    private static readonly MapKeys TestKeys = new(["with"]);
    private static readonly (string, ConnectorKind)[] Connectors =
        [(Inbox, ConnectorKind.Inbox), ("webhook", ConnectorKind.Webhook), ("native", ConnectorKind.Native),
        ("email", ConnectorKind.Email), ("sftp", ConnectorKind.Sftp), ("grpc", ConnectorKind.Grpc)];
    private static readonly TimeSpan UsualPostTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A mail server looks at what it gets before it answers, and a file has many leads.</summary>
    private static readonly TimeSpan UsualFileTimeout = TimeSpan.FromMilliseconds(Limits.BuyerPostTimeoutMs);

    /// <summary>Keys that need somebody who is called, and those that need an answer in words.</summary>
    private static readonly string[] OfAnswers = ["price_at_post", "duplicate_after_doubt"];
    private static readonly string[] OfCalls = ["timeout", "test", "repeatable", .. OfAnswers];

    public static FrozenDictionary<string, EndpointModel> Read(string buyer, ConfigNode? node, CatalogDraft draft)
    {
        var endpoints = new Dictionary<string, EndpointModel>(StringComparer.Ordinal)
        {
            [Inbox] = new(Inbox, ConnectorKind.Inbox, null, null, UsualPostTimeout) { Buyer = buyer },
        };
        if (node is not null && MapReader.Map(node, draft.Errors) is { } map)
            foreach (var (name, entry) in map.Entries) if (Endpoint(buyer, name, entry, draft) is { } endpoint) endpoints[name] = endpoint;
        return endpoints.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static EndpointModel? Endpoint(string buyer, string name, ConfigNode node, CatalogDraft draft)
    {
        var errors = draft.Errors;
        ValueReader.IsId(name, node.Path, errors);
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        draft.NameOf(map, name);
        if (map.Required("connector", "inbox, webhook, native, email, sftp, grpc or a connector of the catalog", errors) is not { } connectorNode) return null;
        if (Connector(connectorNode, draft) is not var (kind, shape)) return null;
        if (name == Inbox && kind != ConnectorKind.Inbox)
            errors.Add(node.Path, ConfigCodes.ReservedName, "`inbox` is the endpoint that every buyer has; give this one another name.");
        foreach (var key in kind switch { ConnectorKind.Inbox => OfCalls, ConnectorKind.Webhook or ConnectorKind.Email or ConnectorKind.Sftp => OfAnswers, _ => [] })
            if (map[key] is { } stray) errors.Add(stray.Path, ConfigCodes.MisplacedKey, $"`{key}` means nothing here: {(kind == ConnectorKind.Inbox ? "nobody is called" : kind == ConnectorKind.Webhook ? "a webhook's answer is its status alone" : "nobody answers a mail or a file")}. Take it out.");
        if (kind is ConnectorKind.Native or ConnectorKind.Grpc && map["price_at_post"] is { } unread && draft.RefusesWhatWasTaken)
            errors.Add(unread.Path, ConfigCodes.MisplacedKey, "`price_at_post` means nothing here: the answer to our own message names no price. Take it out.");
        var (ping, post, adaptive) = Timeouts(map["timeout"], kind is ConnectorKind.Email or ConnectorKind.Sftp ? UsualFileTimeout : UsualPostTimeout, errors);
        var endpoint = new EndpointModel(name, kind, null, null, post)
        {
            Buyer = buyer, PingTimeout = ping, AdaptivePing = adaptive, Shape = shape, Limits = map["limits"] is { } limits ? LimitsOf(limits, kind, draft) : EndpointLimits.None,
            Repeatable = map["repeatable"] is not { } repeatable || ValueReader.Boolean(repeatable, errors) != false,
            PriceAtPost = (map["price_at_post"] is { } price ? ValueReader.Word(price, [("ignore", PriceAtPost.Ignore), ("lower", PriceAtPost.Lower)], errors) : null) ?? PriceAtPost.Ignore,
            DuplicateAfterDoubt = (map["duplicate_after_doubt"] is { } duplicate
                ? ValueReader.Word(duplicate, [("ask", DuplicateAfterDoubt.Ask), ("accepted", DuplicateAfterDoubt.Accepted)], errors) : null) ?? DuplicateAfterDoubt.Ask,
        };
        var with = map["with"];
        if (shape is null && kind is not (ConnectorKind.Inbox or ConnectorKind.Grpc) && with is null)
        {
            map.Required("with", kind switch
            {
                ConnectorKind.Email => "{ to: leads@example.com }",
                ConnectorKind.Sftp => "{ host: sftp.example.com, user: NAME, key: { secret: NAME }, folder: leads }",
                _ => "{ url: \"https://…\", secret: { secret: NAME } }",
            }, errors);
            return null;
        }
        endpoint = EndpointWith.Read(endpoint, with, map.At("with"), whole: true, draft);
        if (map["test"] is not { } testNode || kind == ConnectorKind.Inbox || MapReader.Open(testNode, TestKeys, errors) is not { } test) return endpoint;
        // `test: {}`: tests go where all goes.
        return endpoint with { Test = test["with"] is { } other ? EndpointWith.Read(endpoint, other, other.Path, whole: false, draft) with { IsForTests = true } : endpoint };
    }

    private static (ConnectorKind Kind, ConnectorModel? Shape)? Connector(ConfigNode node, CatalogDraft draft)
    {
        if (node is ConfigText { Text: var name } && draft.Declared["connectors"].ContainsKey(name) && Connectors.All(known => known.Item1 != name))
        {
            // One that is itself wrong was reported where it is declared.
            return draft.Connectors.TryGetValue(name, out var shape) ? (ConnectorKind.Http, shape) : null;
        }
        if (node is ConfigText { Text: { Length: > 0 } unknown } && Connectors.All(known => known.Item1 != unknown))
        {
            draft.Errors.Add(node.Path, ConfigCodes.UnknownValue, Nearest.Fix(
                "There is no connector of this name", unknown, Connectors.Select(known => known.Item1).Concat(draft.Declared["connectors"].Keys), draft.Errors));
            return null;
        }
        return ValueReader.Word(node, Connectors, draft.Errors) is { } kind ? (kind, null) : null;
    }

    private static (TimeSpan Ping, TimeSpan Post, bool Adaptive) Timeouts(ConfigNode? node, TimeSpan usualPost, ConfigErrors errors)
    {
        var usual = new EndpointModel("", ConnectorKind.Http, null, null, usualPost).PingTimeout;
        if (node is null || MapReader.Open(node, TimeoutKeys, errors) is not { } map) return (usual, usualPost, false);
        return (Within("ping", usual, Limits.BuyerPingTimeoutMs), Within("post", usualPost, Limits.BuyerPostTimeoutMs),
            map["adaptive"] is { } adaptive && ValueReader.Boolean(adaptive, errors) == true);

        TimeSpan Within(string key, TimeSpan otherwise, int mostMs)
        {
            if (map[key] is not { } written || ValueReader.Duration(written, errors) is not { } time) return otherwise;
            if (time.TotalMilliseconds > mostMs)
                errors.Add(written.Path, ConfigCodes.OutOfRange, key == "post"
                    ? $"A buyer is waited for at most {mostMs / 1000} s; its later answer is asked for again." : $"A live bid is waited for at most {mostMs / 1000} s.");
            return time;
        }
    }

    private static EndpointLimits LimitsOf(ConfigNode node, ConnectorKind kind, CatalogDraft draft)
    {
        var errors = draft.Errors;
        if (MapReader.Open(node, LimitKeys, errors) is not { } map) return EndpointLimits.None;
        if (kind == ConnectorKind.Inbox && map["in_flight"] is { } stray)
            errors.Add(stray.Path, ConfigCodes.MisplacedKey, "Nobody is called: of an inbox `per_second` and `per_minute` say how often its buyer may pull it. Take it out.");
        foreach (var rate in (string[])["per_second", "per_minute"])
            if (kind == ConnectorKind.Grpc && map[rate] is { } unheeded && draft.RefusesWhatWasTaken)
                errors.Add(unheeded.Path, ConfigCodes.MisplacedKey, $"`{rate}` means nothing here: on a buyer's own stream only `in_flight` bounds what it is sent. Take it out.");
        return new(Number("in_flight", 10_000), Number("per_second", 100_000), Number("per_minute", 1_000_000));

        int? Number(string key, int most) => map[key] is { } written ? (int?)ValueReader.Number(written, 1, most, errors) : null;
    }
}
