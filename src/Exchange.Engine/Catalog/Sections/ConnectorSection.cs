using System.Collections.Frozen;
using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Connectors;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>connectors</c>: the shapes of other people's APIs, as data.</summary>
internal static class ConnectorSection
{
    private static readonly MapKeys Keys = new(["name", "note", "needs", "defaults", "maps", "common", "ping", "post", "check", "lost"]);

    /// <summary>Names that mean an endpoint's own kind.</summary>
    private static readonly string[] BuiltIn = ["inbox", "native", "webhook", "email", "sftp", "grpc"];

    public static void Read(ConfigNode node, CatalogDraft draft)
    {
        if (MapReader.Map(node, draft.Errors) is not { } connectors) return;
        var read = (string id, ConfigNode entry) => Connector(id, entry, draft);
        foreach (var (id, entry) in connectors.Entries) draft.Takeover.Entry(draft.Connectors, id, entry, read, static connector => connector);
    }

    private static void Connector(string id, ConfigNode node, CatalogDraft draft)
    {
        var errors = draft.Errors;
        ValueReader.IsId(id, node.Path, errors);
        if (BuiltIn.Contains(id)) errors.Add(node.Path, ConfigCodes.ReservedName, $"`{id}` is built in; give this connector another name.");
        if (MapReader.Open(node, Keys, errors) is not { } map) return;
        draft.NameOf(map, id);
        var needs = map["needs"] is { } needsNode ? Needs(needsNode, errors) : [];
        var defaults = map["defaults"] is { } defaultsNode ? WithReader.Read(defaultsNode, draft) : FrozenDictionary<string, WithValue>.Empty;
        foreach (var name in needs.Where(defaults.ContainsKey))
            errors.Add(ConfigErrors.At(map.At("defaults"), name), ConfigCodes.Conflict, $"`{name}` is needed of every endpoint and has a default; keep one.");
        var maps = map["maps"] is { } mapsNode ? Maps(mapsNode, errors) : FrozenDictionary<string, ValueMap>.Empty;

        var postNode = map.Required("post", "the request that hands a lead over", errors);
        // What is wrong in `common` is wrong in each request that it is merged into; it is told once.
        var found = new ConfigErrors();
        var carried = RequestSection.CarriedNames(map["common"], map["ping"]);
        RequestModel? Request(ConfigNode? request, RequestPhase phase) => request is null ? null
            : RequestSection.Read(map["common"], request, phase, new(draft, found, maps, [.. needs, .. defaults.Keys], map["ping"] is null ? null : carried));

        var (ping, post, check, lost) = (Request(map["ping"], RequestPhase.Ping), Request(postNode, RequestPhase.Post), Request(map["check"], RequestPhase.Check), Request(map["lost"], RequestPhase.Lost));
        foreach (var error in found.Errors.Distinct()) errors.Add(error.Pointer, error.Code, error.Message);
        if (map["lost"] is { } lostNode && map["ping"] is null)
            errors.Add(lostNode.Path, ConfigCodes.MisplacedKey, "Only live bidders lose; `lost` needs a `ping`.");
        if (post is null) return;
        draft.Connectors[id] = new() { Id = id, Needs = needs, Defaults = defaults, Maps = maps, Ping = ping, Post = post, Check = check, Lost = lost };
    }

    private static string[] Needs(ConfigNode node, ConfigErrors errors)
    {
        var names = ValueReader.Texts(node, errors);
        foreach (var name in names) WithReader.IsName(name.Text, name.Path, errors);
        return [.. names.Select(name => name.Text)];
    }

    private static FrozenDictionary<string, ValueMap> Maps(ConfigNode node, ConfigErrors errors)
    {
        var maps = new Dictionary<string, ValueMap>(StringComparer.Ordinal);
        foreach (var (name, written) in MapReader.Map(node, errors)?.Entries ?? [])
        {
            WithReader.IsName(name, written.Path, errors);
            var pairs = new List<KeyValuePair<string, string>>();
            var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            foreach (var (ours, theirs) in MapReader.Map(written, errors)?.Entries ?? [])
            {
                if (ValueReader.Text(theirs, errors) is not { } text) continue;
                if (seen.Add(ours)) pairs.Add(new(ours, text));
                else errors.Add(theirs.Path, ConfigCodes.Repeated, "Words are compared without case; keep one of these.");
            }
            maps[name] = new(pairs);
        }
        return maps.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
