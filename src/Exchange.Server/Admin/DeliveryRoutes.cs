using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;

namespace Exchange.Server.Admin;

/// <summary>Deliveries as they stand; dead letters are seen here and sent again.</summary>
internal static class DeliveryRoutes
{
    public static void MapDeliveryRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/deliveries", "Deliveries, newest first; ?status=dead shows dead letters, ?buyer= one buyer's.", ListAsync).ProducesProblem(422);
        routes.Change(HttpMethods.Post, "/v1/admin/deliveries/{copy_id}/{endpoint}/replay", "Send a dead or failed delivery again now.", ReplayAsync).ProducesProblem(404);
    }

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        if (call.ReadLimit(out var limit) is { } problem) return problem;
        if (!DeliveryWords.TryParse(call.Query("status"), out var status)) return ApiCall.InvalidQuery("status", "invalid_field", DeliveryWords.Known);
        var page = await call.Store.Deliveries.ListAsync(status, call.Query("buyer"), limit, call.Query("cursor"), call.Cancel);
        return Reply.Json(json =>
        {
            json.WriteObjects("deliveries", page.Rows, row =>
            {
                json.WriteString("copy_id", row.Copy.ToString());
                json.WriteString("lead_id", row.Copy.Lead.ToString());
                json.WriteString("endpoint", row.Endpoint);
                json.WriteString("campaign", row.Campaign);
                json.WriteString("buyer", row.Buyer);
                json.WriteString("status", DeliveryWords.Wire(row.Status));
                json.WriteNumber("attempts", row.Attempts);
                json.WriteString("waits_for", row.Status != Storage.DeliveryStatus.Waiting ? null : row.Wait switch
                {
                    DeliveryWait.Moment => "moment", DeliveryWait.Fields => "fields", DeliveryWait.Sale => "sale", _ => null,
                });
                // An inbox is never due: its buyer comes for it.
                if (row.DueAtMs == NewDelivery.NeverDue) json.WriteNull("due_at");
                else json.WriteTime("due_at", row.DueAtMs);
                json.WriteString("error", row.Error);
                json.WriteTime("at", row.AtMs);
            });
            json.WriteString("next", page.Next);
        });
    }

    private static async Task<Reply> ReplayAsync(ApiCall call)
    {
        if (!CopyId.TryParse(call.Route("copy_id"), out var copy)) return NoSuch();
        var endpoint = call.Route("endpoint");
        return await call.Service<Operations>().RunAsync(call, [], async () =>
        {
            if (!await call.Store.Deliveries.ReplayAsync(copy, endpoint, call.NowMs, CancellationToken.None)) return NoSuch();
            call.Service<DeliveryPump>().Nudge();
            await call.Store.Access.AuditAsync(call.Caller.Name, "delivery.replay", $"{copy} {endpoint}", null, call.NowMs, CancellationToken.None);
            return Reply.Json(json =>
            {
                json.WriteString("copy_id", copy.ToString());
                json.WriteString("endpoint", endpoint);
                json.WriteString("status", "waiting");
            });
        });
    }

    private static Grains.Intake.Problem NoSuch() => ApiCall.NotFound("There is no dead or failed delivery of this copy to this endpoint.");
}
