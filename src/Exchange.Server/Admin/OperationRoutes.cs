using Exchange.Server.Intake;

namespace Exchange.Server.Admin;

/// <summary>For an admin who does not know how an operation ended.</summary>
internal static class OperationRoutes
{
    private const string Path = "/v1/admin/operations/";

    public static void MapOperationRoutes(this IEndpointRouteBuilder routes) =>
        // For admins alone: what was answered may be a key.
        routes.Map(HttpMethods.Get, Path + "{**key}", "What became of an operation of yours, by its Idempotency-Key: its answer; 404: nothing was done; 409: it still runs.",
                call => call.Service<Operations>().AskAsync(call, IdempotencyKeys.OfPath(call.Request, Path)), Storage.KeyRole.Admin)
            .ProducesProblem(404).ProducesProblem(409);
}
