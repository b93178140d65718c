using System.Globalization;
using Exchange.Delivery.Templates;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Postbacks;

namespace Exchange.Delivery.Postbacks;

/// <summary>
/// Calls a publisher. Without a secret its address alone, as trackers want it (GET); with one the message is posted there, signed as webhooks are. Any 2xx is
/// a yes, and what it says beside is not read.
/// </summary>
public sealed class PostbackCalls(OutboundHttp http)
{
    /// <summary>The longest one attempt may take.</summary>
    public static TimeSpan Timeout { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Never throws for what the outside does.</summary>
    /// <param name="secret">The value of <see cref="PostbackModel.SecretName"/>; null: it is not set.</param>
    public async Task<AttemptResult> SendAsync(string publisher, PostbackModel postback, byte[]? secret, PostbackMessage message, DateTimeOffset now, CancellationToken deadline)
    {
        OutboundRequest request;
        try
        {
            var text = ((LiquidTemplate)postback.Url).Render(TemplateScope.Of(message), TemplateUse.Url).Trim();
            if (!Uri.TryCreate(text, UriKind.Absolute, out var url)) return new(AttemptKind.NotSent, "url_invalid");
            List<KeyValuePair<string, string>> headers = [new("webhook-id", message.Id.ToString())];
            byte[]? body = null;
            if (postback.SecretName is not null)
            {
                if (secret is null) return new(AttemptKind.NotSent, "secret_missing");
                if (WebhookSignature.ReadKey(secret) is not { } key) return new(AttemptKind.NotSent, "secret_invalid");
                body = message.ToJson();
                var timestamp = now.ToUnixTimeSeconds();
                headers.Add(new("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture)));
                headers.Add(new("webhook-signature", WebhookSignature.Create(key, message.Id.ToString(), timestamp, body)));
            }
            request = new(body is null ? "GET" : "POST", url, headers, body, body is null ? null : "application/json") { ReadBody = false };
        }
        catch (TemplateFaultException fault)
        {
            return new(AttemptKind.NotSent, fault.Code);
        }
        var reply = await http.SendAsync(Line(publisher), request, CallPurpose.Post, Timeout, deadline);
        return reply.IsSuccess ? new(AttemptKind.Accepted) : StatusRules.Read(reply, now);
    }

    /// <summary>By which the calls under way to one publisher are bounded: no buyer's id has a colon.</summary>
    private static EndpointModel Line(string publisher) => new("postback", ConnectorKind.Webhook, null, null, Timeout) { Buyer = "publisher:" + publisher };
}
