using Exchange.Engine.Catalog.Reading;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>delivery</c> of a campaign: to which of its buyer's endpoints, when, and when that makes the sale.</summary>
internal static class DeliverySection
{
    private static readonly MapKeys Keys = new(["sold", "send", "to", "retry_for", "wait"]);
    private static readonly MapKeys EntryKeys = new(["endpoint", "when", "wait"]);
    private static readonly TimeSpan UsualRetryFor = TimeSpan.FromHours(24);

    /// <param name="live">Who is asked for the bid: there the lead goes, and its answer makes the sale, unless the campaign says otherwise.</param>
    /// <param name="scope">What conditions and waits are about; null: the campaign's vertical is not known, and neither are read.</param>
    public static DeliveryModel? Read(ConfigNode? node, EndpointReader endpoints, EndpointModel? live, DeliveryScope? scope, ConfigErrors errors)
    {
        var usual = live ?? endpoints.Inbox;
        var usually = live is null ? SoldWhen.OnPost : SoldWhen.OnAccept;
        if (node is null) return new(usually, false, [new(usual, null, null)], UsualRetryFor) { Inbox = endpoints.Inbox };
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        SoldWhen? sold = map["sold"] is { } soldNode
            ? ValueReader.Word(soldNode, [("on_post", SoldWhen.OnPost), ("on_accept", SoldWhen.OnAccept)], errors) : usually;
        var sendAll = map["send"] is { } send && ValueReader.Word(send, [("first", false), ("all", true)], errors) == true;
        var retryFor = map["retry_for"] is { } retry ? ValueReader.Duration(retry, errors) : null;
        var wait = map["wait"] is { } waitNode && scope is not null ? WaitSection.Read(waitNode, scope, ofDelivery: true) : null;
        var written = map["to"] is { } toNode ? ValueReader.List(toNode, errors)?.Items ?? [] : null;
        var to = new List<Destination>();
        if (written is null) to.Add(new(usual, null, null));
        else foreach (var item in written) Add(item, endpoints, scope, to, errors);
        // An entry that could not be read was reported; what the others are together is then not known.
        if (written is null || written.Count > 0 && written.Count == to.Count) Check(map, sold, sendAll, to, errors);
        return sold is null ? null : new(sold.Value, sendAll, to, retryFor ?? UsualRetryFor) { Wait = wait, Inbox = endpoints.Inbox };
    }

    private static void Add(ConfigNode item, EndpointReader endpoints, DeliveryScope? scope, List<Destination> to, ConfigErrors errors)
    {
        var at = item;
        Condition? when = null;
        WaitModel? wait = null;
        if (item is ConfigMap)
        {
            if (MapReader.Open(item, EntryKeys, errors) is not { } entry) return;
            if (scope is not null)
            {
                when = entry["when"] is { } whenNode ? scope.Conditions.Read(whenNode) : null;
                wait = entry["wait"] is { } waitNode ? WaitSection.Read(waitNode, scope, ofDelivery: true) : null;
            }
            else if (entry["when"] is not null) when = Condition.Always;
            if (entry.Required("endpoint", "the name of an endpoint of the buyer", errors) is not { } named) return;
            at = named;
        }
        if (endpoints.Find(at) is not { } endpoint) return;
        if (to.Exists(known => known.Endpoint == endpoint)) errors.Add(at.Path, ConfigCodes.Repeated, "This endpoint is listed twice; keep one, with `any: [ … ]` over both conditions.");
        else to.Add(new(endpoint, when, wait));
    }

    private static void Check(MapReader map, SoldWhen? sold, bool sendAll, List<Destination> to, ConfigErrors errors)
    {
        var path = map["to"]?.Path ?? map.At("to");
        if (!sendAll && to[^1].When is not null)
            errors.Add(path, ConfigCodes.MissingKey, "`send: first` needs a last way out: end the list with an endpoint without `when`, such as inbox.");
        var last = sendAll ? -1 : to.FindIndex(static each => each.When is null);
        if (last >= 0 && last < to.Count - 1)
            errors.Warn(path, ConfigCodes.NeverUsed, "With `send: first` nothing goes further than to the first endpoint without `when`.");
        if (sold != SoldWhen.OnAccept) return;
        if (sendAll && to[0].When is not null)
            errors.Add(path, ConfigCodes.Conflict, "With `sold: on_accept` and `send: all` the first endpoint makes the sale: it can have no `when`.");
        var asked = sendAll ? to.Take(1) : last < 0 ? to : to.Take(last + 1);
        if (!asked.All(static each => each.Endpoint.Connector is ConnectorKind.Native or ConnectorKind.Http or ConnectorKind.Grpc))
            errors.Add(path, ConfigCodes.Conflict, "`sold: on_accept` needs an endpoint first in `to` whose answer can make a sale: native, grpc or a connector of the catalog; or write `sold: on_post`.");
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
