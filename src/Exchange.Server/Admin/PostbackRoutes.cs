using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Exchange.Grains.Postbacks;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>What publishers are told, as it stands; dead letters are seen here and sent again.</summary>
internal static class PostbackRoutes
{
    public static void MapPostbackRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/postbacks", "Publishers' postbacks, newest lead first; ?status=dead shows dead letters, ?publisher= and ?lead_id= narrow them.", ListAsync).ProducesProblem(422);
        routes.Change(HttpMethods.Post, "/v1/admin/postbacks/{postback_id}/replay", "Send a dead postback again now, or one that waits for its next attempt; {\"note\"} is for the audit trail.", ReplayAsync).ProducesProblem(404).ProducesProblem(422);
        routes.Change(HttpMethods.Post, "/v1/admin/postbacks/replay", "Send dead postbacks again now: all that match {\"publisher\", \"error\", \"from\", \"until\", \"note\"}. Answers how many.", ReplayAllAsync)
            .ProducesProblem(422);
    }

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        if (call.ReadLimit(out var limit) is { } problem) return problem;
        if (!DeliveryWords.TryParse(call.Query("status"), out var status) || status == DeliveryStatus.Failed)
            return ApiCall.InvalidQuery("status", "invalid_field", "The status is waiting, delivered, dead or cancelled.");
        LeadId? of = null;
        if (call.Query("lead_id") is { } text)
        {
            if (!LeadId.TryParse(text, out var lead)) return ApiCall.InvalidQuery("lead_id", "invalid_format", "This is no lead's id.");
            of = lead;
        }
        var page = await call.Store.Postbacks.ListAsync(new(status, call.Query("publisher"), of), limit, call.Query("cursor"), call.Cancel);
        return Reply.Json(json =>
        {
            json.WriteObjects("postbacks", page.Rows, row =>
            {
                json.WriteString("postback_id", row.Id.ToString());
                json.WriteString("lead_id", row.Id.Lead.ToString());
                json.WriteString("event", row.Id.Event.Wire());
                json.WriteString("copy_id", row.Id.No == PostbackId.NoCopy ? null : new CopyId(row.Id.Lead, row.Id.No).ToString());
                json.WriteString("publisher", row.Publisher);
                json.WriteString("change", row.Change.ToString());
                json.WriteString("status", DeliveryWords.Wire(row.Status));
                json.WriteNumber("attempts", row.Attempts);
                json.WriteTime("due_at", row.DueAtMs);
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
        if (!PostbackId.TryParse(call.Route("postback_id"), out var id)) return NoSuch();
        return await call.Service<Operations>().RunAsync(call, body, async () =>
        {
            // Before anything changes: no line in the audit, no replay.
            await call.Store.Access.AuditAsync(call.Caller.Name, "postback.replay", id.ToString(), note, call.NowMs, CancellationToken.None);
            if (!await call.Store.Postbacks.ReplayAsync(id, call.NowMs, CancellationToken.None)) return NoSuch();
            call.Service<PostbackPump>().Nudge();
            return Reply.Json(json =>
            {
                json.WriteString("postback_id", id.ToString());
                json.WriteString("status", "waiting");
            });
        });
    }

    private static async Task<Reply> ReplayAllAsync(ApiCall call)
    {
        var (members, body, problem) = await Members.ReadOptionalAsync(call, "publisher", "error", "from", "until", "note");
        if (problem is not null) return problem;
        var note = members.Optional("note", DeadLetterReplay.NoteChars);
        var which = new DeadPostbacks(members.Optional("publisher"), members.Optional("error"), members.OptionalTime("from"), members.OptionalTime("until"));
        if (members.Problem is { } invalid) return invalid;
        return await DeadLetterReplay.AllAsync(call, body, "postback.replay_all", $"{which.Publisher ?? "*"} {which.Error ?? "*"}", note,
            (limit, now) => call.Store.Postbacks.ReplayAsync(which, limit, now, CancellationToken.None), call.Service<PostbackPump>().Nudge);
    }

    private static Grains.Intake.Problem NoSuch() => ApiCall.NotFound("There is no such dead postback.");
}
