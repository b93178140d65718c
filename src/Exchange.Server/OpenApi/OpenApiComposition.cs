using Exchange.Server.Access;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace Exchange.Server.OpenApi;

public static class OpenApiComposition
{
    private const string KeyScheme = "key";

    public static IServiceCollection AddExchangeOpenApi(this IServiceCollection services) => services.AddOpenApi("v1", static options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddOperationTransformer(static (operation, context, _) =>
        {
            if (!context.Description.ActionDescriptor.EndpointMetadata.OfType<RequiredRoles>().Any() || context.Document is not { } document) return Task.CompletedTask;
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(KeyScheme, document)] = [] }];
            operation.Responses ??= [];
            operation.Responses["401"] = PublisherOperations.ProblemResponse(document, "401");
            operation.Responses["403"] = PublisherOperations.ProblemResponse(document, "403");
            return Task.CompletedTask;
        });
        options.AddDocumentTransformer(static (document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "Lead exchange",
                Version = "v1",
                Description = "Ping-post: publishers ping, buyers' campaigns bid, the post is sold. Money is a decimal text, times are UTC.",
            };
            // Whoever reads the document knows where it came from; what this host is called outside, it does not.
            document.Servers = [];
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
            document.Components.SecuritySchemes[KeyScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "An API key; X-Api-Key: KEY does as well. Never in a URL.",
            };
            foreach (var (name, schema) in PublisherSchemas.All) document.AddComponent(name, schema);
            PublisherOperations.Describe(document);
            AdminOperations.Describe(document);
            OperatorOperations.Describe(document);
            BuyerOperations.Describe(document);
            return Task.CompletedTask;
        });
    });

    /// <summary>The document at <c>/openapi/v1.json</c> and its page at <c>/docs</c>; open to all.</summary>
    public static IEndpointRouteBuilder MapExchangeOpenApi(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapOpenApi("/openapi/{documentName}.json");
        endpoints.MapScalarApiReference("/docs", static options =>
        {
            options.WithTitle("Lead exchange").WithOpenApiRoutePattern("/openapi/v1.json");
            // The page speaks to this exchange alone: nobody else's services, links or fonts.
            options.ShowDeveloperTools = DeveloperToolsVisibility.Never;
            options.HideClientButton = true;
            options.DefaultFonts = false;
            options.Telemetry = false;
            options.Agent = new ScalarAgentOptions { Disabled = true };
        });
        return endpoints;
    }
}
