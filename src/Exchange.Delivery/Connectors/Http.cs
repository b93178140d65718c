using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using Exchange.Engine.Connectors;
using Exchange.Engine.Deliveries;

namespace Exchange.Delivery.Connectors;

/// <summary>Hands a copy over to a buyer's own API, as the catalog's connector describes it, and after a doubt asks what became of it.</summary>
internal sealed class Http(HttpCalls calls) : IConnector
{
    public ConnectorKind Kind => ConnectorKind.Http;

    public async Task<AttemptResult> SendAsync(EndpointModel endpoint, EndpointSecrets secrets, CopyMessage message, DateTimeOffset now, CancellationToken deadline)
    {
        if (endpoint.Shape is not { } shape) return new(AttemptKind.NotSent, "no_connector");
        if (message.AfterDoubt && shape.Check is { } check)
        {
            var found = Checked(check, await CallAsync(endpoint, check, secrets, message, now, deadline), now);
            // "Surely not taken, come again" is the one answer of a check that lets the post go again.
            if (found.Kind != AttemptKind.RetryLater) return found;
            if (!endpoint.Repeatable) return new(AttemptKind.Unknown, "not_repeatable");
        }
        return Read(shape.Post, await CallAsync(endpoint, shape.Post, secrets, message, now, deadline), now);
    }

    private Task<OutboundReply> CallAsync(EndpointModel endpoint, RequestModel request, EndpointSecrets secrets, CopyMessage message, DateTimeOffset now, CancellationToken deadline) =>
        calls.SendAsync(endpoint, request, () => TemplateScope.Of(endpoint, secrets, message, now), CallPurpose.Post, endpoint.PostTimeout, now, deadline);

    /// <summary>What the connector's conditions say, and where none holds what the status says. A 2xx that says nothing known is a doubt.</summary>
    internal static AttemptResult Read(RequestModel request, in OutboundReply reply, DateTimeOffset now)
    {
        if (Verdict(request, reply, now) is { } said) return said;
        return reply.IsSuccess ? new(AttemptKind.Unknown, reply.Body is null ? reply.Error : "answer_unclear") : StatusRules.Read(reply, now);
    }

    /// <summary>A check is no post: what its status says is about the check alone, and the doubt stands.</summary>
    internal static AttemptResult Checked(RequestModel request, in OutboundReply reply, DateTimeOffset now)
    {
        if (Verdict(request, reply, now) is { } said) return said;
        return new(AttemptKind.Unknown, "check_unclear", RetryAfter: StatusRules.Read(reply, now).RetryAfter);
    }

    private static AttemptResult? Verdict(RequestModel request, in OutboundReply reply, DateTimeOffset now)
    {
        if (reply.Body is null || reply.Status == 0) return null;
        var verdict = request.Answer!.Read(new(reply.Status, reply.Body, reply.ContentType, reply.Headers));
        if (verdict.Kind is not { } kind) return null;
        return new(kind, Error(kind), BuyerText.Clean(verdict.Reason), BuyerText.Clean(verdict.Ref), BuyerText.CleanUrl(verdict.RedirectUrl))
        {
            Refusal = kind == AttemptKind.Rejected ? Refusal.Answer : Refusal.None,
            Price = ReplyPrice.Read(verdict.Price),
            RetryAfter = kind == AttemptKind.RetryLater ? StatusRules.Wait(reply, now) : null,
        };
    }

    private static string? Error(AttemptKind kind) => kind switch
    {
        AttemptKind.Rejected => "rejected",
        AttemptKind.Duplicate => "duplicate",
        AttemptKind.Pending => "pending",
        AttemptKind.RetryLater => "retry_later",
        _ => null,
    };
}
