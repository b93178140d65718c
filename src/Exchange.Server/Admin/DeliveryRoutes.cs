using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>Deliveries as they stand; dead letters are seen here and sent again.</summary>
internal static class DeliveryRoutes
{
    public static void MapDeliveryRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/deliveries", "Deliveries, newest first; ?status=dead shows dead letters, ?buyer= one buyer's.", ListAsync).ProducesProblem(422);
        routes.Change(HttpMethods.Post, "/v1/admin/deliveries/{copy_id}/{endpoint}/replay", "Send a dead or failed delivery again now, or one that waits for its next attempt; {\"note\"} is for the audit trail.", ReplayAsync)
            .ProducesProblem(404).ProducesProblem(422);
        routes.Change(HttpMethods.Post, "/v1/admin/deliveries/replay", "Send dead and failed deliveries again now: all that match {\"buyer\", \"endpoint\", \"error\", \"from\", \"until\", \"note\"}. Answers how many.", ReplayAllAsync)
            .ProducesProblem(422);
        routes.Change(HttpMethods.Post, "/v1/admin/deliveries/{copy_id}/{endpoint}/redeliver", "Send a sold copy once more to this endpoint of its buyer, whatever became of it there; {\"note\"} says why.", RedeliverAsync)
            .ProducesProblem(404).ProducesProblem(409).ProducesProblem(422);
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
                json.WriteString("waits_for", row.Status != DeliveryStatus.Waiting ? null : row.Wait switch
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
        var (members, body, problem) = await Members.ReadOptionalAsync(call, "note");
        var note = members.Optional("note", DeadLetterReplay.NoteChars);
        if ((problem ?? members.Problem) is { } invalid) return invalid;
        if (!CopyId.TryParse(call.Route("copy_id"), out var copy)) return NoSuch();
        var endpoint = call.Route("endpoint");
        return await call.Service<Operations>().RunAsync(call, body, async () =>
        {
            // Before anything changes: no line in the audit, no replay.
            await call.Store.Access.AuditAsync(call.Caller.Name, "delivery.replay", $"{copy} {endpoint}", note, call.NowMs, CancellationToken.None);
            if (!await call.Store.Deliveries.ReplayAsync(copy, endpoint, call.NowMs, CancellationToken.None)) return NoSuch();
            call.Service<DeliveryPump>().Nudge();
            return Waiting(copy, endpoint);
        });
    }

    private static async Task<Reply> ReplayAllAsync(ApiCall call)
    {
        var (members, body, problem) = await Members.ReadOptionalAsync(call, "buyer", "endpoint", "error", "from", "until", "note");
        if (problem is not null) return problem;
        var (from, until) = (members.OptionalTime("from"), members.OptionalTime("until"));
        var note = members.Optional("note", DeadLetterReplay.NoteChars);
        var which = new DeadLetters(members.Optional("buyer"), members.Optional("endpoint"), members.Optional("error"), from, until);
        if (members.Problem is { } invalid) return invalid;
        return await DeadLetterReplay.AllAsync(call, body, "delivery.replay_all", $"{which.Buyer ?? "*"} {which.Endpoint ?? "*"} {which.Error ?? "*"}", note,
            (limit, now) => call.Store.Deliveries.ReplayAsync(which, limit, now, CancellationToken.None), call.Service<DeliveryPump>().Nudge);
    }

    private static async Task<Reply> RedeliverAsync(ApiCall call)
    {
        var (members, body, problem) = await Members.ReadOptionalAsync(call, "note");
        if (problem is not null) return problem;
        var note = members.Required("note", DeadLetterReplay.NoteChars);
        if (members.Problem is { } invalid) return invalid;
        if (!CopyId.TryParse(call.Route("copy_id"), out var copy)) return NoCopy();
        var endpoint = call.Route("endpoint");
        var lead = await call.Store.Leads.FindAsync(copy.Lead, call.Cancel);
        if (lead?.Copies.FirstOrDefault(row => row.Id == copy) is not { State: CopyState.Captured } row || lead.Test) return NoCopy();
        if (lead.IsErased) return Grains.Intake.Problem.Of(409, "erased", "The person of this lead was erased; there is nothing to send.");
        if (!call.Catalog.Current.Buyers.TryGetValue(row.Buyer, out var buyer) || buyer.Endpoints.GetValueOrDefault(endpoint) is not { Connector: not ConnectorKind.Inbox })
            return ApiCall.NotFound("Its buyer has no such endpoint that can be called.");
        return await call.Service<Operations>().RunAsync(call, body, async () =>
        {
            // Before anything changes: no line in the audit, no delivery.
            await call.Store.Access.AuditAsync(call.Caller.Name, "delivery.redeliver", $"{copy} {endpoint}", note, call.NowMs, CancellationToken.None);
            if (!await call.Store.Deliveries.RedeliverAsync(copy, endpoint, call.NowMs, CancellationToken.None))
                return Grains.Intake.Problem.Of(409, "on_its_way", "This delivery is on its way.");
            call.Service<DeliveryPump>().Nudge();
            return Waiting(copy, endpoint);
        });
    }

    private static Reply Waiting(CopyId copy, string endpoint) => Reply.Json(json =>
    {
        json.WriteString("copy_id", copy.ToString());
        json.WriteString("endpoint", endpoint);
        json.WriteString("status", "waiting");
    });

    private static Grains.Intake.Problem NoSuch() => ApiCall.NotFound("There is no delivery of this copy to this endpoint that is dead, failed or waiting for its next attempt.");

    private static Grains.Intake.Problem NoCopy() => ApiCall.NotFound("There is no such sold copy.");
}
