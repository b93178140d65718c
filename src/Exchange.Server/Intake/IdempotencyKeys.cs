using Exchange.Engine;
using Exchange.Grains.Intake;
using Microsoft.Extensions.Primitives;

namespace Exchange.Server.Intake;

/// <summary>The <c>Idempotency-Key</c> header or metadata: optional, one, 1 to 255 visible ASCII characters.</summary>
public static class IdempotencyKeys
{
    public const string HeaderName = "Idempotency-Key";

    private static readonly Problem Bad = Problem.Of(400, "malformed", "Idempotency-Key must be one value of 1 to 255 visible ASCII characters.");

    public static Problem? Read(IHeaderDictionary headers, out string? key)
    {
        key = null;
        if (!headers.TryGetValue(HeaderName, out StringValues values)) return null;
        if (values.Count != 1 || values[0] is not { Length: > 0 and <= Limits.IdempotencyKeyChars } text || text.AsSpan().ContainsAnyExceptInRange('!', '~')) return Bad;
        key = text;
        return null;
    }
}
