using Exchange.Engine.Fields;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;
using Exchange.Grains.Leads;
using Exchange.Server.Problems;
using Exchange.Storage;

namespace Exchange.Server.Admin;

/// <summary>Leads with their copies and money; contact data masked, and revealed to admins only with a line in the audit.</summary>
internal static class LeadRoutes
{
    public static void MapLeadRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/leads", "Leads, newest first; ?publisher=, ?campaign=, ?buyer=, ?status= narrow them.", ListAsync).ProducesProblem(422);
        routes.Read("/v1/admin/leads/{lead_id}", "One lead with its copies, whom it passed over, its fields, tags and its buyers' notes, PII masked; ?reveal=true shows it to an admin and is audited.", GetAsync).ProducesProblem(404);
    }

    private static async Task<Reply> ListAsync(ApiCall call)
    {
        if (call.ReadLimit(out var limit) is { } problem) return problem;
        LeadState? state = call.Query("status") switch
        {
            null => null,
            "sold" => LeadState.Sold,
            "in_doubt" => LeadState.InDoubt,
            // Pending is what an open lead is told as; no row has that state.
            "pending" => LeadState.Open,
            "unsold" => LeadState.Unsold,
            _ => (LeadState)0,
        };
        if (state == 0) return ApiCall.InvalidQuery("status", "invalid_field", "The status is sold, in_doubt, pending or unsold.");
        var query = new LeadQuery(call.Query("publisher"), call.Query("campaign"), call.Query("buyer"), state, limit, call.Query("cursor"));
        var page = await call.Store.Leads.ListAsync(query, call.Cancel);
        var returns = await ReturnJson.ReadAsync(call, page.Rows);
        return Reply.Json(json =>
        {
            json.WriteObjects("leads", page.Rows, lead => LeadJson.WriteMembers(json, lead, returns));
            json.WriteString("next", page.Next);
        });
    }

    private static async Task<Reply> GetAsync(ApiCall call)
    {
        if (!LeadId.TryParse(call.Route("lead_id"), out var id) || await call.Store.Leads.FindAsync(id, call.Cancel) is not { } lead)
            return ApiCall.NotFound("There is no such lead.");
        var reveal = call.QueryFlag("reveal");
        if (reveal)
        {
            if (call.Caller.Role != KeyRole.Admin) return StatusProblems.Of(403);
            // Before anything is shown: no line in the audit, no reveal.
            await call.Store.Access.AuditAsync(call.Caller.Name, "lead.reveal", id.ToString(), null, call.NowMs, call.Cancel);
        }
        var payload = LeadPayload.Of(call.Store.Vault, lead);
        var returns = await ReturnJson.ReadAsync(call, [lead]);
        var passedOver = await call.Store.Leads.PassedOverAsync(id, call.Cancel);
        var tags = await TagsAsync(call, lead);
        var vertical = call.Catalog.Current.Verticals.GetValueOrDefault(lead.Vertical);
        var then = reveal ? null : await FieldsOfThenAsync(call, lead);
        return Reply.Json(json =>
        {
            LeadJson.WriteMembers(json, lead, returns, reveal);
            LeadJson.WriteTags(json, tags, reveal);
            LeadJson.WritePassedOver(json, passedOver);
            json.WriteBoolean("erased", lead.IsErased);
            json.WriteBoolean("revealed", reveal);
            LeadJson.WritePayload(json, payload, then is null && !reveal ? null : vertical?.Fields, then, reveal);
        });
    }

    /// <summary>None where the ping's record cannot be read any more: an operator has to see the lead all the same.</summary>
    private static async Task<IReadOnlyList<KeyValuePair<string, string>>> TagsAsync(ApiCall call, LeadRow lead)
    {
        try
        {
            return await call.Service<LeadAnswers>().TagsAsync(lead, call.Cancel);
        }
        catch (Exception fault) when (fault is Engine.InvariantException or InvalidOperationException or InvalidDataException)
        {
            return [];
        }
    }

    /// <summary>As the catalog of the lead had them. Null: it cannot be read any more, and what may be shown is not known.</summary>
    private static async Task<FieldSet?> FieldsOfThenAsync(ApiCall call, LeadRow lead)
    {
        try
        {
            return (await call.Catalog.ModelAsync(lead.CatalogVersion, call.Cancel)).Verticals.GetValueOrDefault(lead.Vertical)?.Fields;
        }
        catch (Exception fault) when (fault is Engine.InvariantException or InvalidOperationException)
        {
            return null;
        }
    }
}
