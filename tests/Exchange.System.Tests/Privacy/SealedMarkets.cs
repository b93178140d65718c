using System.Text;
using CsCheck;

namespace Exchange.System.Tests.Privacy;

/// <summary>One campaign of a random market. Amounts are whole and few, so that bids are often equal.</summary>
internal sealed record SealedBid(int Bid, int SharedBid, int Sharing, int Company, int Weight, int Handicap, bool Holds);

/// <summary>A random market of sealed bids: who may buy one ping, and by which rules.</summary>
internal sealed record SealedMarket(SealedBid[] Bids, int[] Tiers, int[] Copies, int Floor, int Payout, ulong Seed)
{
    private static readonly string[] Methods =
        ["method: auction", "method: auction, pricing: second_price", "method: auction, pricing: second_price, increment: 0.50", "method: priority", "method: weighted", "method: round_robin",
         "method: even", "method: percent"];

    private static readonly string[] Sharings = ["exclusive", "shared", "either"];

    private static readonly Gen<SealedBid> AnyBid = Gen.Select(Gen.Int[2, 5], Gen.Int[1, 4], Gen.Int[0, 2], Gen.Int[0, 9], Gen.Int[0, 3], Gen.Int[0, 9], Gen.Bool).Select(
        (bid, shared, sharing, company, weight, handicap, holds) => new SealedBid(bid, shared, sharing, company, weight, handicap, holds));

    public static Gen<SealedMarket> All { get; } = Gen.Select(
        AnyBid.Array[2, 6], Gen.Int[0, Methods.Length - 1].Array[1, 2], Gen.Int[1, 3].Array[2], Gen.Int[0, 3], Gen.Int[0, 2], Gen.ULong).Select(
        (bids, tiers, copies, floor, payout, seed) => new SealedMarket(bids, tiers, copies, floor, payout, seed));

    /// <summary>Whether somebody's price may follow from another's bid.</summary>
    public bool HasSecondPrice => Tiers.Any(tier => tier is 1 or 2);

    public SealedMarket With(int campaign, int bid, int sharedBid) =>
        this with { Bids = [.. Bids.Select((each, i) => i == campaign ? each with { Bid = bid, SharedBid = sharedBid } : each)] };

    /// <summary>Merged over the scenarios' base: vertical <c>auto</c>, publisher <c>search</c>.</summary>
    public string Yaml()
    {
        var payout = Payout switch { 0 => "{ share: 80% }", 1 => "{ share: ~, fixed: 1.50 }", _ => "{ share: 70%, min_margin: 0.50 }" };
        var text = new StringBuilder($"publishers:\n  search: {{ payout: {payout} }}\nbuyers:\n");
        for (var i = 0; i < Bids.Length; i++) text.Append(Buyer(i));
        text.Append("campaigns:\n");
        for (var i = 0; i < Bids.Length; i++) text.Append(Campaign(i));
        text.Append("ping_trees:\n  main:\n    vertical: auto\n    tiers:\n");
        // Two tiers have half of the campaigns each.
        var half = (Bids.Length + 1) / 2;
        if (Tiers.Length == 1) text.Append(Tier(0, 0, Bids.Length));
        else text.Append(Tier(0, 0, half)).Append(Tier(1, half, Bids.Length));
        return text.ToString();
    }

    private string Buyer(int i)
    {
        var company = Bids[i].Company < 3 ? $"company: owner{Bids[i].Company}, " : "";
        var endpoint = $"{{ connector: native, with: {{ url: \"https://b{i}.example/\", secret: {{ secret: key }} }} }}";
        return $"  b{i}: {{ credit_limit: unlimited, {company}endpoints: {{ crm: {endpoint} }} }}\n";
    }

    private string Campaign(int i)
    {
        var bid = Bids[i];
        var price = bid.Sharing == 2 ? $"{{ rules: [{{ when: {{ field: sharing, is: exclusive }}, price: {bid.Bid}.00 }}], otherwise: {bid.SharedBid}.00 }}" : $"{bid.Bid}.00";
        var delivery = bid.Holds ? ", delivery: { sold: on_accept, to: [crm] }" : "";
        return $"  c{i}: {{ buyer: b{i}, vertical: auto, bid: {price}, sharing: {Sharings[bid.Sharing]}, weight: {bid.Weight}, handicap: {(bid.Handicap < 3 ? bid.Handicap * 10 : 0)}%{delivery} }}\n";
    }

    private string Tier(int t, int from, int end)
    {
        var method = Methods[Tiers[t]];
        // Weights that are all zero are refused.
        var weights = method.EndsWith("weighted", StringComparison.Ordinal) || method.EndsWith("percent", StringComparison.Ordinal) ? $", weights: {{ c{from}: 2 }}" : "";
        var floor = Floor > 0 ? $", floor: {Floor}.00" : "";
        return $"      - {{ name: t{t}, {method}, copies: {Copies[t]}, campaigns: [{string.Join(", ", Enumerable.Range(from, end - from).Select(i => $"c{i}"))}]{weights}{floor} }}\n";
    }
}
