using System.Text;
using Exchange.Engine.Catalog;

namespace Exchange.Delivery.Bidders;

/// <summary>Asks a buyer that is connected over gRPC.</summary>
public sealed class ConnectedBidder(BidderLines lines) : IBidder
{
    public ConnectorKind Kind => ConnectorKind.Grpc;

    public Task<BidAnswer> AskAsync(EndpointModel endpoint, EndpointSecrets secrets, BidCall call, DateTimeOffset now, CancellationToken deadline) =>
        CallTrace.Current is { } trace
            ? trace.PassAsync("stream", "bid request", Encoding.UTF8.GetString(NativeBidder.ToBytes(call)), () => AskAsync(endpoint, call, now, deadline)) : AskAsync(endpoint, call, now, deadline);

    private Task<BidAnswer> AskAsync(EndpointModel endpoint, BidCall call, DateTimeOffset now, CancellationToken deadline) =>
        lines.AskAsync(endpoint, call, now.AddMilliseconds(call.DeadlineMs), deadline);
}
