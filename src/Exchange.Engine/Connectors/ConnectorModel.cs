using System.Collections.Frozen;
using Exchange.Engine.Catalog;

namespace Exchange.Engine.Connectors;

/// <summary>The shape of somebody's API, compiled from the catalog's <c>connectors</c>.</summary>
public sealed class ConnectorModel
{
    public required string Id { get; init; }
    /// <summary>Names that the <c>with</c> of an endpoint must give.</summary>
    public required IReadOnlyList<string> Needs { get; init; }
    /// <summary>What <c>with</c> may leave out.</summary>
    public required FrozenDictionary<string, WithValue> Defaults { get; init; }
    /// <summary>Our words to theirs, by the map's name.</summary>
    public required FrozenDictionary<string, ValueMap> Maps { get; init; }
    /// <summary>Asks for a bid; null: nobody can bid live through it.</summary>
    public RequestModel? Ping { get; init; }
    public required RequestModel Post { get; init; }
    /// <summary>Asks what became of a post; null: nobody can be asked.</summary>
    public RequestModel? Check { get; init; }
    /// <summary>Tells a loser; null: losers hear nothing.</summary>
    public RequestModel? Lost { get; init; }
    /// <summary>Whether its buyer is told of a sold copy what was bid for it.</summary>
    public bool ReadsBid => Post.ReadsBid || Check?.ReadsBid == true;

    public override string ToString() => Id;
}

/// <summary>Our words to theirs. A word that is not in it stays as it is; both sides are compared without case.</summary>
public sealed class ValueMap
{
    private readonly FrozenDictionary<string, string> theirs;
    private readonly FrozenDictionary<string, string> ours;

    /// <param name="pairs">Ours, theirs. Where two of ours are one of theirs, the first comes back.</param>
    public ValueMap(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var (there, back) = (new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase), new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase));
        foreach (var (our, their) in pairs)
        {
            there.TryAdd(our, their);
            back.TryAdd(their, our);
        }
        theirs = there.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        ours = back.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    public string Theirs(string our) => theirs.GetValueOrDefault(our, our);
    public string Ours(string their) => ours.GetValueOrDefault(their, their);
}

/// <summary>What is asked of a buyer, and so what a template may read.</summary>
public enum RequestPhase { Ping, Post, Check, Lost }

/// <summary>One request with the reading of its reply.</summary>
public sealed class RequestModel
{
    public required RequestPhase Phase { get; init; }
    /// <summary>GET, POST, PUT, PATCH or DELETE.</summary>
    public required string Method { get; init; }
    public required Template Url { get; init; }
    public IReadOnlyList<NamedTemplate> Headers { get; init; } = [];
    public IReadOnlyList<NamedTemplate> Query { get; init; } = [];
    public BodyModel? Body { get; init; }
    public AuthModel? Auth { get; init; }
    /// <summary>Set for pings.</summary>
    public PingReply? Bids { get; init; }
    /// <summary>Set for posts and checks.</summary>
    public PostReply? Answer { get; init; }
    /// <summary>The lead's fields that its templates read, with the template's place in the catalog: fields belong to a vertical, which the connector does not know.</summary>
    public IReadOnlyList<FieldRead> Fields { get; init; } = [];
    /// <summary>Whether one of its templates tells what was bid.</summary>
    public bool ReadsBid { get; init; }
    /// <summary>Names of the headers that the reading of the reply asks for.</summary>
    public IReadOnlyList<string> ReplyHeaders { get; init; } = [];
}

/// <summary>A template under the name by which it is sent.</summary>
public sealed record NamedTemplate(string Name, Template Value);

/// <summary>A field of the lead that a template reads, and where the template is written.</summary>
public sealed record FieldRead(string Field, string Path);

/// <summary>What is sent as the body.</summary>
public abstract record BodyModel;

public sealed record FormBody(IReadOnlyList<NamedTemplate> Fields) : BodyModel;

public sealed record JsonBody(JsonPart Root) : BodyModel;

/// <summary>XML or plain text, written by one template.</summary>
public sealed record TextBody(Template Text, bool IsXml) : BodyModel;

/// <summary>A part of a JSON body.</summary>
public abstract record JsonPart;

public sealed record JsonMap(IReadOnlyList<KeyValuePair<string, JsonPart>> Members) : JsonPart;

public sealed record JsonList(IReadOnlyList<JsonPart> Items) : JsonPart;

/// <summary>A text; where the template is one lone expression, whatever that comes to.</summary>
public sealed record JsonValue(Template Text) : JsonPart;

/// <summary>How a request says who sends it.</summary>
public abstract record AuthModel;

public sealed record BasicAuth(Template User, Template Password) : AuthModel;

public sealed record BearerAuth(Template Token) : AuthModel;

/// <summary>Client credentials (RFC 6749, 4.4): a token is fetched and kept until it is about to end.</summary>
public sealed record OAuth2Auth(Template TokenUrl, Template ClientId, Template ClientSecret, Template? Scope) : AuthModel;
