using Exchange.Engine;
using Exchange.Engine.Values;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;

namespace Exchange.Simulation.Checks;

/// <summary>A live bid is what its buyer said to this very request and in time, and nobody pays more than it bid, nor less than the floor.</summary>
internal static class LiveBidding
{
    private static readonly Money Floor = Money.Parse("3.00");

    public static void Check(SimWorld world)
    {
        var bids = world.Witness.Bids.GroupBy(bid => bid.Request).ToDictionary(same => same.Key, same => same.SelectMany(bid => bid.Prices).Select(Money.Parse).ToArray());
        foreach (var ping in world.Database.Pings.Values)
            foreach (var live in ping.LiveBids)
                if (live is { Reason: Reason.None, Price: { } price } && !bids.GetValueOrDefault(SimVault.Instance.BidRequest(ping.Id, live.Of.Id), []).Contains(price))
                    world.Violates("I6", $"{ping.Id} has a bid of {price} by {live.Of.Id} that it did not say in time");
        foreach (var lead in world.Database.Leads)
            foreach (var copy in lead.Copies)
            {
                if (copy.Price < Floor && copy.Tier == "main/market") world.Violates("I6", $"{lead.Id}.{copy.No} costs {copy.Price}");
                // Of its ping or of the auction that it waited for: every request of this lead and campaign.
                var request = SimVault.Instance.BidRequest(lead.Id, copy.Campaign);
                var said = bids.Where(bid => bid.Key == request || bid.Key.StartsWith(request + "/", StringComparison.Ordinal)).SelectMany(bid => bid.Value).ToArray();
                if (Markets.IsLive(world.Plan.Market, copy.Campaign) && (said.Length == 0 || copy.Price > said.Max())) world.Violates("I6", $"{lead.Id}.{copy.No} costs {copy.Price}, {copy.Campaign} bid {string.Join(", ", said)}");
            }
    }
}
