using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.Explanations;

/// <summary>How a bid came about: the rule, each adjustment that matched, the maximum, the cut to the price step.</summary>
internal static class BidSentence
{
    /// <param name="subject">Pointing at the campaign and the sharing of the bid.</param>
    /// <returns>Null where the bid is as written.</returns>
    public static string? Of(PriceModel price, Subject subject, Money step, LiveBid? live = null)
    {
        if (live is { Reason: not Reason.None }) return live.Said is { } words ? $"its bidder says: {words}" : null;
        if (price.Live is not null && live is null) return "its bidder was not asked";
        if (price.Uncapped(subject, live?.Price) is not { } sum) return price.Rules.Count == 0 ? null : "no rule matches";
        var rule = 0;
        while (rule < price.Rules.Count && !price.Rules[rule].When.Holds(subject)) rule++;
        var written = live?.Price ?? (rule < price.Rules.Count ? price.Rules[rule].Price : price.Otherwise!.Value);
        var text = written.ToString();
        var isPlain = true;
        if (live?.Price is not null)
        {
            text += " by its live bidder";
            isPlain = false;
        }
        else if (price.Rules.Count > 0)
        {
            text += rule < price.Rules.Count ? $" by rule {rule + 1}" : " by no rule";
            isPlain = false;
        }
        foreach (var adjustment in price.Adjustments)
        {
            if (!adjustment.When.Holds(subject)) continue;
            text += " " + adjustment.By;
            isPlain = false;
        }
        if (sum != written) text += $" = {sum}";
        if (price.Max is { } max && sum > max)
        {
            if (price.OverMax == OverMax.Decline) return $"{text}, above its maximum {max}";
            text += $", cut to its maximum {max}";
            (sum, isPlain) = (max, false);
        }
        var cut = sum.CutTo(step);
        if (cut != sum)
        {
            text += $", cut to {cut}";
            isPlain = false;
        }
        return isPlain ? null : text;
    }
}
