using Exchange.Engine.Catalog;
using Exchange.Engine.Ledger;
using Exchange.Engine.Returns;
using Exchange.Grains.Catalog;
using Exchange.Storage;

namespace Exchange.Grains.Returns;

/// <summary>
/// What a sale was made on, read from the catalog version that its lead was pinged on: whether and until when it comes back, and whether the publisher
/// keeps its payout then. Versions never change, so the same question always has the same answer.
/// </summary>
public static class SaleTerms
{
    /// <summary>The version that says; for a campaign that only a later walk found, today's.</summary>
    public static async ValueTask<CatalogModel> ModelOfAsync(ICatalogHost catalog, LeadRow lead, string campaign, CancellationToken cancel)
    {
        var model = await catalog.ModelAsync(lead.CatalogVersion, cancel);
        return model.Campaigns.ContainsKey(campaign) ? model : catalog.Current;
    }

    /// <summary>Null: it never comes back.</summary>
    public static DateTimeOffset? ReturnUntil(CatalogModel model, LeadRow lead, CopyRow copy) =>
        !lead.Test && ReturnRules.TermsOf(model, copy.Campaign) is { } terms
            ? DateTimeOffset.FromUnixTimeMilliseconds(ReturnRules.ClosesAtMs(terms, copy.AtMs, model.Zone)) : null;

    /// <summary>Of copies that came back: what their publisher is owed of them all the same. Asked only where there are any.</summary>
    public static async ValueTask<bool> KeepsPayoutAsync(ICatalogHost catalog, LeadRow lead, CancellationToken cancel)
    {
        if (!lead.Copies.Any(copy => copy.State == CopyState.Reversed)) return false;
        return KeepsPayout(await catalog.ModelAsync(lead.CatalogVersion, cancel), lead);
    }

    public static bool KeepsPayout(CatalogModel atPing, LeadRow lead) =>
        atPing.Publishers.TryGetValue(lead.Publisher, out var publisher) && publisher.Verticals.TryGetValue(lead.Vertical, out var vertical) && vertical.Payout.KeptOnReturn;
}
