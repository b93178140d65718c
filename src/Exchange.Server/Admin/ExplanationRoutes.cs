using Exchange.Engine.Explanations;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;

namespace Exchange.Server.Admin;

/// <summary>Why a ping came to what it came to, worked out again from its record and the catalog it was walked on.</summary>
internal static class ExplanationRoutes
{
    public static void MapExplanationRoutes(this IEndpointRouteBuilder routes) =>
        routes.Read("/v1/admin/pings/{ping_id}/explanation", "For every campaign of the tree: tier, verdict, reason, the numbers used and what would have sold it; and what its post came to.", GetAsync)
            .ProducesProblem(404);

    private static async Task<Reply> GetAsync(ApiCall call)
    {
        if (!LeadId.TryParse(call.Route("ping_id"), out var id) || await call.Store.Pings.FindAsync(id, call.Catalog.ModelAsync, call.Cancel) is not { } record)
            return Problem.Of(404, "ping_not_found", "There is no such ping; records are kept for a limited time.");
        var model = await call.Catalog.ModelAsync(record.CatalogVersion, call.Cancel);
        var today = call.Catalog.Current;
        var explanation = Explainer.Explain(model, record, today);
        var lead = await call.Store.Leads.FindAsync(id, call.Cancel) is { IsPosted: true } posted ? posted : null;
        var passedOver = lead is null ? [] : await call.Store.Leads.PassedOverAsync(id, call.Cancel);
        return Reply.Json(json =>
        {
            ExplanationJson.WriteMembers(json, explanation, record, model, today);
            ExplanationJson.WritePost(json, lead, passedOver);
        });
    }
}
