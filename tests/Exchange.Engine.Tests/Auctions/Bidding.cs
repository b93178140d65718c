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

    public Bidding(RankedBid[] bids, AuctionTerms terms, TierPricing pricing)
    {
        this.bids = bids;
        Terms = terms;
        Rule = AuctionRules.Of(pricing);
        contenders = new Contender[bids.Length];
        ranked = new RankedBid[bids.Length];
        winners = new int[terms.Copies];
        prices = new Money[terms.Copies];
    }

    /// <param name="floor">Of every bid; null = none.</param>
    public static Bidding Of(Wants[] wants, AuctionTerms terms, TierPricing pricing, Money? floor = null)
    {
        var model = new Market { Campaigns = wants, Tiers = [new(TierMethod.Auction, [.. wants.Select(want => want.Id)])] }.Model;
        return new([.. wants.Select(want => new RankedBid(
            0, model.Campaigns[want.Id], want.Sharing, Money.Parse(want.Bid!).CutTo(terms.Step), floor ?? Money.Zero, floor is not null))], terms, pricing);
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

    /// <summary>Who won and what each pays, in rank order.</summary>
    public (RankedBid Bid, Money Price)[] Sold(ulong seed = 7)
    {
        var count = Run(seed);
        return [.. Enumerable.Range(0, count).Select(i => (ranked[winners[i]], prices[i]))];
    }
}
