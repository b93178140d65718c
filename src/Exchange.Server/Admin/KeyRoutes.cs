using Exchange.Grains.Intake;
using Exchange.Server.Access;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>API keys: made (shown this once), listed, revoked.</summary>
internal static class KeyRoutes
{
    private const int LabelChars = 63;

    public static void MapKeyRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/keys", "Every key with its role, never the key itself.", ListAsync);
        routes.Change(HttpMethods.Post, "/v1/admin/keys", "Make a key: {\"role\", \"for\", \"mode\"}. It is shown this once.", CreateAsync)
            .ProducesProblem(409).ProducesProblem(422);
        routes.Change(HttpMethods.Delete, "/v1/admin/keys/{id}", "End a key at once.", RevokeAsync).ProducesProblem(404);
    }

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        var keys = await call.Service<ApiKeys>().ListAsync(call.Cancel);
        return Reply.Json(json => json.WriteObjects("keys", keys, key =>
        {
            json.WriteString("id", key.Id);
            json.WriteString("role", Caller.Wire(key.Role));
            json.WriteString("for", key.For);
            json.WriteString("mode", key.Test ? "test" : "live");
            json.WriteString("prefix", key.Prefix);
            json.WriteTime("created_at", key.CreatedAtMs);
            if (key.RevokedAtMs is { } revoked) json.WriteTime("revoked_at", revoked);
            else json.WriteNull("revoked_at");
        }));
    }

    private static async Task<Reply> CreateAsync(ApiCall call)
    {
        var (members, bytes, problem) = await Members.ReadAsync(call, "role", "for", "mode");
        if (problem is not null) return problem;
        var wire = members.Required("role");
        var party = members.Required("for", LabelChars);
        var mode = members.Optional("mode") ?? "live";
        if (wire.Length > 0 && !Caller.TryParseRole(wire, out _)) members.Fail("/role", "invalid_field", "The role is publisher, buyer, admin or viewer.");
        if (mode is not ("live" or "test")) members.Fail("/mode", "invalid_field", "The mode is live or test.");
        _ = Caller.TryParseRole(wire, out var role);
        if (mode == "test" && role != KeyRole.Publisher) members.Fail("/mode", "not_allowed", "Only a publisher's key can be for tests: what others see and do is live.");
        var model = call.Catalog.Current;
        if (party.Length > 0 && (role == KeyRole.Publisher && !model.Publishers.ContainsKey(party) || role == KeyRole.Buyer && !model.Buyers.ContainsKey(party)))
            members.Fail("/for", "unknown_id", $"The catalog has no such {Caller.Wire(role)}.");
        if (members.Problem is { } invalid) return invalid;

        return await call.Service<Operations>().RunAsync(call, bytes, async record =>
        {
            var keys = call.Service<ApiKeys>();
            var key = keys.Make(role, party, mode == "test");
            var reply = Reply.Json(json =>
            {
                json.WriteString("id", key.Row.Id);
                json.WriteString("key", key.Plain);
                json.WriteString("role", wire);
                json.WriteString("for", party);
                json.WriteString("mode", mode);
            });
            var note = new ChangeNote(call.Caller.Name, "key.create", key.Row.Id, $"{wire} {party} {mode}", call.NowMs) { Operation = record?.Of(reply) };
            try
            {
                // Not to be broken off half way because the caller left: the key would be there and nobody told.
                await keys.AddAsync(key, note, CancellationToken.None);
            }
            catch (InvalidOperationException)
            {
                return Problem.Of(409, "too_many_keys", "This party has two live keys of this role and mode; revoke one first.");
            }
            return reply;
        });
    }

    private static async Task<Reply> RevokeAsync(ApiCall call)
    {
        var id = call.Route("id");
        if (!(await call.Store.Access.KeysAsync(call.Cancel)).Any(key => key.Id == id && key.RevokedAtMs is null)) return ApiCall.NotFound("There is no such live key.");
        // Before anything changes: no line in the audit, no revocation.
        await call.Store.Access.AuditAsync(call.Caller.Name, "key.revoke", id, null, call.NowMs, CancellationToken.None);
        if (!await call.Service<ApiKeys>().RevokeAsync(id, CancellationToken.None)) return ApiCall.NotFound("There is no such live key.");
        return Reply.Json(json =>
        {
            json.WriteString("id", id);
            json.WriteBoolean("revoked", true);
        });
    }
}
