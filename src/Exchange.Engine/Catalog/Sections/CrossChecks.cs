using System.Collections;
using Exchange.Engine.Catalog.Reading;

namespace Exchange.Engine.Catalog.Sections;

/// <summary>What can only be said of the whole catalog.</summary>
internal static class CrossChecks
{
    public static void Run(CatalogDraft draft)
    {
        NamedConsent(draft);
        ConnectorFields.Check(draft);
        var tiers = Walked(draft);
        var inTree = new CampaignMarks(tiers);
        // An auction draws among equals by weight.
        var byWeight = new CampaignMarks(tiers.Where(tier => tier.Method is TierMethod.Weighted or TierMethod.Percent or TierMethod.Auction));
        foreach (var campaign in draft.Campaigns.Values)
        {
            if (campaign.Model.Status != EntryStatus.Active) continue;
            if (!inTree.Has(campaign.Model))
                draft.Errors.Warn(campaign.Node.Path, ConfigCodes.NeverUsed, "This campaign is in no ping tree, so it is never asked.");
            else if (campaign.Weight is { } weight && !byWeight.Has(campaign.Model))
                draft.Errors.Warn(weight.Path, ConfigCodes.NeverUsed, "No tier that asks this campaign uses weights.");
        }
        foreach (var buyer in draft.Campaigns.Values.Select(campaign => campaign.Model.Buyer).Distinct())
        {
            if (buyer.Status == EntryStatus.Active && buyer.Balance.Limit == 0 && draft.Options.FundedBuyers?.Contains(buyer.Id) != true)
                draft.Errors.Warn($"buyers.{buyer.Id}.credit_limit", ConfigCodes.NoCredit, "This buyer is prepaid: it buys nothing before money is paid in.");
        }
    }

    /// <summary>Every tier that some ping or unsold lead may come to.</summary>
    private static TierModel[] Walked(CatalogDraft draft)
    {
        var active = draft.Trees.Where(tree => tree.Status == EntryStatus.Active).ToArray();
        var unsold = active.Select(tree => tree.UnsoldTree).OfType<string>().ToHashSet(StringComparer.Ordinal);
        return [.. active.Where(tree => !tree.IsGroup || unsold.Contains(tree.Id))
            .SelectMany(tree => tree.Tiers).Where(tier => tier.Groups.All(group => group.Status == EntryStatus.Active))];
    }

    private static void NamedConsent(CatalogDraft draft)
    {
        var told = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (id, campaign) in draft.Campaigns)
        {
            if (campaign.Model.Consent != ConsentLevel.Named || campaign.Model.Buyer.Seller is not null || !told.Add(campaign.Model.Buyer.Id)) continue;
            draft.Errors.Add($"buyers.{campaign.Model.Buyer.Id}.seller", ConfigCodes.MissingKey,
                $"Campaign {id} sells with named consent, so its buyer needs the `seller` whom a consumer consents to, as {{ name: … }}.");
        }
    }

    /// <summary>Campaigns of some tiers, a bit for each by vertical and ordinal.</summary>
    private sealed class CampaignMarks
    {
        private readonly Dictionary<string, BitArray> byVertical = new(StringComparer.Ordinal);

        public CampaignMarks(IEnumerable<TierModel> tiers)
        {
            foreach (var tier in tiers) foreach (var campaign in tier.Campaigns) Mark(campaign);
        }

        public bool Has(CampaignModel campaign) =>
            byVertical.TryGetValue(campaign.Vertical, out var marks) && campaign.Ordinal < marks.Length && marks[campaign.Ordinal];

        private void Mark(CampaignModel campaign)
        {
            if (!byVertical.TryGetValue(campaign.Vertical, out var marks)) byVertical[campaign.Vertical] = marks = new(campaign.Ordinal + 1);
            if (campaign.Ordinal >= marks.Length) marks.Length = Math.Max(campaign.Ordinal + 1, marks.Length * 2);
            marks[campaign.Ordinal] = true;
        }
    }
}
