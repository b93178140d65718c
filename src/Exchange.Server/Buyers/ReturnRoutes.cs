using Exchange.Engine.Returns;
using Exchange.Engine.Values;
using Exchange.Grains.Returns;
using Exchange.Server.Admin;
using Exchange.Storage;

namespace Exchange.Server.Buyers;

/// <summary>A buyer gives a copy back. Another's copy does not exist for it.</summary>
internal static class ReturnRoutes
{
    public const int NoteChars = 2_000;
    public const int UrlChars = 2_000;

    public static void MapReturnRoutes(this IEndpointRouteBuilder routes) =>
        routes.Map(HttpMethods.Post, "/v1/buyer/copies/{copy_id}/return",
            "Give a copy back: {\"reason\", \"note\", \"evidence_url\"}. \"accepted\": the price is back; \"requested\": it waits to be decided. Once for each copy.", ReturnAsync, KeyRole.Buyer)
            .ProducesProblem(404).ProducesProblem(409).ProducesProblem(422);

    private static async Task<Reply> ReturnAsync(ApiCall call)
    {
        var (members, bytes, problem) = await Members.ReadAsync(call, "reason", "note", "evidence_url");
        if (problem is not null) return problem;
        var reason = members.Required("reason");
        if (reason.Length > 0 && !ReturnTerms.IsReason(reason)) members.Fail("/reason", "invalid_format", "A reason is a word of lower-case letters, digits, underscores or hyphens, as invalid_phone.");
        var note = members.Optional("note", NoteChars);
        var evidence = members.Optional("evidence_url", UrlChars);
        if (evidence is not null && !(Uri.TryCreate(evidence, UriKind.Absolute, out var url) && url.Scheme is "https" or "http"))
            members.Fail("/evidence_url", "invalid_format", "An address is absolute and starts with https://.");
        if (members.Problem is { } invalid) return invalid;
        var name = call.Route("copy_id");
        return await call.Service<Operations>().RunAsync(call, bytes, async record =>
        {
            if (!CopyId.TryParse(name, out var copy)) return ApiCall.NotFound("There is no such copy.");
            var (status, refused) = await call.Service<ReturnDesk>().AskAsync(call.Caller.For, copy, new(reason, note, evidence) { Request = record?.Request });
            if (refused is not null) return refused;
            return Reply.Json(json =>
            {
                json.WriteString("copy_id", copy.ToString());
                json.WriteString("status", ReturnJson.Wire(status));
            });
        });
    }
}
