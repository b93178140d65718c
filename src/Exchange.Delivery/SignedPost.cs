using System.Globalization;
using Exchange.Engine.Catalog;

namespace Exchange.Delivery;

/// <summary>Our own messages, signed and posted: what webhook and native have in common.</summary>
internal static class SignedPost
{
    /// <summary>A copy.</summary>
    public static Task<OutboundReply> SendAsync(
        OutboundHttp http, EndpointModel endpoint, EndpointSecrets secrets, CopyMessage message, bool readBody, DateTimeOffset now, CancellationToken deadline) =>
        SendAsync(http, endpoint, secrets, message.Copy.ToString(), CopyMessageJson.ToBytes(message), readBody, CallPurpose.Post, now, deadline);

    /// <param name="id">By which the buyer knows the same message again.</param>
    public static Task<OutboundReply> SendAsync(
        OutboundHttp http, EndpointModel endpoint, EndpointSecrets secrets, string id, byte[] body, bool readBody, CallPurpose purpose, DateTimeOffset now, CancellationToken deadline)
    {
        if (endpoint.Url is null) return NotSent("url_missing");
        var timestamp = now.ToUnixTimeSeconds();
        List<KeyValuePair<string, string>> headers =
        [
            new("webhook-id", id),
            new("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture)),
        ];
        if (secrets.Find(endpoint.SecretName) is { } secret)
        {
            if (secrets.SigningKey(secret) is not { } key) return NotSent("secret_invalid");
            headers.Add(new("webhook-signature", WebhookSignature.Create(key, id, timestamp, body)));
        }
        // An endpoint that names a secret never sends unsigned because the secret is not there.
        else if (endpoint.SecretName is not null) return NotSent("secret_missing");
        var request = new OutboundRequest("POST", endpoint.Url, headers, body, "application/json") { ReadBody = readBody };
        return http.SendAsync(endpoint, request, purpose, purpose == CallPurpose.Ping ? endpoint.PingTimeout : endpoint.PostTimeout, deadline);
    }

    private static Task<OutboundReply> NotSent(string error) => Task.FromResult(new OutboundReply(false, 0, null, error, null));
}
