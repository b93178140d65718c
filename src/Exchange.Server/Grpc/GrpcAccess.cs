using Exchange.Server.Access;
using Exchange.Storage;
using Grpc.Core;

namespace Exchange.Server.Grpc;

/// <summary>The gate for gRPC calls: metadata are the HTTP/2 request's headers, so it is the same gate.</summary>
public static class GrpcAccess
{
    /// <summary>Throws <see cref="RpcException"/> UNAUTHENTICATED or PERMISSION_DENIED.</summary>
    public static Caller Require(this ApiKeys keys, ServerCallContext context, params ReadOnlySpan<KeyRole> roles)
    {
        var http = context.GetHttpContext();
        return Gate.Check(http.Request, keys, roles, out var caller) is { } problem ? throw RichStatus.ToException(problem, http) : caller;
    }
}
