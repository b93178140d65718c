using System.Text.Json;
using Exchange.Engine.Values;
using Exchange.Grains.Returns;
using Exchange.Server.Problems;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>Returns as they stand; those that wait are accepted or refused here. What a buyer wrote beside its reason is shown to admins alone, audited.</summary>
internal static class ReturnRoutes
{
    public static void MapReturnRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/returns", "Returns, newest first; ?status= requested, accepted or refused and ?buyer= narrow them.", ListAsync).ProducesProblem(422);
        routes.Read("/v1/admin/returns/{copy_id}", "The return of one copy; ?reveal=true shows note and evidence to an admin and is audited.", GetAsync).ProducesProblem(404);
        routes.Change(HttpMethods.Post, "/v1/admin/returns/{copy_id}/accept", "Accept a return that waits: the buyer gets its price back.", call => DecideAsync(call, accept: true))
            .ProducesProblem(404).ProducesProblem(409);
        routes.Change(HttpMethods.Post, "/v1/admin/returns/{copy_id}/refuse", "Refuse a return that waits; it cannot be asked for again.", call => DecideAsync(call, accept: false))
            .ProducesProblem(404).ProducesProblem(409);
    }

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        if (call.ReadLimit(out var limit) is { } problem) return problem;
        ReturnStatus? status = call.Query("status") switch
        {
            null => null,
            "requested" => ReturnStatus.Requested,
            "accepted" => ReturnStatus.Accepted,
            "refused" => ReturnStatus.Refused,
            _ => (ReturnStatus)0,
        };
        if (status == 0) return ApiCall.InvalidQuery("status", "invalid_field", "The status is requested, accepted or refused.");
        var page = await call.Store.Returns.ListAsync(status, call.Query("buyer"), limit, call.Query("cursor"), call.Cancel);
        return Reply.Json(json =>
        {
            json.WriteObjects("returns", page.Rows, row => WriteMembers(json, row));
            json.WriteString("next", page.Next);
        });
    }

    private static async Task<Reply> GetAsync(ApiCall call)
    {
        if (!CopyId.TryParse(call.Route("copy_id"), out var copy) || await call.Store.Returns.FindAsync(copy, call.Cancel) is not { } row) return NoSuch();
        var reveal = call.QueryFlag("reveal");
        if (reveal)
        {
            if (call.Caller.Role != KeyRole.Admin) return StatusProblems.Of(403);
            // Before anything is shown: no line in the audit, no reveal.
            await call.Store.Access.AuditAsync(call.Caller.Name, "return.reveal", copy.ToString(), null, call.NowMs, call.Cancel);
        }
        var wish = call.Service<ReturnDesk>().WishOf(row);
        return Reply.Json(json =>
        {
            WriteMembers(json, row);
            json.WriteBoolean("revealed", reveal);
            json.WriteString("note", reveal || wish.Note is null ? wish.Note : Mask.Whole());
            json.WriteString("evidence_url", reveal || wish.EvidenceUrl is null ? wish.EvidenceUrl : Mask.Whole());
        });
    }

    private static async Task<Reply> DecideAsync(ApiCall call, bool accept)
    {
        var name = call.Route("copy_id");
        return await call.Service<Operations>().RunAsync(call, [], async record =>
        {
            if (!CopyId.TryParse(name, out var copy)) return NoSuch();
            var reply = Reply.Json(json =>
            {
                json.WriteString("copy_id", copy.ToString());
                json.WriteString("status", ReturnJson.Wire(accept ? ReturnStatus.Accepted : ReturnStatus.Refused));
            });
            // Recorded with the decision: it stands also where its money cannot be booked at this moment.
            return await call.Service<ReturnDesk>().DecideAsync(copy, accept, call.Caller.Name, record?.Of(reply)) is { } problem ? problem : reply;
        });
    }

    private static void WriteMembers(Utf8JsonWriter json, ReturnRow row)
    {
        json.WriteString("copy_id", row.Copy.ToString());
        json.WriteString("lead_id", row.Copy.Lead.ToString());
        json.WriteString("buyer", row.Buyer);
        json.WriteString("campaign", row.Campaign);
        json.WriteString("publisher", row.Publisher);
        json.WriteString("vertical", row.Vertical);
        json.WriteString("status", ReturnJson.Wire(row.Status));
        json.WriteString("reason", row.Reason);
        json.WriteString("price", row.Price.ToString());
        json.WriteString("payout", row.Payout.ToString());
        json.WriteTime("sold_at", row.SoldAtMs);
        json.WriteTime("at", row.AtMs);
        if (row.DecidedAtMs is { } decided) json.WriteTime("decided_at", decided);
        else json.WriteNull("decided_at");
    }

    private static Grains.Intake.Problem NoSuch() => ApiCall.NotFound("There is no return of this copy.");
}
