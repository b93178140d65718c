using Exchange.Engine.Catalog;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Auctions;

/// <summary>What a tier says about its auction besides the rule.</summary>
/// <param name="Copies">How many shared bids may win together.</param>
/// <param name="Step">Prices are whole steps.</param>
/// <param name="Increment">The best losing side counts as if it had bid so much more; of no meaning to rules that do not look at it.</param>
public readonly record struct AuctionTerms(int Copies, Money Step, Money Increment);

/// <summary>What winners of a sealed auction pay. One file each, registered in <see cref="AuctionRules"/>. Pricing allocates nothing.</summary>
public interface IAuctionRule
{
    /// <summary>As the catalog writes it.</summary>
    string Name { get; }
    TierPricing Pricing { get; }

    /// <summary>
    /// Sets the price of each winner: whole steps, at least its floor, never above its bid.
    /// </summary>
    /// <param name="ranked">Every bid that counts; those that did not win stand in rank order.</param>
    /// <param name="winners">Places in <paramref name="ranked"/> of one exclusive bid, or of shared bids of different companies.</param>
    /// <param name="prices">One for each winner, in the winners' order.</param>
    void Price(ReadOnlySpan<RankedBid> ranked, ReadOnlySpan<int> winners, AuctionTerms terms, Span<Money> prices);
}

/// <summary>The explicit list of auction rules. Adding one touches its own file, this list and its tests.</summary>
public static class AuctionRules
{
    private static readonly IAuctionRule[] Rules = [new FirstPrice(), new SecondPrice()];

    public static IReadOnlyList<IAuctionRule> All => Rules;

    public static IAuctionRule Of(TierPricing pricing)
    {
        foreach (var rule in Rules) if (rule.Pricing == pricing) return rule;
        throw new InvariantException("an auction rule for every pricing");
    }
}
