using CsCheck;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.Tests.PingTrees;

/// <summary>Small catalogs with everything that decides a walk, dense enough for ties, empty tiers and full limits.</summary>
internal static class RandomMarkets
{
    public const decimal Step = 0.05m;

    private static readonly Gen<string> Bids = Gen.Int[1, 60].Select(k => (k * 0.05m + (k % 7 == 0 ? 0.03m : 0)).ToString("0.00", System.Globalization.CultureInfo.InvariantCulture));

    private static readonly Gen<Wants> Campaign =
        Gen.Select(Bids, Bids, Gen.Int[0, 2], Gen.Int[0, 4], Gen.Int[0, 3], Gen.Int[0, 5], Gen.Int[0, 40]).Select((bid, shared, sharing, company, weight, handicap, odd) =>
            new Wants("", odd == 0 ? null : bid)
            {
                Sharing = (Sharing)sharing, SharedBid = sharing == 2 ? shared : null, Company = $"c{company}", Weight = weight,
                Handicap = handicap switch { 0 => "10%", 1 => "25%", _ => "0%" },
                State = odd switch { 1 or 2 => "NY", 3 or 4 => "CA", _ => null }, Paused = odd == 5,
                DayLeads = odd switch { 6 => 0, 7 => 3, _ => null }, Balance = odd switch { 8 => "1.00", 9 => "2.00", _ => null },
                PaysBid = odd is >= 10 and <= 13,
            });

    private static readonly Gen<(TierMethod Method, TierPricing Pricing, string? Floor, int Copies, int Members, Group? Group)> TierShape =
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 1], Gen.Int[0, 3], Gen.Int[1, 3], Gen.Int[1, 255], Gen.Int[0, 9]).Select((method, pricing, floor, copies, members, group) =>
            ((TierMethod)Math.Max(0, method - 2), (TierPricing)pricing, floor switch { 0 => "0.50", 1 => "1.02", _ => (string?)null }, copies, members, group switch
            {
                0 or 1 or 2 => new Group("g") { Copies = 1 }, 3 => new("h") { Copies = 2, Floor = "0.80" }, 4 => new("i") { State = "NY" }, 5 => new("j") { Paused = true },
                _ => null,
            }));

    public static readonly Gen<(Market Market, decimal Share, decimal MinMargin)> All =
        Gen.Select(Campaign.Array[1, 8], TierShape.Array[1, 4], Gen.Int[0, 3], Gen.Int[0, 4], Gen.Int[0, 4], Gen.Int[0, 4].Array[32]).Select((campaigns, tiers, share, margin, copies, sold) =>
        {
            campaigns = [.. campaigns.Select((wants, i) => wants with { Id = ((char)('a' + i)).ToString() })];
            var (part, least) = (share switch { 0 => 0.75m, 1 => 1m, _ => 0.8m }, margin == 0 ? 0.20m : 0);
            var market = new Market
            {
                Campaigns = campaigns, Step = "0.05", Copies = copies < 2 ? null : copies - 1,
                Tiers =
                [
                    .. tiers.Select(shape => new Tier(shape.Method, Members(campaigns, shape.Members))
                    {
                        Pricing = shape.Pricing, Floor = shape.Floor, Copies = shape.Copies, Group = shape.Group,
                        Increment = (shape.Members % 5) switch { 0 => "0.10", 1 => "0.52", _ => "0.00" },
                    }),
                ],
                Payout = new PayoutModel([], PayoutTerms.Share(new((long)(part * Percent.One))), new Money((long)(least * Money.MicrosPerUnit))),
            };
            for (var i = 0; i < sold.Length; i++) market.Sold[($"main/t{i / 8}", ((char)('a' + i % 8)).ToString())] = sold[i];
            return (market, part, least);
        });

    public static readonly Gen<PingInput> Pings =
        Gen.Select(Gen.Int[1, 3], Gen.Int[0, 4], Gen.Int[0, 3], Gen.ULong).Select((copies, elsewhere, payout, seed) => Market.Ping() with
        {
            MaxCopies = copies, SoldElsewhereCopies = elsewhere == 0 ? 1 : 0, MinPayout = payout == 0 ? Money.Parse("1.50") : Money.Zero, Seed = seed,
        });

    private static string[] Members(Wants[] campaigns, int mask)
    {
        var members = campaigns.Where((_, i) => (mask >> i & 1) == 1).Select(wants => wants.Id).ToArray();
        return members.Length > 0 ? members : [campaigns[0].Id];
    }
}
