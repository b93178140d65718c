using System.Text;
using Exchange.Delivery.Bidders;
using Exchange.Engine.Catalog;

namespace Exchange.Delivery.Connectors;

/// <summary>Hands a copy to a buyer that is connected over gRPC; its answer on the stream decides.</summary>
public sealed class Connected(BidderLines lines, TimeProvider time) : IConnector
{
    public ConnectorKind Kind => ConnectorKind.Grpc;

    public async Task<AttemptResult> SendAsync(EndpointModel endpoint, EndpointSecrets secrets, CopyMessage message, DateTimeOffset now, CancellationToken deadline)
    {
        using var limited = new CancellationTokenSource(endpoint.PostTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline, limited.Token);
        Task<AttemptResult> HandOver() => lines.HandOverAsync(endpoint, message, message.Until ?? now + endpoint.PostTimeout, both.Token);
        return await (CallTrace.Current is { } trace ? trace.PassAsync("stream", "copy", Encoding.UTF8.GetString(CopyMessageJson.ToBytes(message)), HandOver) : HandOver());
    }
}
