using Exchange.Server.Access;
using Exchange.Storage;
using Grpc.Core;

namespace Exchange.Server.Grpc;

/// <summary>The gate for gRPC calls: metadata are the HTTP/2 request's headers, so it is the same gate.</summary>
public static class GrpcAccess
{
    /// <summary>Throws <see cref="RpcException"/> UNAUTHENTICATED or PERMISSION_DENIED.</summary>
    public static Caller Require(this Gate gate, ServerCallContext context, params ReadOnlySpan<KeyRole> roles)
    {
        var http = context.GetHttpContext();
        return gate.Check(http, roles, out var caller) is { } problem ? throw RichStatus.ToException(problem, http) : caller;
    }
}
