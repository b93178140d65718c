using Exchange.Engine.Catalog;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Auctions;

/// <summary>Each winner pays its bid.</summary>
public sealed class FirstPrice : IAuctionRule
{
    public string Name => "first_price";
    public TierPricing Pricing => TierPricing.FirstPrice;

    public void Price(ReadOnlySpan<RankedBid> ranked, ReadOnlySpan<int> winners, AuctionTerms terms, Span<Money> prices)
    {
        for (var i = 0; i < winners.Length; i++) prices[i] = ranked[winners[i]].Bid;
    }
}
