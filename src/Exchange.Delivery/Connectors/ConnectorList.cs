using Exchange.Delivery.Bidders;
using Exchange.Engine.Catalog;

namespace Exchange.Delivery.Connectors;

/// <summary>
/// Everybody who speaks to buyers, one line each. A connector is its own file in this folder and a line here; who asks for live bids and tells losers is
/// in <c>Bidders</c>, in the same manner.
/// </summary>
public sealed class ConnectorList
{
    private readonly IReadOnlyList<IConnector> connectors;
    private readonly IReadOnlyList<IBidder> bidders;

    private ConnectorList(IReadOnlyList<IConnector> connectors, IReadOnlyList<IBidder> bidders)
    {
        this.connectors = connectors;
        this.bidders = bidders;
    }

    /// <param name="mail">The operator's mail server; null: there is none.</param>
    /// <param name="hostKeys">Which SSH servers are known; null: as long as this process lives.</param>
    public static ConnectorList Create(OutboundHttp http, BidderLines lines, TimeProvider time, SmtpOptions? mail = null, IHostKeys? hostKeys = null)
    {
        var calls = new HttpCalls(http, new(http));
        return new(
            [new Webhook(http), new Native(http), new Http(calls), new Email(mail, time), new Sftp(new PublicHosts(http.AllowLoopback), hostKeys ?? new HostKeysInMemory(), time), new Connected(lines, time)],
            [new NativeBidder(http), new HttpBidder(calls), new ConnectedBidder(lines)]);
    }

    /// <summary>Null for the inbox: its buyer pulls, nobody is called.</summary>
    public IConnector? Find(ConnectorKind kind) => connectors.FirstOrDefault(connector => connector.Kind == kind);

    /// <summary>Null: copies go to it one by one.</summary>
    public IBatchConnector? FindBatch(ConnectorKind kind) => Find(kind) as IBatchConnector;

    /// <summary>Null: nobody of this kind can be asked for live bids.</summary>
    public IBidder? FindBidder(ConnectorKind kind)
    {
        foreach (var bidder in bidders) if (bidder.Kind == kind) return bidder;
        return null;
    }

    /// <summary>Null: nobody of this kind can be told that it lost.</summary>
    public ILossTeller? FindTeller(ConnectorKind kind) => bidders.OfType<ILossTeller>().FirstOrDefault(teller => teller.Kind == kind);
}
