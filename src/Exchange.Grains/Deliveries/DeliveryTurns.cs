using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Ledger;
using Exchange.Grains.Catalog;
using Exchange.Grains.Leads;
using Exchange.Grains.Returns;
using Exchange.Storage;

namespace Exchange.Grains.Deliveries;

/// <summary>
/// Asks <see cref="DeliveryPlan"/> about a delivery that has waited: with its campaign as the catalog of this moment has it (of one that has left, as the lead
/// was sold), and the lead with the fields it has by now.
/// </summary>
public sealed class DeliveryTurns(IExchangeStore store, ICatalogHost catalog, FieldParsers parsers)
{
    /// <summary>Null: its copy has ended meanwhile.</summary>
    public async Task<DeliveryTurn?> FindAsync(LeasedDelivery delivery, long nowMs)
    {
        var lead = await store.Leads.FindAsync(delivery.Copy.Lead, CancellationToken.None);
        if (lead?.Copies.FirstOrDefault(row => row.Id == delivery.Copy) is not { State: CopyState.Captured or CopyState.Held }) return null;
        if (lead.IsErased) return new([], "cancelled");
        var (model, campaign) = await CampaignAsync(lead, delivery.Campaign);
        var due = new DueDelivery(delivery.Endpoint, delivery.Wait, delivery.WaitUntilMs, delivery.CopyState == CopyState.Held);
        return DeliveryPlan.Due(campaign.Delivery, due, SubjectOf(model, lead, nowMs), nowMs);
    }

    private async Task<(CatalogModel, CampaignModel)> CampaignAsync(LeadRow lead, string id)
    {
        var model = catalog.Current;
        if (model.Campaigns.TryGetValue(id, out var campaign)) return (model, campaign);
        var newest = model.Version;
        model = await SaleTerms.ModelOfAsync(catalog, lead, id, CancellationToken.None);
        // One that only a later walk found is in a version between.
        for (var version = newest - 1; !model.Campaigns.TryGetValue(id, out campaign); version--)
        {
            Invariant.Require(version >= lead.CatalogVersion, "a copy's campaign is in some version");
            model = await catalog.ModelAsync(version, CancellationToken.None);
        }
        return (model, campaign);
    }

    private Subject SubjectOf(CatalogModel model, LeadRow lead, long nowMs)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(nowMs);
        return new()
        {
            Vertical = lead.Vertical, Publisher = lead.Publisher, SubId = lead.SubId, Channel = lead.Channel, Now = now,
            Values = PostRules.ValuesOf(model.Verticals[lead.Vertical], LeadPayload.Of(store.Vault, lead), parsers, PostRules.Today(now, model.Zone)),
        };
    }
}
