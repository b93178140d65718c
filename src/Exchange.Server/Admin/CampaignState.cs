using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Limits;

namespace Exchange.Server.Admin;

/// <summary>
/// Whether a campaign can buy right now and, if not, the first reason in the order in which reasons are told. A spend cap or balance
/// counts as closed when nothing at all is left: what a bid needs of it is known only with the bid. Caps that stop only some leads (with a
/// condition, or a count for each value) and soft ones close nothing.
/// </summary>
internal static class CampaignState
{
    public static Reason ReasonClosed(CampaignModel campaign, IReadOnlyList<LimitState> limits, DateTimeOffset now)
    {
        if (campaign.Status != EntryStatus.Active) return Reason.CampaignPaused;
        if (campaign.Buyer.Status == EntryStatus.Paused) return Reason.BuyerPaused;
        if (campaign.Schedule is { } schedule && !schedule.IsOpen(now)) return Reason.ScheduleClosed;
        var first = Reason.None;
        foreach (var limit in limits)
        {
            if (limit.Limit is { Soft: true } or { When: not null } or { Each: not null }) continue;
            var full = limit.Limit.Kind == LimitKind.Gate ? limit.Whole.Left < 0 : limit.Whole.Left <= 0;
            var reason = full ? limit.Limit.Reason : limit.Whole.Pace is { NextMs: > 0 } ? Reason.Pacing : Reason.None;
            if (reason != Reason.None && (first == Reason.None || reason < first)) first = reason;
        }
        return first;
    }

    public static void Write(Utf8JsonWriter json, CampaignModel campaign, IReadOnlyList<LimitState> limits, DateTimeOffset now)
    {
        var reason = ReasonClosed(campaign, limits, now);
        json.WriteStartObject("state");
        json.WriteBoolean("open", reason == Reason.None);
        json.WriteString("reason", reason == Reason.None ? null : reason.Wire());
        CapState.Write(json, "caps", limits, CapScope.Campaign);
        CapState.Write(json, "buyer_caps", limits, CapScope.Buyer);
        if (limits.FirstOrDefault(limit => limit.Limit.Kind == LimitKind.Balance) is { } balance) WriteBalance(json, balance.Whole);
        json.WriteEndObject();
    }

    /// <summary>What the buyer may still spend: what it paid in and its credit, less what it bought and what is held.</summary>
    private static void WriteBalance(Utf8JsonWriter json, LimitReport balance)
    {
        json.WriteStartObject("balance");
        json.WriteString("buyer", balance.Limit.Owner);
        json.WriteString("credit_limit", new Money(balance.Limit.Limit).ToString());
        json.WriteString("used", new Money(balance.Used).ToString());
        json.WriteString("held", new Money(balance.Held).ToString());
        json.WriteString("left", new Money(balance.Left).ToString());
        json.WriteEndObject();
    }
}
