using Exchange.Server.Access;
using Exchange.Server.Intake.Compatibility.Boberdoo;
using Exchange.Server.Intake.Compatibility.LeadProsper;
using Exchange.Server.Intake.Compatibility.LeadsPedia;
using Exchange.Server.Intake.Compatibility.Phonexa;
using Exchange.Storage;

namespace Exchange.Server.Intake.Compatibility;

/// <summary>Endpoints in other products' forms, so that a publisher who posts to one of them changes its URL and its key only.</summary>
public static class CompatibilityComposition
{
    internal static IReadOnlyList<ForeignApi> All { get; } = [new BoberdooApi(), new LeadsPediaApi(), new PhonexaApi(), new LeadProsperApi()];

    /// <summary>Needs what intake needs, and the catalog.</summary>
    public static IServiceCollection AddCompatibility(this IServiceCollection services) => services.AddSingleton<ForeignHttp>();

    /// <summary>POST under <c>/compat/NAME/</c>.</summary>
    public static IEndpointRouteBuilder MapCompatibility(this IEndpointRouteBuilder endpoints)
    {
        var http = endpoints.ServiceProvider.GetRequiredService<ForeignHttp>();
        foreach (var api in All)
            foreach (var path in api.Paths)
                endpoints.MapPost($"/compat/{api.Name}/{path}", (RequestDelegate)(context => http.HandleAsync(context, api, path)))
                    // Its key is in the body: the handler lets it in or not.
                    .WithMetadata(new RequiredRoles([KeyRole.Publisher])).ExcludeFromDescription();
        return endpoints;
    }
}
