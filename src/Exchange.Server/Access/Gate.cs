using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Server.Access;

/// <summary>Lets a request in or says why not. One gate for HTTP and gRPC.</summary>
public static class Gate
{
    public static readonly Problem InUrl = Problem.Of(400, "credential_in_url", "A key must be sent in a header, never in the URL. Revoke this key: URLs are logged.");
    public static readonly Problem Unauthenticated = Problem.Of(401, "unauthenticated", "A live API key is needed: Authorization: Bearer KEY, or X-Api-Key: KEY.");
    public static readonly Problem Forbidden = Problem.Of(403, "forbidden", "The key's role does not allow this.");

    /// <summary>Null: let in, and <paramref name="caller"/> is who. Malformed, unknown and revoked keys get the same answer.</summary>
    public static Problem? Check(HttpRequest request, ApiKeys keys, ReadOnlySpan<KeyRole> roles, out Caller caller)
    {
        caller = null!;
        if (Credentials.InUrl(request)) return InUrl;
        var presented = Credentials.Presented(request);
        if (presented.IsEmpty || keys.Find(presented) is not { } found) return Unauthenticated;
        if (!roles.Contains(found.Role)) return Forbidden;
        caller = found;
        return null;
    }
}
