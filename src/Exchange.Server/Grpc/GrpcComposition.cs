using Exchange.Engine;
using Grpc.AspNetCore.Server;

namespace Exchange.Server.Grpc;

public static class GrpcComposition
{
    /// <summary>
    /// Of one message of the publishers' service: at this the library refuses it, without a code of ours and with an end to the stream it came on. Below, the service itself
    /// looks at its bounds, and says what HTTP says.
    /// </summary>
    private const int MostReadBytes = 4 * Limits.BodyBytes;

    /// <summary>
    /// gRPC with our limits and faults. Needs ILeadIntake, TimeProvider, and the rooms Access and Observability. Other rooms add their
    /// services with MapGrpcService and get the same.
    /// </summary>
    public static IServiceCollection AddExchangeGrpc(this IServiceCollection services)
    {
        services.AddGrpc(ConfigureGrpc).AddServiceOptions<IntakeGrpc>(static options => options.MaxReceiveMessageSize = MostReadBytes);
        services.AddGrpcReflection();
        // One instance, not one a call: it holds no state.
        services.AddSingleton<IntakeGrpc>().AddSingleton<BidderGrpc>().AddSingleton<FaultInterceptor>();
        return services;
    }

    /// <summary>The publishers' service; reflection only outside Production, since it tells strangers what there is.</summary>
    public static IEndpointRouteBuilder MapIntakeGrpc(this IEndpointRouteBuilder endpoints, bool reflection)
    {
        endpoints.MapGrpcService<IntakeGrpc>();
        if (reflection) endpoints.MapGrpcReflectionService();
        return endpoints;
    }

    /// <summary>The connected buyers' service. Needs BidderLines, StandingBids and the catalog.</summary>
    public static IEndpointRouteBuilder MapBidderGrpc(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<BidderGrpc>();
        return endpoints;
    }

    private static void ConfigureGrpc(GrpcServiceOptions options)
    {
        options.MaxReceiveMessageSize = Limits.BodyBytes;
        options.EnableDetailedErrors = false;
        // Its catch-all route would take every two-part path and turn 405 into 404. An unknown method is a 404, which gRPC reads as UNIMPLEMENTED.
        options.IgnoreUnknownServices = true;
        options.Interceptors.Add<FaultInterceptor>();
    }
}
