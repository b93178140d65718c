using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Leads;

/// <summary>
/// Notes the bids whose turn came and that could not have the lead, until an item makes it durable. Not among them: bids that would not have paid what was
/// promised, companies that have another copy, tiers that have sold their copies, sellers whom the consent does not name, campaigns that have or had a copy.
/// </summary>
internal static class Passed
{
    public static LeadSale With(LeadSale plan, int place, Money price, Reason reason)
    {
        foreach (var noted in plan.PassedOver) if (noted.Place == place) return plan;
        var bid = plan.BidAt(place);
        return plan with { PassedOver = plan.PassedOver.Add(new(bid.Campaign, bid.Buyer, place, price, reason)) };
    }

    /// <summary>Those between two places that may not have the lead, whatever their rank, or stand in a tree that is closed.</summary>
    /// <param name="until">The place whose turn it is now; it is not looked at.</param>
    public static LeadSale WithUnfit(LeadSale plan, int from, int until, SaleContext context)
    {
        for (var place = from; place < until; place++)
        {
            if (HasOrHad(plan, plan.BidAt(place).Campaign)) continue;
            var reason = Ranks.UnfitOrClosed(plan, place, context);
            if (reason != Reason.None) plan = With(plan, place, plan.BidAt(place).Bid, reason);
        }
        return plan;
    }

    private static bool HasOrHad(LeadSale plan, string campaign)
    {
        foreach (var slot in plan.Slots)
            if (slot.State is SlotState.Reserved or SlotState.Held or SlotState.InDoubt or SlotState.Captured && plan.BidAt(slot.BidIndex).Campaign == campaign) return true;
        foreach (var place in plan.Had)
            if (plan.BidAt(place).Campaign == campaign) return true;
        return false;
    }
}
