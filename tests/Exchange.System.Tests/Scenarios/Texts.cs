using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Explanations;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.System.Tests.Scenarios;

/// <summary>Pings and leads as a scenario tells them.</summary>
internal static class LeadText
{
    /// <summary><c>offered 8.80: acme-west at 11.00</c>, shared copies joined by <c>+</c>, offers beside the best after <c>; also</c>.</summary>
    public static string Of(PingRecord record)
    {
        if (record.Outcome != Reason.None) return "no_offer " + record.Outcome.Wire();
        var best = record.Offers.Where(offer => offer.Best).ToList();
        var also = record.Offers.Where(offer => !offer.Best).Select(Copy).ToList();
        var text = $"offered {Sum(best.Select(offer => offer.Payout))}: {string.Join(" + ", best.Select(Copy))}";
        return also.Count == 0 ? text : $"{text}; also {string.Join(", ", also)}";

        string Copy(Offer offer) => $"{record.Bids[offer.BidIndex].Campaign}{(offer.Sharing == Sharing.Shared ? " shared" : "")} at {offer.Price}";
    }

    /// <summary><c>sold 8.80: acme-west at 11.00</c>; copies that are not sold say how they stand.</summary>
    public static string Of(Deal deal)
    {
        if (deal.Sale is not { } sale) return "not posted";
        if (sale.State == LeadState.Unsold) return "unsold " + sale.Reason.Wire();
        var owed = Sum(sale.Slots.Where(slot => slot.State == SlotState.Captured).Select(slot => slot.Payout));
        var pending = Sum(sale.Slots.Where(slot => slot.State is SlotState.Held or SlotState.InDoubt).Select(slot => slot.Payout));
        var status = sale.State switch { LeadState.Sold => "sold " + owed, LeadState.InDoubt => "in_doubt", _ => "pending" };
        return $"{status}{(pending > Money.Zero ? $", {pending} pending" : "")}: {string.Join(" + ", sale.Slots.Select(slot => Copy(deal, slot)))}";
    }

    public static string Calls(Deal deal) => deal.Calls.Count == 0 ? "nobody" : string.Join(' ', deal.Calls);

    /// <summary>Who bought, joined by <c>+</c>; <c>-</c>: nobody.</summary>
    public static string Buyers(Deal deal)
    {
        var sold = deal.Sale?.Slots.Where(slot => slot.State == SlotState.Captured).Select(slot => deal.Sale.BidAt(slot.BidIndex).Campaign).ToList() ?? [];
        return sold.Count == 0 ? "-" : string.Join('+', sold);
    }

    private static string Copy(Deal deal, Slot slot)
    {
        var campaign = deal.Sale!.BidAt(slot.BidIndex).Campaign;
        var shared = slot.Sharing == Sharing.Shared ? " shared" : "";
        return slot.State switch
        {
            SlotState.Captured => $"{campaign}{shared} at {slot.Price}",
            SlotState.Held => $"{campaign}{shared} pending",
            SlotState.InDoubt => $"{campaign}{shared} in_doubt",
            _ => $"offer {slot.OfferId} {slot.LostBy.Wire()}",
        };
    }

    private static Money Sum(IEnumerable<Money> amounts) => amounts.Aggregate(Money.Zero, (sum, amount) => sum + amount);
}

/// <summary>One campaign's part in a ping: verdict, reason, numbers, and what would have sold to it.</summary>
internal static class ExplanationText
{
    public static string Of(Explanation told, string? campaign)
    {
        if (campaign is null) return string.Join("; ", told.Campaigns.Select(each => $"{each.Campaign} {Verdict(each)}"));
        var found = told.Campaigns.Where(each => each.Campaign == campaign).ToList();
        return found.Count == 0 ? "not asked" : string.Join("; ", found.Select(One));
    }

    private static string Verdict(CampaignExplanation told) => told.Verdict == Engine.Explanations.Verdict.Won ? "won" : told.Reason.Wire();

    private static string One(CampaignExplanation told)
    {
        var verdict = told.Verdict.ToString().ToLowerInvariant();
        if (told.Verdict == Engine.Explanations.Verdict.Won) return $"won at {told.Price}";
        var numbers = told.Limit is { } limit ? " " + LimitText.Of(limit.Used, limit.Held, limit.Limit, limit.IsMoney) : "";
        return $"{verdict} {told.Reason.Wire()}{numbers}, {told.Text}";
    }
}

/// <summary>Caps as they stand: <c>day.leads 1/2</c>, with what is held <c>1+1/2</c>.</summary>
internal static class LimitText
{
    public static string Of(ScenarioExchange exchange, string owner, Words words)
    {
        var colon = owner.IndexOf(':', StringComparison.Ordinal);
        var scope = (colon < 0 ? "campaign" : owner[..colon]) switch
        {
            "campaign" => CapScope.Campaign,
            "buyer" => CapScope.Buyer,
            "publisher" => CapScope.Publisher,
            "tree" => CapScope.Tree,
            _ => throw words.Wrong("whose caps: acme-west, buyer:acme, publisher:search or tree:main"),
        };
        var caps = exchange.Model.Limits.Where(limit => limit.Kind == LimitKind.Cap && limit.Scope == scope && limit.Owner == owner[(colon + 1)..]).ToList();
        if (caps.Count == 0) throw words.Wrong($"{owner} has no caps");
        var seconds = exchange.Now.ToUnixTimeSeconds();
        var value = words.Maybe();
        return string.Join(", ", caps.Select(cap =>
        {
            var reading = exchange.Read(cap, seconds, cap.Each is null ? null : value ?? "");
            cap.KeyAt(seconds, out var window);
            return $"{cap.Period!.Name}.{cap.Metric.ToString().ToLowerInvariant()} {Of(reading.Used, reading.Held, cap.LimitIn(window), cap.Metric == CapMetric.Spend)}";
        }));
    }

    public static string Of(long used, long held, long limit, bool isMoney)
    {
        return $"{Amount(used)}{(held == 0 ? "" : $"+{Amount(held)}")}/{Amount(limit)}";

        string Amount(long number) => isMoney ? new Money(number).ToString() : number.ToString(global::System.Globalization.CultureInfo.InvariantCulture);
    }
}
