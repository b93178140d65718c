using CsCheck;
using Exchange.Engine.Auctions;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Tests.Auctions;

/// <summary>A random sealed auction: few companies, few different bids, so that ties, capped prices and sets that just fall short are common.</summary>
internal sealed record RandomAuction(RankedBid[] Bids, AuctionTerms Terms, TierPricing Pricing, ulong Seed)
{
    private const int Places = 9, Companies = 6;
    private static readonly string[] Handicaps = ["0%", "10%", "25%", "33.3333%", "99.9999%"];
    private static readonly long[] Steps = [10_000, 50_000, 333_333, 1];

    // One campaign for each place, company, handicap and way to pay, so that a thousand auctions need no thousand catalogs.
    private static readonly CampaignModel[] Pool = MakePool();

    public (RankedBid Bid, Money Price)[] Sold() => new Bidding(Bids, Terms, Pricing).Sold(Seed);

    public RandomAuction With(int place, Money bid)
    {
        RankedBid[] bids = [.. Bids];
        bids[place] = bids[place] with { Bid = bid, Floor = Money.Min(bids[place].Floor, bid) };
        return this with { Bids = bids };
    }

    private static readonly Gen<(int Company, int Handicap, int PaysBid, int Sharing, int Steps, int Floor)> Bid =
        Gen.Select(Gen.Int[0, Companies - 1], Gen.Int[0, 12], Gen.Int[0, 7], Gen.Int[0, 2], Gen.Int[1, 40], Gen.Int[0, 40]);

    /// <summary>Of every kind.</summary>
    public static Gen<RandomAuction> All { get; } = Of(Bid, exclusiveOnly: false);

    /// <summary>Exclusive bids of different companies alone, without handicaps: as the textbooks have it.</summary>
    public static Gen<RandomAuction> Plain { get; } = Of(Bid.Select(bid => bid with { Handicap = 12, PaysBid = 7, Sharing = 0 }), exclusiveOnly: true);

    private static Gen<RandomAuction> Of(Gen<(int Company, int Handicap, int PaysBid, int Sharing, int Steps, int Floor)> bid, bool exclusiveOnly) =>
        Gen.Select(bid.Array[exclusiveOnly ? 3 : 0, exclusiveOnly ? Companies : Places], Gen.Int[1, 4], Gen.Int[0, 3], Gen.Int[0, 6], Gen.Int[0, 1], Gen.ULong)
            .Select((drawn, copies, step, increment, pricing, seed) =>
            {
                var money = new Money(Steps[step]);
                var bids = drawn.Select((bid, place) =>
                {
                    var amount = new Money(money.Micros * bid.Steps);
                    // Of forty floors half are above the bid: such a bid has none, as if its tier had none.
                    var floor = bid.Floor <= bid.Steps ? new Money(money.Micros * bid.Floor) : Money.Zero;
                    return new RankedBid(
                        0, Pool[At(place, exclusiveOnly ? place : bid.Company, Math.Min(bid.Handicap, 5) % 5, bid.PaysBid == 0 ? 1 : 0)],
                        bid.Sharing == 0 ? Sharing.Exclusive : Sharing.Shared, amount, floor, floor > Money.Zero);
                }).ToArray();
                // A third of the auctions has an increment, also one that is no whole step.
                var more = increment switch { 0 => money, 1 => new Money(money.Micros * 5 / 2), _ => Money.Zero };
                return new RandomAuction(bids, new(copies, money, exclusiveOnly ? Money.Zero : more), exclusiveOnly ? TierPricing.SecondPrice : (TierPricing)pricing, seed);
            });

    private static int At(int place, int company, int handicap, int paysBid) => ((place * Companies + company) * Handicaps.Length + handicap) * 2 + paysBid;

    private static CampaignModel[] MakePool()
    {
        var pool = new Wants[Places * Companies * Handicaps.Length * 2];
        for (var place = 0; place < Places; place++)
            for (var company = 0; company < Companies; company++)
                for (var handicap = 0; handicap < Handicaps.Length; handicap++)
                    for (var paysBid = 0; paysBid < 2; paysBid++)
                        pool[At(place, company, handicap, paysBid)] = new($"{(char)('a' + place)}-{company}-{handicap}-{paysBid}", "1.00")
                        {
                            Company = $"company-{company}", Handicap = Handicaps[handicap], Weight = (place + company) % 4, PaysBid = paysBid == 1,
                        };
        var model = new Market { Campaigns = pool, Tiers = [new(TierMethod.Auction, pool[0].Id)] }.Model;
        return [.. pool.Select(wants => model.Campaigns[wants.Id])];
    }
}
