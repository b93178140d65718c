using Exchange.Engine.Catalog;

namespace Exchange.Delivery.Bidders;

/// <summary>Asks a buyer that is connected over gRPC.</summary>
public sealed class ConnectedBidder(BidderLines lines) : IBidder
{
    public ConnectorKind Kind => ConnectorKind.Grpc;

    public Task<BidAnswer> AskAsync(EndpointModel endpoint, EndpointSecrets secrets, BidCall call, DateTimeOffset now, CancellationToken deadline) =>
        lines.AskAsync(endpoint, call, now.AddMilliseconds(call.DeadlineMs), deadline);
}
