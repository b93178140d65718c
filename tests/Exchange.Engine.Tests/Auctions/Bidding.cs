using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Tests.Auctions;

/// <summary>One sealed auction without a walk around it: bids as given, sorted and run as a tier does it.</summary>
internal sealed class Bidding
{
    private readonly RankedBid[] bids;
    private readonly Contender[] contenders;
    private readonly RankedBid[] ranked;
    private readonly int[] winners;
    private readonly Money[] prices;

    /// <param name="floor">Of every bid; null = none.</param>
    public Bidding(Wants[] wants, AuctionTerms terms, TierPricing pricing, Money? floor = null)
    {
        Terms = terms;
        Rule = AuctionRules.Of(pricing);
        var model = new Market { Campaigns = wants, Tiers = [new(TierMethod.Auction, [.. wants.Select(want => want.Id)])] }.Model;
        bids = [.. wants.Select(want => new RankedBid(0, model.Campaigns[want.Id], want.Sharing, Money.Parse(want.Bid!).CutTo(terms.Step), floor ?? Money.Zero, floor is not null))];
        contenders = new Contender[bids.Length];
        ranked = new RankedBid[bids.Length];
        winners = new int[terms.Copies];
        prices = new Money[terms.Copies];
    }

    public AuctionTerms Terms { get; }
    public IAuctionRule Rule { get; }
    public ReadOnlySpan<RankedBid> Ranked => ranked;

    /// <summary>How many won. Allocates nothing itself.</summary>
    public int Run(ulong seed = 7)
    {
        for (var i = 0; i < bids.Length; i++) contenders[i] = new(bids[i], bids[i].Of.Weight);
        SealedRanking.Sort(contenders, seed);
        for (var i = 0; i < bids.Length; i++) ranked[i] = contenders[i].Bid;
        return SealedAuction.Run(ranked, Terms, Rule, winners, prices);
    }

    /// <summary>Who pays what, in rank order.</summary>
    public (string Campaign, Sharing Sharing, Money Price)[] Sold(ulong seed = 7)
    {
        var count = Run(seed);
        return [.. Enumerable.Range(0, count).Select(i => (ranked[winners[i]].Campaign, ranked[winners[i]].Sharing, prices[i]))];
    }
}
