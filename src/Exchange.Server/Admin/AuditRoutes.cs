using Exchange.Storage.Audit;

namespace Exchange.Server.Admin;

/// <summary>The auditor over a running exchange.</summary>
internal static class AuditRoutes
{
    public static void MapAuditRoutes(this IEndpointRouteBuilder routes) =>
        routes.Read("/v1/admin/audit", "Check everything stored against the invariants; reads all of it, so not every minute.", RunAsync).ProducesProblem(503);

    private static async Task<Reply> RunAsync(ApiCall call)
    {
        var report = await call.Service<IAudits>().RunAsync(call.NowMs, call.Cancel);
        return Reply.Json(json => AuditJson.WriteMembers(json, report));
    }
}
