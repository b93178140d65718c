using Exchange.Engine.Catalog;

namespace Exchange.Server.Admin;

/// <summary>Campaigns as the catalog has them, with what is live: open or why not, and every cap's numbers.</summary>
internal static class CampaignRoutes
{
    public static void MapCampaignRoutes(this IEndpointRouteBuilder routes)
    {
        routes.Read("/v1/admin/campaigns", "Every campaign with its live state; ?vertical= and ?buyer= narrow it.", ListAsync);
        routes.Read("/v1/admin/campaigns/{id}", "One campaign as the catalog has it, with its live state.", GetAsync).ProducesProblem(404);
    }

    private static Task<Reply> ListAsync(ApiCall call)
    {
        var model = call.Catalog.Current;
        var now = call.Now;
        var (vertical, buyer) = (call.Query("vertical"), call.Query("buyer"));
        var campaigns = model.Campaigns.Values
            .Where(campaign => (vertical is null || campaign.Vertical == vertical) && (buyer is null || campaign.Buyer.Id == buyer))
            .OrderBy(campaign => campaign.Id, StringComparer.Ordinal);
        return Task.FromResult(Reply.Json(json => json.WriteObjects("campaigns", campaigns, campaign =>
        {
            json.WriteString("id", campaign.Id);
            json.WriteString("name", campaign.Name);
            json.WriteString("buyer", campaign.Buyer.Id);
            json.WriteString("vertical", campaign.Vertical);
            json.WriteString("status", campaign.Status.Wire());
            CampaignState.Write(json, campaign, call.Catalog.StateOf(campaign), now);
        })) with { Version = model.Version });
    }

    private static Task<Reply> GetAsync(ApiCall call)
    {
        var model = call.Catalog.Current;
        var id = call.Route("id");
        if (!model.Campaigns.TryGetValue(id, out var campaign)) return Task.FromResult<Reply>(ApiCall.NotFound("The catalog has no such campaign."));
        return Task.FromResult(Reply.Json(json =>
        {
            json.WriteString("id", id);
            if (ConfigPatch.Find(call.Catalog.CurrentConfig, "campaigns", id) is { } config) EntryRoutes.WriteMembers(json, config);
            CampaignState.Write(json, campaign, call.Catalog.StateOf(campaign), call.Now);
        }) with { Version = model.Version });
    }
}
