using Exchange.Delivery.Bidders;
using Exchange.Engine.Catalog;

namespace Exchange.Delivery.Connectors;

/// <summary>
/// Every connector, one line each. A new one is its own file in this folder and a line here; what asks live bidders for bids gets a folder
/// <c>Bidders</c> beside this one, in the same manner.
/// </summary>
public sealed class ConnectorList
{
    private readonly IReadOnlyList<IConnector> connectors;

    private ConnectorList(IReadOnlyList<IConnector> connectors) => this.connectors = connectors;

    public static ConnectorList Create(OutboundHttp http, BidderLines lines, TimeProvider time) => new(
    [
        new Webhook(http),
        new Native(http),
        new Connected(lines, time),
    ]);

    /// <summary>Null for the inbox: its buyer pulls, nobody is called.</summary>
    public IConnector? Find(ConnectorKind kind) => connectors.FirstOrDefault(connector => connector.Kind == kind);
}
