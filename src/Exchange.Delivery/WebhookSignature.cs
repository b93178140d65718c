using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Exchange.Engine.Values;

namespace Exchange.Delivery;

/// <summary>
/// Signs by Standard Webhooks 1.0: HMAC-SHA256 over <c>id.timestamp.body</c>, the timestamp in Unix seconds of this attempt, the id the same
/// on every attempt.
/// </summary>
public static class WebhookSignature
{
    private static ReadOnlySpan<byte> Prefix => "whsec_"u8;

    /// <summary>
    /// The key in a stored secret: what <c>whsec_</c> and base64 say, or the bytes as they are without that prefix. Null: empty or not base64.
    /// </summary>
    public static KeyedHash? ReadKey(ReadOnlySpan<byte> secret)
    {
        var key = secret;
        if (secret.StartsWith(Prefix))
        {
            var text = secret[Prefix.Length..].Trim(" \r\n\t"u8);
            if (!Base64.IsValid(text, out var length)) return null;
            var bytes = new byte[length];
            Base64.DecodeFromUtf8(text, bytes, out _, out _);
            key = bytes;
        }
        return key.Length > 0 ? new(key) : null;
    }

    /// <summary>The value of <c>webhook-signature</c>: <c>v1,</c> and the base64 of the HMAC.</summary>
    public static string Create(KeyedHash key, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        var head = string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.");
        var length = Encoding.UTF8.GetByteCount(head) + body.Length;
        var message = ArrayPool<byte>.Shared.Rent(length);
        body.CopyTo(message.AsSpan(Encoding.UTF8.GetBytes(head, message)));
        Span<byte> hash = stackalloc byte[KeyedHash.Bytes];
        key.Of(message.AsSpan(0, length), hash);
        // A body holds a person.
        ArrayPool<byte>.Shared.Return(message, clearArray: true);
        return "v1," + Convert.ToBase64String(hash);
    }
}
