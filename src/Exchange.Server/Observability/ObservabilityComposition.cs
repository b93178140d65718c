using Prometheus;

namespace Exchange.Server.Observability;

public static class ObservabilityComposition
{
    public static IServiceCollection AddObservability(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddHealthChecks();
        return services.AddSingleton<ExchangeMetrics>().AddSingleton<PrometheusExport>();
    }

    /// <summary><c>/metrics</c>, <c>/health/live</c>, <c>/health/ready</c>; with <see cref="ManagementPort.UseManagementPort"/> on that port only.</summary>
    public static IEndpointRouteBuilder MapObservability(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapMetrics("/metrics", endpoints.ServiceProvider.GetRequiredService<PrometheusExport>().Registry).WithMetadata(new ManagementEndpoint());
        endpoints.MapHealth();
        return endpoints;
    }
}
