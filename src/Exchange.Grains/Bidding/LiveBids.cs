using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Grains.Bidding;

/// <summary>What counts of a bidder's answer.</summary>
public static class LiveBids
{
    /// <summary>One live bid for each sharing that was asked for: the best that counts, or why there is none.</summary>
    public static LiveBid[] Of(CampaignModel campaign, Sharing[] sharings, BidAnswer answer, long nowMs, int tookMs, string currency)
    {
        if (answer.Reason != Reason.None) return [Declined(campaign, answer.Reason, answer.BuyerReason, tookMs)];
        var bids = new LiveBid[sharings.Length];
        for (var i = 0; i < bids.Length; i++)
        {
            LiveOffer? best = null;
            var wrong = Reason.NoBid;
            foreach (var offer in answer.Offers)
            {
                // Without a word about sharing it is for the one that was asked for, the exclusive lead where both were.
                if ((offer.Sharing ?? sharings[0]) != sharings[i]) continue;
                var reason = offer.Wrong != Reason.None ? offer.Wrong
                    : offer.Currency is { } theirs && !string.Equals(theirs, currency, StringComparison.OrdinalIgnoreCase) ? Reason.InvalidCurrency
                    : offer.Price is { } price && price <= Money.Zero ? Reason.InvalidPrice
                    : offer.ExpiresIn <= TimeSpan.Zero ? Reason.Late
                    : CarriesTooMuch(offer) ? Reason.BadResponse
                    : Reason.None;
                if (reason != Reason.None) wrong = reason;
                else if (best is null || offer.Price > best.Price) best = offer;
            }
            bids[i] = best is null ? new(campaign, sharings[i], wrong) { Said = answer.BuyerReason, TookMs = tookMs } : new(campaign, sharings[i], Reason.None)
            {
                Price = best.Price, Seller = best.Seller, UntilMs = best.ExpiresIn is { } life ? nowMs + (long)life.TotalMilliseconds : 0, Carry = [.. best.Carry], TookMs = tookMs,
            };
        }
        return bids;
    }

    private static bool CarriesTooMuch(LiveOffer offer) =>
        offer.Carry.Count > Engine.Limits.CarriedValues || offer.Carry.Any(pair => pair.Value.Length > Engine.Limits.CarriedChars) || offer.Seller?.Length > Engine.Limits.CarriedChars;

    /// <summary>No bid, whatever was asked for.</summary>
    public static LiveBid Declined(CampaignModel campaign, Reason reason, string? said, int tookMs) => new(campaign, Sharing.Either, reason) { Said = said, TookMs = tookMs };
}
