namespace Exchange.Server.Observability;

/// <summary>Marks an endpoint that is served on the management port and nowhere else.</summary>
public sealed record ManagementEndpoint;

public static class ManagementPort
{
    /// <summary>
    /// Parts the ports: management endpoints answer on <paramref name="port"/> only, all others on every port but it; elsewhere they do not
    /// exist. The socket's own port decides, not the Host header, which a caller may write as it likes. Must come after routing.
    /// </summary>
    public static IApplicationBuilder UseManagementPort(this IApplicationBuilder app, int port) => app.Use((context, next) =>
    {
        if (context.GetEndpoint() is { } endpoint)
        {
            var isManagement = endpoint.Metadata.GetMetadata<ManagementEndpoint>() is not null;
            if (isManagement != (context.Connection.LocalPort == port))
            {
                context.SetEndpoint(null);
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }
        }
        return next(context);
    });
}
