using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Server.Access;

/// <summary>From where a publisher's keys may be used, as the catalog says at this moment; null: from anywhere.</summary>
public delegate IpRanges? AllowedAddresses(string publisher);

/// <summary>Lets a request in or says why not. One gate for HTTP, gRPC and the forms of other products.</summary>
/// <param name="proxies">The operator's, whose word of where a call comes from is taken.</param>
public sealed class Gate(ApiKeys keys, AllowedAddresses allowed, IpRanges proxies)
{
    private static readonly Problem InUrl = Problem.Of(400, "credential_in_url", "A key must be sent in a header, never in the URL. Revoke this key: URLs are logged.");
    private static readonly Problem Unauthenticated = Problem.Of(401, "unauthenticated", "A live API key is needed: Authorization: Bearer KEY, or X-Api-Key: KEY.");
    private static readonly Problem ForTests = Problem.Of(403, "forbidden", "This key is for tests; only a publisher's calls can be tests.");
    private static readonly Problem Forbidden = Problem.Of(403, "forbidden", "The key's role does not allow this.");

    /// <summary>Null: let in, and <paramref name="caller"/> is who. Malformed, unknown and revoked keys get the same answer.</summary>
    public Problem? Check(HttpContext context, ReadOnlySpan<KeyRole> roles, out Caller caller) => Check(context, null, null, roles, out caller);

    /// <summary>The same for a key that may stand in the body.</summary>
    /// <param name="keyName">What it is called there. In the URL it is refused under this name too.</param>
    /// <param name="fromBody">Null: it does not stand there.</param>
    public Problem? Check(HttpContext context, string? keyName, string? fromBody, ReadOnlySpan<KeyRole> roles, out Caller caller)
    {
        caller = null!;
        if (Credentials.InUrl(context.Request, keyName)) return InUrl;
        var presented = fromBody is null ? Credentials.Presented(context.Request) : fromBody.AsSpan();
        if (presented.IsEmpty || keys.Find(presented) is not { } found) return Unauthenticated;
        if (!roles.Contains(found.Role)) return Forbidden;
        // A test is a publisher's. What others see and do is live.
        if (found.Test && found.Role != KeyRole.Publisher) return ForTests;
        if (found.Role == KeyRole.Publisher && allowed(found.For) is { } ranges && !MayComeFrom(context, ranges, out var problem)) return problem;
        caller = found;
        return null;
    }

    private bool MayComeFrom(HttpContext context, IpRanges ranges, out Problem? problem)
    {
        problem = null;
        var address = ClientAddress.Of(context, proxies);
        if (address is not null && ranges.Contains(ClientAddress.Bits(address))) return true;
        problem = Problem.Of(403, "forbidden", address is null
            ? "This publisher's keys may be used from its own addresses only, and the address of this call is not known."
            : $"This publisher's keys may be used from its own addresses only; {address} is not one of them.");
        return false;
    }
}
