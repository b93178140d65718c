using Microsoft.Extensions.Primitives;

namespace Exchange.Server.Access;

/// <summary>Finds the key a request presents: <c>Authorization: Bearer KEY</c> or <c>X-Api-Key: KEY</c>, over HTTP and gRPC alike.</summary>
public static class Credentials
{
    private const string Bearer = "Bearer ";

    /// <summary>Empty if there is none, or more than one in a header.</summary>
    public static ReadOnlySpan<char> Presented(HttpRequest request)
    {
        var authorization = Single(request.Headers.Authorization);
        if (authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return authorization[Bearer.Length..].Trim();
        return Single(request.Headers["X-Api-Key"]).Trim();
    }

    /// <summary>
    /// True if the URL carries a key. It is refused even beside a good header: URLs end up in logs and histories, so whoever does this must hear of it.
    /// </summary>
    /// <param name="keyName">One more name for it; null: there is none.</param>
    public static bool InUrl(HttpRequest request, string? keyName)
    {
        if (!request.QueryString.HasValue) return false;
        foreach (var name in request.Query.Keys)
            if (name.Equals("key", StringComparison.OrdinalIgnoreCase) || name.Equals("api_key", StringComparison.OrdinalIgnoreCase)
                || name.Equals("apikey", StringComparison.OrdinalIgnoreCase) || name.Equals("access_token", StringComparison.OrdinalIgnoreCase)
                || name.Equals(keyName, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }

    private static ReadOnlySpan<char> Single(StringValues values) => values.Count == 1 ? values[0] : default;
}
