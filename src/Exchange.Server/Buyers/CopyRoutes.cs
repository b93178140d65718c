using Exchange.Delivery;
using Exchange.Engine.Catalog;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Grains.Returns;
using Exchange.Server.Admin;
using Exchange.Storage;

namespace Exchange.Server.Buyers;

/// <summary>The inbox: a buyer pulls what it bought, oldest first, and says what it has. Another's copy does not exist for it.</summary>
internal static class CopyRoutes
{
    public static void MapCopyRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Map(HttpMethods.Get, "/v1/buyer/copies", "Copies bought, oldest first; ?after= goes on from next, ?status=waiting shows those not acknowledged.", ListAsync, KeyRole.Buyer)
            .ProducesProblem(422)
            .ProducesProblem(429);
        routes.Map(HttpMethods.Post, "/v1/buyer/copies/{copy_id}/ack", "Say that a copy was fetched; twice is harmless.", AcknowledgeAsync, KeyRole.Buyer)
            .ProducesProblem(404);
    }

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        if (call.ReadLimit(out var limit) is { } problem) return problem;
        if (call.Catalog.Current.Buyers.TryGetValue(call.Caller.For, out var buyer) && call.Service<InboxPulls>().Refused(buyer.Endpoints["inbox"]) is { } freeIn)
            return Grains.Intake.Problem.Of(429, "rate_limited", "The inbox is pulled more often than was agreed.", Math.Max(1, (int)Math.Ceiling(freeIn.TotalSeconds)));
        if (!DeliveryWords.TryParse(call.Query("status"), out var status)) return ApiCall.InvalidQuery("status", "invalid_field", DeliveryWords.Known);
        var page = await call.Store.Deliveries.CopiesOfBuyerAsync(call.Caller.For, status, limit, call.Query("after"), call.Cancel);
        var model = call.Catalog.Current;
        var vault = call.Store.Vault;
        var said = await ReturnJson.ReadAsync(call, [.. page.Rows.Select(row => row.Lead)]);
        var terms = new Dictionary<CopyId, CatalogModel>(page.Rows.Count);
        foreach (var row in page.Rows) terms[row.Copy.Id] = await SaleTerms.ModelOfAsync(call.Catalog, row.Lead, row.Copy.Campaign, call.Cancel);
        return Reply.Json(json =>
        {
            json.WriteStartArray("copies");
            foreach (var row in page.Rows)
            {
                var payload = LeadPayload.Of(vault, row.Lead);
                CopyMessageJson.Write(json, CopyMessages.Create(model, terms[row.Copy.Id], row.Lead, row.Copy, payload, vault), () =>
                {
                    json.WriteString("status", LeadAnswer.Wire(row.Copy.State));
                    said.WriteMembers(json, row.Copy.Id);
                });
            }
            json.WriteEndArray();
            json.WriteString("next", page.Next);
        });
    }

    private static async Task<Reply> AcknowledgeAsync(ApiCall call)
    {
        var name = call.Route("copy_id");
        return await call.Service<Operations>().RunAsync(call, [], async () =>
        {
            if (!CopyId.TryParse(name, out var copy) || !await call.Store.Deliveries.AcknowledgeAsync(call.Caller.For, copy, call.NowMs, call.Cancel))
                return ApiCall.NotFound("There is no such copy.");
            return Reply.Json(json =>
            {
                json.WriteString("copy_id", copy.ToString());
                json.WriteString("status", "delivered");
            });
        });
    }
}
