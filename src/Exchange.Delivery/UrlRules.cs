using System.Net;
using System.Text;

namespace Exchange.Delivery;

/// <summary>
/// What is wrong with a buyer's URL before anybody resolves its name. Only to tell an admin early: what counts is the address at connect
/// (<see cref="OutboundHttp"/>), because a name may answer differently each time.
/// </summary>
public static class UrlRules
{
    public const int MaxChars = 2_000;

    private static readonly int[] Ports = [80, 443, 8080, 8443];

    /// <summary>Names that never mean a public host (RFC 6761, RFC 6762, RFC 8375, ICANN's private-use <c>internal</c>).</summary>
    private static readonly string[] LocalSuffixes = ["localhost", "local", "internal", "home.arpa", "localdomain", "test", "invalid"];

    /// <summary>Null if the URL may be called; else a sentence that says what to change and repeats nothing of it.</summary>
    /// <param name="allowLoopback">Development: loopback and every port are let through.</param>
    public static string? Check(Uri url, bool allowLoopback)
    {
        if (!url.IsAbsoluteUri) return "The URL must be absolute, such as https://example.com/leads.";
        if (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp) return "The URL must begin with https:// or http://.";
        if (url.AbsoluteUri.Length > MaxChars) return $"The URL must not be longer than {MaxChars} characters.";
        if (url.UserInfo.Length > 0) return "The URL must not hold a user name or password; use a secret.";
        // Without ICU no two layers agree on what such letters become, and some become digits and dots.
        if (!Ascii.IsValid(url.Host)) return "The URL's host must be written in ASCII (xn--…).";
        var host = url.IdnHost.TrimEnd('.');
        if (host.Length == 0) return "The URL has no host.";
        if (allowLoopback && IsLoopbackHost(host)) return null;
        if (!allowLoopback && Array.IndexOf(Ports, url.Port) < 0) return "The URL's port must be 80, 443, 8080 or 8443.";
        // Everything that Uri or the system's resolver may read as a number is judged as the address it means.
        if (IPAddress.TryParse(host.Trim('[', ']'), out var address))
            return AddressRules.MayConnect(address, allowLoopback) ? null : "The URL's address is not a public one.";
        if (!host.Contains('.', StringComparison.Ordinal)) return "The URL's host must be a full public name, such as crm.example.com.";
        if (IsNumberLike(host)) return "The URL's host is neither a name nor an address.";
        foreach (var suffix in LocalSuffixes)
            if (host.EndsWith(suffix, StringComparison.OrdinalIgnoreCase) && (host.Length == suffix.Length || host[^(suffix.Length + 1)] == '.'))
                return "The URL's host is a name that is only known inside a network.";
        return null;
    }

    private static bool IsLoopbackHost(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address);

    /// <summary>No public top-level name is a number (also hexadecimal); a resolver may take such a host for an address.</summary>
    private static bool IsNumberLike(string host)
    {
        var last = host[(host.LastIndexOf('.') + 1)..];
        return last.All(char.IsAsciiDigit) || last.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && last[2..].All(char.IsAsciiHexDigit);
    }
}
