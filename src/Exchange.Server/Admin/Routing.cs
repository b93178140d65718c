using Exchange.Storage;
using Exchange.Server.Access;
using Exchange.Server.Answers;
using Exchange.Server.Problems;
using Microsoft.AspNetCore.Http.Metadata;

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
        Func<HttpContext, Task> raw = async context =>
        {
            // Before anything is done: who cannot read the answer would not know that it was.
            var reply = IsRead(context) ? await handler(new ApiCall(context)) : StatusProblems.Of(406);
            await reply.WriteAsync(context);
        };
        return routes.MapMethods(pattern, [method], raw)
            .RequireRole(roles)
            .WithSummary(summary)
            .WithTags(pattern.StartsWith("/v1/admin", StringComparison.Ordinal) ? "Admin" : "Buyer")
            .Produces(200, contentType: Reply.JsonType)
            .ProducesProblem(401)
            .ProducesProblem(403)
            .ProducesProblem(406);
    }

    /// <summary>Whether the caller takes one of the types that the route is said to answer in: JSON, and what is added where it is mapped. Which of several it writes, the handler says.</summary>
    private static bool IsRead(HttpContext context) => AnswerFormats.Takes(context.Request, context.GetEndpoint()!.Metadata.GetOrderedMetadata<IProducesResponseTypeMetadata>()
        .Where(static produced => produced.StatusCode < 300).SelectMany(static produced => produced.ContentTypes).Select(static type => type.Split(';')[0]));
}
