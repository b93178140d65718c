using Exchange.Engine.Catalog;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Auctions;

/// <summary>What winners of a sealed auction pay. One file each, registered in <see cref="AuctionRules"/>.</summary>
public interface IAuctionRule
{
    /// <summary>As the catalog writes it.</summary>
    string Name { get; }
    TierPricing Pricing { get; }

    /// <summary>
    /// Sets the price of each winner: whole steps, at least its floor, never above its bid.
    /// </summary>
    /// <param name="winners">One exclusive bid, or shared bids of different companies.</param>
    /// <param name="ranked">Every bid that counts, in rank order, the winners among them or not.</param>
    /// <param name="copies">How many shared bids may win together.</param>
    /// <param name="prices">One for each winner.</param>
    void Price(ReadOnlySpan<RankedBid> winners, ReadOnlySpan<RankedBid> ranked, int copies, Money step, Span<Money> prices);
}

/// <summary>The explicit list of auction rules. Adding one touches its own file, this list and its tests.</summary>
public static class AuctionRules
{
    public static IReadOnlyList<IAuctionRule> All { get; } = [new FirstPrice(), new SecondPrice()];

    public static IAuctionRule Of(TierPricing pricing)
    {
        foreach (var rule in All) if (rule.Pricing == pricing) return rule;
        throw new InvariantException("an auction rule for every pricing");
    }
}
