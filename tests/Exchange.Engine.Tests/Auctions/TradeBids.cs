using Exchange.Engine.Filters;
using Exchange.Engine.Pricing;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Engine.Tests.Auctions;

/// <summary>Bids as people in the trade say them: "27 pays bid, 24 handicap 10%, 21 of acme, 19 cut to 18, 17 declines above 16".</summary>
internal static class TradeBids
{
    /// <summary>Exclusive ones are called x1, x2 …, shared ones s1, s2 …, in the order given.</summary>
    public static Wants[] Read(string exclusive, string shared) => [.. Read(exclusive, 'x', Sharing.Exclusive), .. Read(shared, 's', Sharing.Shared)];

    private static IEnumerable<Wants> Read(string bids, char name, Sharing sharing) =>
        bids.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select((text, i) => Read(text.Split(' '), $"{name}{i + 1}") with { Sharing = sharing });

    private static Wants Read(string[] words, string id)
    {
        var wants = new Wants(id, words[0]);
        var (max, paysBid, overMax) = ((Money?)null, false, OverMax.Cut);
        for (var i = 1; i < words.Length; i++)
        {
            switch (words[i])
            {
                case "handicap": wants = wants with { Handicap = words[++i] }; break;
                case "of": wants = wants with { Company = words[++i] }; break;
                case "pays" when words[i + 1] == "bid": (paysBid, i) = (true, i + 1); break;
                case "cut" when words[i + 1] == "to": (max, i) = (Money.Parse(words[i + 2]), i + 2); break;
                case "declines" when words[i + 1] == "above": (max, overMax, i) = (Money.Parse(words[i + 2]), OverMax.Decline, i + 2); break;
                default: throw new FormatException(words[i]);
            }
        }
        return wants with { Price = new PriceModel([], Money.Parse(words[0])) { Max = max, OverMax = overMax, PaysBid = paysBid } };
    }
}
