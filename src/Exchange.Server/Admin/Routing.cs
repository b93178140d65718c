using Exchange.Storage;
using Exchange.Server.Access;

namespace Exchange.Server.Admin;

/// <summary>Maps handlers that answer with a <see cref="Reply"/>, and says who may call them.</summary>
internal static class Routing
{
    /// <summary>For admins and, because it only reads, viewers.</summary>
    public static RouteHandlerBuilder Read(this IEndpointRouteBuilder routes, string pattern, string summary, Func<ApiCall, Task<Reply>> handler) =>
        routes.Map(HttpMethods.Get, pattern, summary, handler, KeyRole.Admin, KeyRole.Viewer);

    /// <summary>For admins alone.</summary>
    public static RouteHandlerBuilder Change(this IEndpointRouteBuilder routes, string method, string pattern, string summary, Func<ApiCall, Task<Reply>> handler) =>
        routes.Map(method, pattern, summary, handler, KeyRole.Admin);

    public static RouteHandlerBuilder Map(
        this IEndpointRouteBuilder routes, string method, string pattern, string summary, Func<ApiCall, Task<Reply>> handler, params KeyRole[] roles)
    {
        // As a Delegate, so that the endpoint appears in the OpenAPI document; the handler itself stays raw.
        Func<HttpContext, Task> raw = async context => await (await handler(new ApiCall(context))).WriteAsync(context);
        return routes.MapMethods(pattern, [method], raw)
            .RequireRole(roles)
            .WithSummary(summary)
            .WithTags(pattern.StartsWith("/v1/admin", StringComparison.Ordinal) ? "Admin" : "Buyer")
            .Produces(200, contentType: Reply.JsonType)
            .ProducesProblem(401)
            .ProducesProblem(403);
    }
}
