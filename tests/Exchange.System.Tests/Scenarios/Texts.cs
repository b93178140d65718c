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
        if (sale.Waits is { } wait) return $"waits for {wait.Trees[^1]}{(wait.Promised.Length > 0 ? $", {Sum(wait.Promised.Select(offer => offer.Payout))} pending" : "")}";
        if (sale.State == LeadState.Unsold) return "unsold " + sale.Reason.Wire();
        var owed = Sum(sale.Slots.Where(slot => slot.State == SlotState.Captured && (!deal.Returned.Contains(slot.CopyNo) || KeepsPayout(deal))).Select(slot => slot.Payout));
        var pending = Sum(sale.Slots.Where(slot => slot.State is SlotState.Held or SlotState.InDoubt).Select(slot => slot.Payout));
        var status = sale.State switch { LeadState.Sold => "sold " + owed, LeadState.InDoubt => "in_doubt", _ => "pending" };
        return $"{status}{(pending > Money.Zero ? $", {pending} pending" : "")}: {string.Join(" + ", sale.Slots.Select(slot => Copy(deal, slot)))}";
    }

    /// <summary>Whose live bids were asked for, in order; of those that made none the reason.</summary>
    public static string Asked(Deal deal) => deal.Record.LiveBids.Length == 0 ? "nobody" : string.Join(' ', deal.Record.LiveBids
        .Select(live => live.Reason == Reason.None ? live.Of.Id : $"{live.Of.Id}:{live.Reason.Wire()}").Distinct());

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
            SlotState.Captured when deal.Returned.Contains(slot.CopyNo) => $"{campaign}{shared} returned",
            SlotState.Captured => $"{campaign}{shared} at {slot.Price}",
            SlotState.Held => $"{campaign}{shared} pending",
            SlotState.InDoubt => $"{campaign}{shared} in_doubt",
            _ => $"offer {slot.OfferId} {slot.LostBy.Wire()}",
        };
    }

    private static bool KeepsPayout(Deal deal) => deal.Model.Publishers[deal.Record.Publisher].Verticals[deal.Record.Vertical].Payout.KeptOnReturn;

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

/// <summary>Caps as they stand: <c>day.leads 1/2</c>, with what is held <c>1+1/2</c>; of a cap with a count for each value that of the value named.</summary>
internal static class LimitText
{
    public static string Of(ScenarioExchange exchange, string owner, Words words)
    {
        var caps = Of(exchange, owner, words, all: true);
        var value = words.Maybe();
        return string.Join(", ", caps.Select(cap =>
        {
            // Read once by the walk's way, so that the view is held against the copies.
            exchange.Read(cap, exchange.Now.ToUnixTimeSeconds(), cap.Each is null ? null : value ?? "");
            var report = exchange.Report(cap, cap.Each is null ? null : value ?? "");
            return $"{NameOf(cap)} {Of(report.Used, report.Held, report.Max, cap.Metric == CapMetric.Spend)}";
        }));
    }

    /// <summary><c>every 30m, next 12:30:00</c> of an owner's paced caps; <c>now</c>: nobody waits.</summary>
    public static string Pace(ScenarioExchange exchange, Words words, TimeZoneInfo zone)
    {
        var paced = Of(exchange, words.Next("whose, as acme-west"), words, all: false);
        return string.Join(", ", paced.Select(cap =>
        {
            var pace = exchange.Report(cap, null).Pace!.Value;
            var next = pace.NextMs == 0 ? "now" : TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeMilliseconds(pace.NextMs), zone).ToString("HH:mm:ss", global::System.Globalization.CultureInfo.InvariantCulture);
            return $"every {TimeSpan.FromMilliseconds(pace.EveryMs):hh\\:mm\\:ss}, next {next}";
        }));
    }

    /// <summary>Oldest first: <c>acme-west day.leads warned 9/10</c>.</summary>
    public static string Alerts(ScenarioExchange exchange)
    {
        var alerts = exchange.Alerts.Newest(100).Reverse().Select(alert =>
            $"{alert.Limit.Owner} {NameOf(alert.Limit)}{(alert.Value is { } value ? $" {value}" : "")} {alert.Level.ToString().ToLowerInvariant()} {Of(alert.Used, 0, alert.Max, alert.Limit.Metric == CapMetric.Spend)}").ToList();
        return alerts.Count == 0 ? "none" : string.Join(", ", alerts);
    }

    public static string Of(long used, long held, long limit, bool isMoney)
    {
        return $"{Amount(used)}{(held == 0 ? "" : $"+{Amount(held)}")}/{Amount(limit)}";

        string Amount(long number) => isMoney ? new Money(number).ToString() : number.ToString(global::System.Globalization.CultureInfo.InvariantCulture);
    }

    private static string NameOf(LimitModel cap) => cap.Name;

    private static List<LimitModel> Of(ScenarioExchange exchange, string owner, Words words, bool all)
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
        var caps = exchange.Model.Limits.Where(limit => limit.Kind == LimitKind.Cap && limit.Scope == scope && limit.Owner == owner[(colon + 1)..] && (all || limit.Paced)).ToList();
        return caps.Count > 0 ? caps : throw words.Wrong(all ? $"{owner} has no caps" : $"{owner} has no paced caps");
    }
}
