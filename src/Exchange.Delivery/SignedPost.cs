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
    public static async Task<OutboundReply> SendAsync(
        OutboundHttp http, EndpointModel endpoint, EndpointSecrets secrets, string id, byte[] body, bool readBody, CallPurpose purpose, DateTimeOffset now, CancellationToken deadline)
    {
        if (endpoint.Url is null) return new(false, 0, null, "url_missing", null);
        var timestamp = now.ToUnixTimeSeconds();
        List<KeyValuePair<string, string>> headers =
        [
            new("webhook-id", id),
            new("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture)),
        ];
        if (secrets.Find(endpoint.SecretName) is { } secret)
        {
            if (!WebhookSignature.TryReadKey(secret, out var key)) return new(false, 0, null, "secret_invalid", null);
            headers.Add(new("webhook-signature", WebhookSignature.Create(key, id, timestamp, body)));
        }
        // An endpoint that names a secret never sends unsigned because the secret is not there.
        else if (endpoint.SecretName is not null) return new(false, 0, null, "secret_missing", null);
        var request = new OutboundRequest("POST", endpoint.Url, headers, body, "application/json") { ReadBody = readBody };
        return await http.SendAsync(endpoint, request, purpose, purpose == CallPurpose.Ping ? endpoint.PingTimeout : endpoint.PostTimeout, deadline);
    }
}
