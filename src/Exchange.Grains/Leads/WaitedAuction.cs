using Exchange.Engine.Leads;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>The auction of a lead that waited for it: what live bidders said at its ping is over, so they are asked again.</summary>
public sealed class WaitedAuction(LeadServices services)
{
    /// <summary>
    /// Asks the tree's live bidders, if it has any; their bids are those of the lead's next walk. The lead's payload sealed with what they gave us to bring back;
    /// null: nothing new.
    /// </summary>
    public async Task<byte[]?> AskLiveAsync(SaleWorld world, LeadRow row, LeadSale sale, string tree, long fence)
    {
        var model = services.Catalog.Current;
        if (!model.Trees.TryGetValue(tree, out var asked) || !asked.Tiers.Any(tier => tier.Campaigns.Any(campaign => campaign.Bid.Live is not null))) return null;
        world.LiveBids = [];
        var now = services.Time.GetUtcNow();
        if (world.InputOf(model, new(tree, Money.Zero, row.MaxCopies, new HashSet<string>(), sale.Record.Seed), now) is not { } input) return null;
        var payload = LeadPayload.Of(services.Store.Vault, row);
        var (walked, outcome) = await services.Bidding.WalkAsync(model, input, new(row.Id, payload.Consent, now, TimeSpan.Zero) { Again = "/" + fence });
        // It is walked once more, for the lead.
        services.Rotations.GiveBack(outcome.Taken);
        world.LiveBids = walked.LiveBids;
        var carried = LeadPayload.Carry(walked.LiveBids);
        return carried.Count == 0 ? null : services.Store.Vault.Seal(row.Id, (payload with { Carried = carried }).ToJson());
    }
}
