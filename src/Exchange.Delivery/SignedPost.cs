using System.Globalization;
using Exchange.Engine.Catalog;

namespace Exchange.Delivery;

/// <summary>Our copy message, signed and posted: what webhook and native have in common.</summary>
internal static class SignedPost
{
    public static async Task<OutboundReply> SendAsync(
        OutboundHttp http, EndpointModel endpoint, EndpointSecrets secrets, CopyMessage message, bool readBody, DateTimeOffset now, CancellationToken deadline)
    {
        if (endpoint.Url is null) return new(false, 0, null, "url_missing", null);
        var body = CopyMessageJson.ToBytes(message);
        var id = message.Copy.ToString();
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
        return await http.PostAsync(endpoint.Url, body, headers, readBody, endpoint.PostTimeout, deadline);
    }
}
