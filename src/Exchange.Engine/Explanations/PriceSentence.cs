using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>How a winner's price came about, in one sentence with the numbers used.</summary>
internal static class PriceSentence
{
    public static string Of(TierModel tier, int place, Offer offer, PingRecord record)
    {
        var bid = record.Bids[place];
        var rule = tier.Method != TierMethod.Auction || tier.Pricing != TierPricing.SecondPrice ? "pays its bid"
            : bid.Of.Bid.PaysBid ? "always pays its own bid" : SecondPrice(tier, bid, record);
        var handicap = bid.Handicap.Millionths > 0 ? $", ranked with a handicap of {bid.Handicap}" : "";
        return $"{rule}: {offer.Price} of {bid.Bid}{handicap}; payout {offer.Payout}, margin {offer.Price - offer.Payout}";
    }

    private static string SecondPrice(TierModel tier, RankedBid bid, PingRecord record)
    {
        var winners = record.Offers.Where(offer => offer.Best && record.Bids[offer.BidIndex].Tier == tier.Index)
            .Select(offer => record.Bids[offer.BidIndex]).ToArray();
        var others = record.Bids.Where(other => other.Tier == tier.Index && !winners.Any(winner => winner.Company == other.Company)).ToArray();
        var exclusive = Best(Sharing.Exclusive);
        var shared = Best(Sharing.Shared);
        if (exclusive is null && shared is null) return bid.HasFloor ? $"no other bid, so it pays the floor {bid.Floor}" : "no other bid and no floor, so it pays its bid";
        var parts = new List<string>();
        var increment = tier.Increment > Money.Zero ? $" + {tier.Increment}" : "";
        if (bid.Sharing == Sharing.Exclusive)
        {
            if (exclusive is { } next) parts.Add($"the next exclusive bid {next.Bid}{increment}");
            if (shared is not null)
            {
                var chosen = new int[Limits.CopiesPerLead];
                BestSharedSet.Choose(others, Math.Min(tier.Copies, Limits.CopiesPerLead), default, chosen, out var count);
                parts.Add($"the best shared bids {string.Join(" + ", chosen.Take(count).Select(i => others[i].Bid))}{increment}");
            }
        }
        else
        {
            if (shared is { } left) parts.Add($"the best shared bid left out {left.Bid}{increment}");
        }
        if (bid.HasFloor) parts.Add($"the floor {bid.Floor}");
        var highest = parts.Count == 0 ? "one level" : parts.Count == 1 ? parts[0] : $"the highest of {string.Join(", ", parts)}";
        return bid.Sharing == Sharing.Shared && exclusive is { } rival ? $"{highest}, raised until together they match the best exclusive bid {rival.Bid}{increment}" : highest;

        RankedBid? Best(Sharing sharing)
        {
            foreach (var other in others) if (other.Sharing == sharing) return other;
            return null;
        }
    }
}
