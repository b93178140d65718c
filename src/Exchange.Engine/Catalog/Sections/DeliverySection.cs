using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>delivery</c> of a campaign: to which of its buyer's endpoints, and when that makes the sale.</summary>
internal static class DeliverySection
{
    private static readonly MapKeys Keys = new(["sold", "send", "to", "retry_for"], "wait");
    private static readonly MapKeys EntryKeys = new(["endpoint"], "when", "wait");
    private static readonly TimeSpan UsualRetryFor = TimeSpan.FromHours(24);

    /// <param name="live">Who is asked for the bid: there the lead goes, and its answer makes the sale, unless the campaign says otherwise.</param>
    public static DeliveryModel? Read(ConfigNode? node, EndpointReader endpoints, EndpointModel? live, ConfigErrors errors)
    {
        var usual = live ?? endpoints.Inbox;
        var usually = live is null ? SoldWhen.OnPost : SoldWhen.OnAccept;
        if (node is null) return new(usually, false, [usual], UsualRetryFor);
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        SoldWhen? sold = map["sold"] is { } soldNode
            ? ValueReader.Word(soldNode, [("on_post", SoldWhen.OnPost), ("on_accept", SoldWhen.OnAccept)], errors) : usually;
        var sendAll = map["send"] is { } send && ValueReader.Word(send, [("first", false), ("all", true)], errors) == true;
        var retryFor = map["retry_for"] is { } retry ? ValueReader.Duration(retry, errors) : null;
        var to = new List<EndpointModel>();
        var written = map["to"] is { } toNode ? ValueReader.List(toNode, errors)?.Items ?? [] : null;
        if (written is null) to.Add(usual);
        else foreach (var item in written) Add(item, endpoints, to, errors);
        // An entry that could not be read was reported; whether it is a native one is not known.
        var whole = written is null || written.Count > 0 && written.Count == to.Count;
        if (sold == SoldWhen.OnAccept && whole && to is not [{ Connector: ConnectorKind.Native or ConnectorKind.Http or ConnectorKind.Grpc }, ..])
            errors.Add(map["to"]?.Path ?? map.At("to"), ConfigCodes.Conflict, "`sold: on_accept` needs an endpoint first in `to` whose answer can make a sale: native, grpc or a connector of the catalog; or write `sold: on_post`.");
        return sold is null ? null : new(sold.Value, sendAll, to, retryFor ?? UsualRetryFor);
    }

    private static void Add(ConfigNode item, EndpointReader endpoints, List<EndpointModel> to, ConfigErrors errors)
    {
        var at = item;
        if (item is ConfigMap)
        {
            if (MapReader.Open(item, EntryKeys, errors)?.Required("endpoint", "the name of an endpoint of the buyer", errors) is not { } named) return;
            at = named;
        }
        if (endpoints.Find(at) is not { } endpoint) return;
        if (to.Contains(endpoint)) errors.Add(at.Path, ConfigCodes.Repeated, "This endpoint is listed twice; keep one.");
        else to.Add(endpoint);
    }
}

/// <summary>Reads names of one buyer's endpoints.</summary>
/// <param name="declared">Its endpoints as written.</param>
internal sealed class EndpointReader(BuyerModel buyer, ConfigNode? declared, ConfigErrors errors)
{
    public EndpointModel Inbox => buyer.Endpoints[EndpointSection.Inbox];

    /// <summary>Null after <c>unknown_endpoint</c>; silently where the endpoint is itself wrong, which was reported where it is declared.</summary>
    public EndpointModel? Find(ConfigNode node)
    {
        if (ValueReader.Text(node, errors) is not { } name) return null;
        if (buyer.Endpoints.TryGetValue(name, out var endpoint)) return endpoint;
        if ((declared as ConfigMap)?.Find(name) is null)
            errors.Add(node.Path, ConfigCodes.UnknownEndpoint, Nearest.Fix("The buyer has no such endpoint", name, buyer.Endpoints.Keys, errors));
        return null;
    }
}
