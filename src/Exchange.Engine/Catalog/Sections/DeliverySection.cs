using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary><c>delivery</c> of a campaign: to which of its buyer's endpoints, and when that makes the sale.</summary>
internal static class DeliverySection
{
    private static readonly MapKeys Keys = new(["sold", "send", "to", "retry_for"], "wait");
    private static readonly MapKeys EntryKeys = new(["endpoint"], "when", "wait");
    private static readonly TimeSpan UsualRetryFor = TimeSpan.FromHours(24);

    public static DeliveryModel? Read(ConfigNode? node, BuyerModel buyer, ConfigNode? declared, ConfigErrors errors)
    {
        var inbox = buyer.Endpoints[EndpointSection.Inbox];
        if (node is null) return new(SoldWhen.OnPost, false, [inbox], UsualRetryFor);
        if (MapReader.Open(node, Keys, errors) is not { } map) return null;
        var sold = map["sold"] is { } soldNode
            ? ValueReader.Word(soldNode, [("on_post", SoldWhen.OnPost), ("on_accept", SoldWhen.OnAccept)], errors) : SoldWhen.OnPost;
        var sendAll = map["send"] is { } send && ValueReader.Word(send, [("first", false), ("all", true)], errors) == true;
        var retryFor = map["retry_for"] is { } retry ? ValueReader.Duration(retry, errors) : null;
        var to = new List<EndpointModel>();
        var written = map["to"] is { } toNode ? ValueReader.List(toNode, errors)?.Items ?? [] : null;
        if (written is null) to.Add(inbox);
        else foreach (var item in written) Add(item, buyer, declared, to, errors);
        // An entry that could not be read was reported; whether it is a native one is not known.
        var whole = written is null || written.Count > 0 && written.Count == to.Count;
        if (sold == SoldWhen.OnAccept && whole && to is not [{ Connector: ConnectorKind.Native }, ..])
            errors.Add(map["to"]?.Path ?? map.At("to"), ConfigCodes.Conflict, "`sold: on_accept` needs a native endpoint first in `to`: only its answer can make a sale.");
        return sold is null ? null : new(sold.Value, sendAll, to, retryFor ?? UsualRetryFor);
    }

    private static void Add(ConfigNode item, BuyerModel buyer, ConfigNode? declared, List<EndpointModel> to, ConfigErrors errors)
    {
        var at = item;
        if (item is ConfigMap)
        {
            if (MapReader.Open(item, EntryKeys, errors)?.Required("endpoint", "the name of an endpoint of the buyer", errors) is not { } named) return;
            at = named;
        }
        if (ValueReader.Text(at, errors) is not { } name) return;
        if (!buyer.Endpoints.TryGetValue(name, out var endpoint))
        {
            // One that is itself wrong was reported where it is declared.
            if ((declared as ConfigMap)?.Find(name) is null)
                errors.Add(at.Path, ConfigCodes.UnknownEndpoint, Nearest.Fix("The buyer has no such endpoint", name, buyer.Endpoints.Keys, errors));
        }
        else if (to.Contains(endpoint)) errors.Add(at.Path, ConfigCodes.Repeated, "This endpoint is listed twice; keep one.");
        else to.Add(endpoint);
    }
}
