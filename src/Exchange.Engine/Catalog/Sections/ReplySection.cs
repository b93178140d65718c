using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Connectors;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>reply</c> of a request: what in it is a bid, a yes, a no.</summary>
internal sealed class ReplySection(RequestScope scope)
{
    private static readonly (string Key, AttemptKind Kind)[] Verdicts =
    [
        ("accepted_when", AttemptKind.Accepted), ("duplicate_when", AttemptKind.Duplicate), ("pending_when", AttemptKind.Pending),
        ("retry_when", AttemptKind.RetryLater), ("rejected_when", AttemptKind.Rejected),
    ];
    private static readonly MapKeys PingKeys = new(["format", "bid_when", "price", "currency", "expires_in", "sharing", "seller", "carry", "reason", "each"]);
    private static readonly MapKeys PostKeys = new(["format", .. Verdicts.Select(verdict => verdict.Key), "price", "redirect_url", "ref", "reason"]);
    private static readonly MapKeys ReadKeys = new(["at", "matches", "map"]);
    private static readonly (string, ReplyFormat)[] Formats = [("json", ReplyFormat.Json), ("xml", ReplyFormat.Xml), ("form", ReplyFormat.Form), ("text", ReplyFormat.Text)];

    private readonly HashSet<string> headers = new(StringComparer.Ordinal);

    private ConfigErrors Errors => scope.Errors;

    /// <summary>Headers that were asked for, in lower case.</summary>
    public IReadOnlyCollection<string> Headers => headers;

    public PingReply? Ping(ConfigNode? node, string path)
    {
        if (Open(node, path, PingKeys, PostKeys) is not { } map) return null;
        var when = Condition(map, "bid_when");
        var price = Read(map, "price");
        if (map["bid_when"] is null && map["price"] is null)
            Errors.Add(map.At("bid_when"), ConfigCodes.MissingKey, "A ping's reply needs `bid_when`, `price`, or both: what in it is a bid.");
        var each = map["each"] is { } eachNode ? Path(eachNode, mayBeMany: true) : null;
        if (each is not null && !each.IsInside) Errors.Add(map["each"]!.Path, ConfigCodes.InvalidFormat, "`each` is a place inside the reply, as bids.bid or Result.Bid*.");
        var carry = new List<KeyValuePair<string, ReplyRead>>();
        if (map["carry"] is { } carryNode && MapReader.Map(carryNode, Errors) is { } carried)
        {
            foreach (var (name, read) in carried.Entries)
                if (WithReader.IsName(name, read.Path, Errors) && Read(read) is { } value) carry.Add(new(name, value));
        }
        return new()
        {
            Format = Format(map), BidWhen = when, Price = price, Currency = Read(map, "currency"), ExpiresIn = Read(map, "expires_in"), Sharing = Read(map, "sharing"),
            Seller = Read(map, "seller"), Carry = carry, Reason = Read(map, "reason"), Each = each,
        };
    }

    public PostReply? Post(ConfigNode? node, string path, RequestPhase phase)
    {
        if (Open(node, path, PostKeys, PingKeys) is not { } map) return null;
        var rules = new List<KeyValuePair<AttemptKind, ReplyCondition>>();
        foreach (var (key, kind) in Verdicts) if (Condition(map, key) is { } condition) rules.Add(new(kind, condition));
        if (map["accepted_when"] is null && (phase == RequestPhase.Post || map["rejected_when"] is null))
            Errors.Add(map.At("accepted_when"), ConfigCodes.MissingKey, phase == RequestPhase.Post
                ? "A post's reply needs `accepted_when`: without it nothing is ever sold, only in doubt."
                : "A check's reply needs `accepted_when` or `rejected_when`: without them it ends no doubt.");
        return new() { Format = Format(map), Rules = rules, Price = Read(map, "price"), RedirectUrl = Read(map, "redirect_url"), Ref = Read(map, "ref"), Reason = Read(map, "reason") };
    }

    /// <summary>Its own keys are checked; those that came from <c>common</c> and belong to another phase are passed over.</summary>
    private MapReader? Open(ConfigNode? node, string path, MapKeys keys, MapKeys others)
    {
        if (node is null)
        {
            Errors.Add(path, ConfigCodes.MissingKey, "`reply` is required: how the answer is read.");
            return null;
        }
        if (MapReader.Map(node, Errors) is not { } map) return null;
        var known = new MapKeys([.. keys.Names, .. others.Names]);
        MapReader.Open(map, known, Errors);
        foreach (var (key, value) in map.Entries)
            if (!keys.Names.Contains(key) && others.Names.Contains(key) && value.Path == ConfigErrors.At(path, key))
                Errors.Add(value.Path, ConfigCodes.MisplacedKey, $"`{key}` belongs to another request's reply; here are {string.Join(", ", keys.Names)}.");
        return MapReader.Open(new ConfigMap(path, map.Line, [.. map.Entries.Where(entry => keys.Names.Contains(entry.Key))]), keys, new());
    }

    private ReplyFormat? Format(MapReader map) => map["format"] is { } node ? ValueReader.Word(node, Formats, Errors) : null;

    private ReplyCondition? Condition(MapReader map, string key)
    {
        if (map[key] is not { } node || ReplyConditionCompiler.Compile(node, scope.Draft.Lists.GetValueOrDefault, Errors) is not { } condition) return null;
        foreach (var path in condition.Paths) Note(path);
        return condition;
    }

    private ReplyRead? Read(MapReader map, string key) => map[key] is { } node ? Read(node) : null;

    private ReplyRead? Read(ConfigNode node)
    {
        var places = (node is ConfigList list ? ValueReader.List(list, Errors)?.Items ?? [] : [node]).Select(Place).ToArray();
        return places.Length == 0 || Array.Exists(places, place => place is null) ? null : new(places!);
    }

    private ReplyPlace? Place(ConfigNode node)
    {
        if (node is not ConfigMap) return Path(node) is { } alone ? new(alone, null, null) : null;
        if (MapReader.Open(node, ReadKeys, Errors) is not { } map) return null;
        var path = map.Required("at", "a place in the reply, as response.price", Errors) is { } at ? Path(at) : null;
        System.Text.RegularExpressions.Regex? regex = null;
        if (map["matches"] is { } matches && ValueReader.Text(matches, Errors) is { } pattern && !BoundedRegex.TryCreate(pattern, out regex, out var problem))
            Errors.Add(matches.Path, ConditionErrors.InvalidValue, $"The regular expression is refused: {problem}.");
        ValueMap? words = null;
        if (map["map"] is { } mapNode && ValueReader.Text(mapNode, Errors) is { } name && !scope.Maps.TryGetValue(name, out words))
            Errors.Add(mapNode.Path, ConfigCodes.UnknownMap, Nearest.Fix("The connector has no such map; add it under its `maps`", name, scope.Maps.Keys, Errors));
        return path is null ? null : new(path, regex, words);
    }

    private ReplyPath? Path(ConfigNode node, bool mayBeMany = false)
    {
        var path = ReplyConditionCompiler.PathOf(node, Errors, mayBeMany);
        if (path is not null) Note(path);
        return path;
    }

    private void Note(ReplyPath path)
    {
        if (path.Header is not null) headers.Add(path.Header);
    }
}
