using System.Globalization;
using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>Copies of which nobody knows whether their buyer took them: the page of them, and the operator's word that ends one.</summary>
internal static class DoubtRoutes
{
    private const int NoteChars = 500;

    public static void MapDoubtRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/doubts", "Copies in doubt, oldest first; ?buyer=, ?campaign=, ?older_than_s= narrow them.", ListAsync).ProducesProblem(422);
        routes.Change(HttpMethods.Post, "/v1/admin/copies/{copy_id}/resolve", "Say what became of a copy in doubt: {\"outcome\": \"accepted\" | \"rejected\"}. Accepted makes the sale; rejected frees it and the next in rank is asked. A \"note\" may be sent and is not kept: the audit trail keeps the outcome.", ResolveAsync)
            .ProducesProblem(404).ProducesProblem(409).ProducesProblem(422);
    }

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        if (call.ReadLimit(out var limit) is { } problem) return problem;
        long seconds = 0;
        if (call.Query("older_than_s") is { } text && !(long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seconds) && seconds <= int.MaxValue))
            return ApiCall.InvalidQuery("older_than_s", "out_of_range", "older_than_s is a whole number of seconds.");
        var before = seconds == 0 ? long.MaxValue : call.NowMs - seconds * 1000;
        var page = await call.Store.Doubts.ListAsync(new(call.Query("buyer"), call.Query("campaign"), before, limit, call.Query("cursor")), call.Cancel);
        return Reply.Json(json =>
        {
            json.WriteObjects("doubts", page.Rows, row =>
            {
                json.WriteString("copy_id", row.Copy.ToString());
                json.WriteString("lead_id", row.Copy.Lead.ToString());
                json.WriteString("campaign", row.Campaign);
                json.WriteString("buyer", row.Buyer);
                json.WriteString("price", row.Price.ToString());
                json.WriteTime("since", row.SinceMs);
                json.WriteNumber("attempts", row.Attempts);
                json.WriteString("error", row.Error);
                // The same buyer is asked again, with the same id; when that is over only the operator can tell.
                json.WriteString("next", row.NextMs is null ? "operator" : "ask_again");
                if (row.NextMs is { } next) json.WriteTime("next_at", next);
                else json.WriteNull("next_at");
            });
            json.WriteString("next", page.Next);
        });
    }

    private static async Task<Reply> ResolveAsync(ApiCall call)
    {
        var (members, bytes, problem) = await Members.ReadAsync(call, "outcome", "note");
        if (problem is not null) return problem;
        var outcome = members.Required("outcome");
        if (outcome.Length > 0 && outcome is not ("accepted" or "rejected")) members.Fail("/outcome", "invalid_field", "The outcome is accepted or rejected.");
        // Free text may name a person, and what the audit trail has no erasure reaches.
        members.Optional("note", NoteChars);
        if (members.Problem is { } invalid) return invalid;
        if (!CopyId.TryParse(call.Route("copy_id"), out var copy)) return NoSuch();
        // Ordered by the lead itself and idempotent by the copy's state: a key keeps its answer.
        return await call.Service<Operations>().RunAsync(call, bytes, async () =>
        {
            var reply = await call.Service<IGrainFactory>().Lead(copy.Lead).Resolve(new(copy.No, outcome == "accepted", call.Caller.Name));
            return reply switch
            {
                ResolveReply.Unknown => NoSuch(),
                ResolveReply.CallUnderWay => Grains.Intake.Problem.Of(409, "call_under_way", "Its buyer is being asked at this moment and may take it; come again when that call is over.", 5),
                ResolveReply.NotInDoubt => Grains.Intake.Problem.Of(409, "not_in_doubt", "This copy is not in doubt, or ended another way."),
                ResolveReply.Moved => Grains.Intake.Problem.Of(503, "storage_unavailable", "Others change this lead at this moment: the copy is in doubt still, and its buyer may not be asked again by itself. Send the same again.", 1),
                _ => Reply.Json(json =>
                {
                    json.WriteString("copy_id", copy.ToString());
                    json.WriteString("outcome", outcome);
                    json.WriteBoolean("changed", reply == ResolveReply.Done);
                }),
            };
        });
    }

    private static Grains.Intake.Problem NoSuch() => ApiCall.NotFound("There is no such copy.");
}
