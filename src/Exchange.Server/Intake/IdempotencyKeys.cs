using Exchange.Engine;
using Exchange.Grains.Intake;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Exchange.Server.Intake;

/// <summary>The <c>Idempotency-Key</c> header or metadata: optional, one, 1 to 255 visible ASCII characters.</summary>
public static class IdempotencyKeys
{
    public const string HeaderName = "Idempotency-Key";

    private static readonly Problem Bad = Problem.Of(400, "malformed", "Idempotency-Key must be one value of 1 to 255 visible ASCII characters.");

    /// <summary>
    /// A key as the end of a path, after <paramref name="before"/>. Read as it was sent: an escaped slash is a part of the key, which the server's own reading of
    /// the path cannot tell from an unescaped one, nor from the text of the escape.
    /// </summary>
    public static string OfPath(HttpRequest request, string before)
    {
        var sent = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        var start = sent.IndexOf(before, StringComparison.OrdinalIgnoreCase);
        // The path itself was escaped, which nobody needs to do.
        if (start < 0) return (string)request.RouteValues["key"]!;
        var key = sent[(start + before.Length)..];
        var end = key.IndexOf('?');
        return Uri.UnescapeDataString(end < 0 ? key : key[..end]);
    }

    public static Problem? Read(IHeaderDictionary headers, out string? key)
    {
        key = null;
        if (!headers.TryGetValue(HeaderName, out StringValues values)) return null;
        if (values.Count != 1 || values[0] is not { Length: > 0 and <= Limits.IdempotencyKeyChars } text || text.AsSpan().ContainsAnyExceptInRange('!', '~')) return Bad;
        key = text;
        return null;
    }
}
