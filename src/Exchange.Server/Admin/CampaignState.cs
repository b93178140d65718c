using System.Text.Json;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;

namespace Exchange.Server.Admin;

/// <summary>
/// Whether a campaign can buy right now and, if not, the first reason in the order in which reasons are told. A spend cap or balance
/// counts as closed when nothing at all is left: what a bid needs of it is known only with the bid.
/// </summary>
internal static class CampaignState
{
    public static Reason ReasonClosed(CampaignModel campaign, IReadOnlyList<LimitState> limits, DateTimeOffset now)
    {
        if (campaign.Status == EntryStatus.Paused) return Reason.CampaignPaused;
        if (campaign.Buyer.Status == EntryStatus.Paused) return Reason.BuyerPaused;
        if (campaign.Schedule is { } schedule && !schedule.IsOpen(now)) return Reason.ScheduleClosed;
        foreach (var limit in limits)
            if (limit.Limit.Kind == LimitKind.Gate ? limit.Left < 0 : limit.Left <= 0) return limit.Limit.Reason;
        return Reason.None;
    }

    public static void Write(Utf8JsonWriter json, CampaignModel campaign, IReadOnlyList<LimitState> limits, DateTimeOffset now)
    {
        var reason = ReasonClosed(campaign, limits, now);
        json.WriteStartObject("state");
        json.WriteBoolean("open", reason == Reason.None);
        json.WriteString("reason", reason == Reason.None ? null : reason.Wire());
        WriteCaps(json, "caps", limits, CapScope.Campaign);
        WriteCaps(json, "buyer_caps", limits, CapScope.Buyer);
        if (limits.FirstOrDefault(limit => limit.Limit.Kind == LimitKind.Balance) is { } balance) WriteBalance(json, balance);
        json.WriteEndObject();
    }

    public static void WriteCaps(Utf8JsonWriter json, string name, IEnumerable<LimitState> limits, CapScope scope) =>
        json.WriteObjects(name, limits.Where(limit => limit.Limit.Kind == LimitKind.Cap && limit.Limit.Scope == scope), limit =>
        {
            var what = limit.Limit.Metric == CapMetric.Leads ? "leads" : "spend";
            json.WriteString("cap", $"{limit.Limit.Period!.Name}.{what}");
            json.WriteString("per", limit.Limit.Period.Name);
            WriteAmount(json, what, limit.Limit.Metric, limit.Max);
            WriteAmount(json, "used", limit.Limit.Metric, limit.Used);
            WriteAmount(json, "held", limit.Limit.Metric, limit.Held);
            WriteAmount(json, "left", limit.Limit.Metric, limit.Left);
            if (limit.ResetsAt is { } resets) json.WriteTime("resets_at", resets);
            else json.WriteNull("resets_at");
            json.WriteString("time_zone", limit.Limit.Zone!.Id);
        });

    /// <summary>What the buyer may still spend: what it paid in and its credit, less what it bought and what is held.</summary>
    private static void WriteBalance(Utf8JsonWriter json, LimitState balance)
    {
        json.WriteStartObject("balance");
        json.WriteString("buyer", balance.Limit.Owner);
        json.WriteString("credit_limit", new Money(balance.Limit.Limit).ToString());
        json.WriteString("used", new Money(balance.Used).ToString());
        json.WriteString("held", new Money(balance.Held).ToString());
        json.WriteString("left", new Money(balance.Left).ToString());
        json.WriteEndObject();
    }

    private static void WriteAmount(Utf8JsonWriter json, string name, CapMetric metric, long value)
    {
        if (metric == CapMetric.Leads) json.WriteNumber(name, value);
        else json.WriteString(name, new Money(value).ToString());
    }
}
