using Exchange.Engine.Catalog;
using Exchange.Grains.Catalog;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Server.Access;
using Exchange.Server.Answers;
using Exchange.Server.Problems;
using Exchange.Storage;

namespace Exchange.Server.Intake.Specification;

/// <summary>Posting specifications: a publisher's own, and for admins and viewers anybody's. HTML to who likes it better than JSON.</summary>
public static class SpecificationRoutes
{
    private static readonly Problem NoPublisher = Problem.Of(404, "not_found", "There is no such publisher.");
    private static readonly Problem NotAcceptable = Problem.Of(406, "not_acceptable", "The answer is application/json or text/html; the Accept header takes neither.");

    /// <summary>Needs ICatalogHost and TimeProvider.</summary>
    public static IEndpointRouteBuilder MapSpecifications(this IEndpointRouteBuilder endpoints)
    {
        const string summary = "How to ping and post a vertical: fields, rules, examples. ?vertical= may be left out where there is only one.";
        Map("/v1/spec", context => context.GetCaller().For, "Publishers", KeyRole.Publisher);
        Map("/v1/admin/publishers/{id}/spec", context => (string)context.Request.RouteValues["id"]!, "Admin", KeyRole.Admin, KeyRole.Viewer);
        return endpoints;

        void Map(string pattern, Func<HttpContext, string> publisher, string tag, params KeyRole[] roles)
        {
            // As a Delegate, so that the endpoint appears in the OpenAPI document.
            Func<HttpContext, Task> handler = context => AnswerAsync(context, publisher(context));
            endpoints.MapMethods(pattern, [HttpMethods.Get], handler).RequireRole(roles).WithSummary(summary).WithTags(tag).Produces(200, contentType: "application/json", additionalContentTypes: "text/html").ProducesProblem(404).ProducesProblem(422);
        }
    }

    private static Task AnswerAsync(HttpContext context, string publisher)
    {
        var format = AnswerFormats.Of(context.Request, AnswerFormat.Html);
        if (format == AnswerFormat.None) return ProblemWriter.WriteAsync(context, NotAcceptable);
        var model = context.RequestServices.GetRequiredService<ICatalogHost>().Current;
        if (!model.Publishers.TryGetValue(publisher, out var found)) return ProblemWriter.WriteAsync(context, NoPublisher);
        var words = found.Verticals.Keys.Order(StringComparer.Ordinal).Select(id => PostingSpecification.WordOf(found, id)).ToArray();
        var today = PostRules.Today(context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow(), model.Zone);
        var asked = context.Request.Query["vertical"].Count > 0 ? context.Request.Query["vertical"].ToString() : words.Length == 1 ? words[0] : null;
        if (asked is null) return ProblemWriter.WriteAsync(context, Problem.Of(422, "missing_field", $"Name one of the verticals: ?vertical={string.Join(" or ", words)}."));
        if (PostingSpecification.Of(model, found, asked, today) is not { } specification)
            return ProblemWriter.WriteAsync(context, Problem.Of(404, "not_found", $"The publisher sends no such vertical; it sends {string.Join(", ", words)}."));
        var response = context.Response;
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        var body = format == AnswerFormat.Html ? SpecificationHtml.Write(specification) : SpecificationJson.Write(specification);
        response.ContentType = format == AnswerFormat.Html ? "text/html; charset=utf-8" : "application/json";
        if (format == AnswerFormat.Html) response.Headers.ContentSecurityPolicy = SpecificationHtml.Policy;
        response.ContentLength = body.Length;
        return response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
