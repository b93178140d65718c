using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Exchange.Delivery;

/// <summary>
/// Signs by Standard Webhooks 1.0: HMAC-SHA256 over <c>id.timestamp.body</c>, the timestamp in Unix seconds of this attempt, the id the same
/// on every attempt.
/// </summary>
public static class WebhookSignature
{
    private static ReadOnlySpan<byte> Prefix => "whsec_"u8;

    /// <summary>
    /// The key in a stored secret: what <c>whsec_</c> and base64 say, or the bytes as they are without that prefix. False: empty or not base64.
    /// </summary>
    public static bool TryReadKey(ReadOnlySpan<byte> secret, out byte[] key)
    {
        key = [];
        if (!secret.StartsWith(Prefix)) key = secret.ToArray();
        else
        {
            var text = secret[Prefix.Length..].Trim(" \r\n\t"u8);
            if (!Base64.IsValid(text, out var length)) return false;
            key = new byte[length];
            Base64.DecodeFromUtf8(text, key, out _, out _);
        }
        return key.Length > 0;
    }

    /// <summary>The value of <c>webhook-signature</c>: <c>v1,</c> and the base64 of the HMAC.</summary>
    public static string Create(ReadOnlySpan<byte> key, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        var head = string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.");
        var length = Encoding.UTF8.GetByteCount(head) + body.Length;
        var message = ArrayPool<byte>.Shared.Rent(length);
        body.CopyTo(message.AsSpan(Encoding.UTF8.GetBytes(head, message)));
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, message.AsSpan(0, length), hash);
        // A body holds a person.
        ArrayPool<byte>.Shared.Return(message, clearArray: true);
        return "v1," + Convert.ToBase64String(hash);
    }
}
