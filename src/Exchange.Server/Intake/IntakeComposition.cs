using Exchange.Grains.Intake;
using Exchange.Server.Access;
using Exchange.Storage;

namespace Exchange.Server.Intake;

public static class IntakeComposition
{
    /// <summary>Before an idempotency key, which may have slashes.</summary>
    internal const string RequestsPath = "/v1/requests/";

    /// <summary>Needs ILeadIntake, TimeProvider, and the rooms Access and Observability.</summary>
    public static IServiceCollection AddIntake(this IServiceCollection services) => services.AddSingleton<IntakeHttp>();

    /// <summary>The publishers' endpoints under <c>/v1</c>.</summary>
    public static IEndpointRouteBuilder MapIntake(this IEndpointRouteBuilder endpoints)
    {
        var http = endpoints.ServiceProvider.GetRequiredService<IntakeHttp>();
        Map(endpoints, HttpMethods.Post, "/v1/pings", http.PingAsync).WithMetadata(new AdmittedAttribute(Work.New));
        Map(endpoints, HttpMethods.Post, "/v1/posts", http.PostAsync).WithMetadata(new AdmittedAttribute(Work.Promised));
        Map(endpoints, HttpMethods.Post, "/v1/leads", http.DirectPostAsync).WithMetadata(new AdmittedAttribute(Work.New));
        Map(endpoints, HttpMethods.Get, "/v1/leads/{lead_id}", http.GetLeadAsync);
        Map(endpoints, HttpMethods.Get, RequestsPath + "{**key}", http.GetRequestAsync);
        Map(endpoints, HttpMethods.Patch, "/v1/leads/{lead_id}", http.AddFieldsAsync);
        return endpoints;
    }

    /// <summary>The handler's method is named so that the API explorer, and by it the OpenAPI document, sees an endpoint that has no parameters to bind.</summary>
    private static IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints, string method, string pattern, RequestDelegate handler) =>
        endpoints.MapMethods(pattern, [method], handler).RequireRole(KeyRole.Publisher).WithMetadata(handler.Method).WithTags("Publishers");
}
