using Exchange.Engine.Catalog;

namespace Exchange.Engine.Caps;

/// <summary>The names under which persons are claimed: a scope has a person at most once within its window.</summary>
public static class PersonScopes
{
    /// <summary>Of a vertical's duplicate rule, for one publisher where the rule says so.</summary>
    public static string Of(string vertical, DuplicateRule rule, string publisher) => rule.PerPublisher ? $"v:{vertical}:p:{publisher}" : $"v:{vertical}";

    public static string OfBuyer(string buyer) => "b:" + buyer;

    public static string OfCampaign(string campaign) => "c:" + campaign;

    /// <summary>Of a campaign's duplicate rule.</summary>
    public static string Of(CampaignModel campaign) => campaign.Duplicate is { OfBuyer: false } ? OfCampaign(campaign.Id) : OfBuyer(campaign.Buyer.Id);
}
