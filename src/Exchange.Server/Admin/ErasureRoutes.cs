using Exchange.Engine.Values;
using Exchange.Grains.Leads;

namespace Exchange.Server.Admin;

/// <summary>Forgets the person of a lead. Copies, money and counts stay.</summary>
internal static class ErasureRoutes
{
    public static void MapErasureRoutes(this IEndpointRouteBuilder routes) =>
        routes.Change(HttpMethods.Delete, "/v1/admin/leads/{lead_id}/pii", "Erase whose lead it was: contact data and consent go, what waits is cancelled, the person is suppressed. Unknown leads are answered the same.", EraseAsync)
            .Produces(202, contentType: Reply.JsonType);

    private static async Task<Reply> EraseAsync(ApiCall call)
    {
        var name = call.Route("lead_id");
        // Whether there is such a lead is not told: afterwards there is nobody to be told of.
        if (LeadId.TryParse(name, out var id)) await call.Service<IGrainFactory>().Lead(id).Erase(new(call.Caller.Name));
        call.Service<WaitPump>().Nudge();
        return Reply.Json(json =>
        {
            json.WriteString("lead_id", name);
            json.WriteString("status", "erased");
        }, 202);
    }
}
