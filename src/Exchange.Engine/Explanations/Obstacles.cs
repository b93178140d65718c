using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;

namespace Exchange.Engine.Explanations;

/// <summary>One thing in a campaign's way with its reason.</summary>
internal readonly record struct Obstacle(Reason Reason, Change Change)
{
    public Opening? Opens { get; init; }
}

/// <summary>What the catalog and the clock put in a campaign's way, or in that of the trees asked on the way to its tier.</summary>
internal static class Obstacles
{
    /// <summary>In the order in which reasons are told; of one reason the trees' first.</summary>
    public static List<Obstacle> Of(TierModel tier, CampaignModel campaign, Subject subject, bool test)
    {
        var found = new List<Obstacle>();
        foreach (var group in tier.Groups)
        {
            if (group.Status == EntryStatus.Paused) found.Add(new(Reason.CampaignPaused, new(ChangeNeeded.Pause, $"the tree {group.Tree} active")));
            if (group.Publishers?.Has(subject.Publisher) == false)
                found.Add(new(Reason.PublisherNotAllowed, new(ChangeNeeded.Publisher, $"the publisher among those that the tree {group.Tree} takes")));
            if (group.When?.Explain(subject) is { } miss)
                found.Add(new(Reason.Filter, new(ChangeNeeded.Condition, $"{miss}, as the tree {group.Tree} wants it") { Miss = miss }));
        }
        if (campaign.Status == EntryStatus.Paused) found.Add(new(Reason.CampaignPaused, new(ChangeNeeded.Pause, "the campaign active")));
        if (campaign.Status == EntryStatus.Test && !test) found.Add(new(Reason.CampaignPaused, new(ChangeNeeded.Pause, "the campaign active: only tests reach it")));
        if (campaign.Buyer.Status == EntryStatus.Paused) found.Add(new(Reason.BuyerPaused, new(ChangeNeeded.Pause, "the buyer active")));
        if (!campaign.Publishers.Has(subject.Publisher))
            found.Add(new(Reason.PublisherNotAllowed, new(ChangeNeeded.Publisher, "the publisher among those that the campaign takes")));
        if (!campaign.Filter.Holds(subject))
        {
            var miss = campaign.Filter.Explain(subject);
            found.Add(new(Reason.Filter, new(ChangeNeeded.Condition, miss?.ToString() ?? "the filter met") { Miss = miss }));
        }
        if (campaign.Schedule is { } schedule && schedule.At(subject.Now) is { Open: false } state)
        {
            var opens = new Opening(state.NextChange, state.Zone.Id, state.Describe());
            found.Add(new(Reason.ScheduleClosed, new(ChangeNeeded.Opening, opens.Text) { At = opens.At }) { Opens = opens });
        }
        // Stable: what was found first of a reason stays first.
        return [.. found.OrderBy(obstacle => obstacle.Reason)];
    }
}
