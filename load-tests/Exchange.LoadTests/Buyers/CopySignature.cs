using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Exchange.LoadTests.Buyers;

/// <summary>
/// Checks what Standard Webhooks asks a receiver to check: the HMAC over id, time and body, and that the time is near. A secret that starts
/// with <c>whsec_</c> is the key in base64, any other is the key itself.
/// </summary>
internal static class CopySignature
{
    private const string SecretPrefix = "whsec_";
    private const string Version = "v1,";
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    /// <summary>What is wrong with the signature; null: nothing.</summary>
    public static string? Fault(IHeaderDictionary headers, byte[] body, string secret, DateTimeOffset now)
    {
        var id = headers["webhook-id"].ToString();
        var time = headers["webhook-timestamp"].ToString();
        var signatures = headers["webhook-signature"].ToString();
        if (id.Length == 0 || time.Length == 0 || signatures.Length == 0)
        {
            return "not signed";
        }

        if (!long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || Math.Abs(now.ToUnixTimeSeconds() - seconds) > Tolerance.TotalSeconds)
        {
            return "signed too long ago";
        }

        var key = secret.StartsWith(SecretPrefix, StringComparison.Ordinal) ? Convert.FromBase64String(secret[SecretPrefix.Length..]) : Encoding.UTF8.GetBytes(secret);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{time}."), .. body];
        var expected = Encoding.ASCII.GetBytes(Version + Convert.ToBase64String(HMACSHA256.HashData(key, signed)));
        return signatures.Split(' ').Any(signature => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(signature), expected)) ? null : "wrong signature";
    }
}
