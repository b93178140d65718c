using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Exchange.Server.Observability;

/// <summary>
/// <c>/health/live</c>: the process answers; it asks nothing of the store or the silo, so that their trouble never has the process killed.
/// <c>/health/ready</c>: every probe says yes, else 503 with the probes' names.
/// </summary>
public static class Health
{
    private const string Ready = "ready";

    /// <summary>One thing that must be well for this process to take calls. A probe that throws or takes over two seconds says no.</summary>
    public static IServiceCollection AddReadiness(this IServiceCollection services, string name, Func<IServiceProvider, CancellationToken, Task<bool>> isReady)
    {
        services.AddHealthChecks().Add(new HealthCheckRegistration(name, provider => new Probe(provider, isReady), HealthStatus.Unhealthy, [Ready], TimeSpan.FromSeconds(2)));
        return services;
    }

    public static void MapHealth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = static _ => false, ResponseWriter = WriteAsync }).WithMetadata(new ManagementEndpoint());
        endpoints.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = static check => check.Tags.Contains(Ready), ResponseWriter = WriteAsync }).WithMetadata(new ManagementEndpoint());
    }

    /// <summary>Names and yes or no: an exception's message stays inside.</summary>
    private static async Task WriteAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.Body);
        json.WriteStartObject();
        json.WriteBoolean("healthy", report.Status == HealthStatus.Healthy);
        json.WriteStartObject("probes");
        foreach (var (name, entry) in report.Entries) json.WriteBoolean(name, entry.Status == HealthStatus.Healthy);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private sealed class Probe(IServiceProvider services, Func<IServiceProvider, CancellationToken, Task<bool>> isReady) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                return await isReady(services, cancellationToken) ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy();
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                return HealthCheckResult.Unhealthy(exception.GetType().Name);
            }
        }
    }
}
