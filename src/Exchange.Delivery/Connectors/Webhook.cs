using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;

namespace Exchange.Delivery.Connectors;

/// <summary>Our copy message to a signed webhook: the status alone decides, any 2xx accepts.</summary>
public sealed class Webhook(OutboundHttp http) : IConnector
{
    public ConnectorKind Kind => ConnectorKind.Webhook;

    public async Task<AttemptResult> SendAsync(EndpointModel endpoint, EndpointSecrets secrets, CopyMessage message, DateTimeOffset now, CancellationToken deadline)
    {
        var reply = await SignedPost.SendAsync(http, endpoint, secrets, message, readBody: false, now, deadline);
        return reply.IsSuccess ? new(AttemptKind.Accepted) : StatusRules.Read(reply, now);
    }
}
