using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;

namespace Exchange.Grains.Limits;

/// <summary>
/// Counts pings and offers as they happen. Every reader of the live view sees them at once; the rows have them within
/// <see cref="CountWriter.Every"/>. Tests are never counted.
/// </summary>
public sealed class PingCounts(LiveView live)
{
    /// <summary>
    /// Counts one admitted ping into the publisher's caps on pings, all or none, exactly: two pings never take the last place both.
    /// Null: counted; else the cap that is full.
    /// </summary>
    public StateNote? TryCountPing(PublisherModel publisher, Subject subject, long nowMs)
    {
        var caps = publisher.Caps;
        for (var i = 0; i < caps.Count; i++)
        {
            var cap = caps[i];
            if (cap.IsTake || !cap.Counts(subject)) continue;
            var value = cap.ValueOf(subject);
            if (live.TryCount(cap, value, nowMs / 1000)) continue;
            for (var j = 0; j < i; j++) if (!caps[j].IsTake && caps[j].Counts(subject)) live.Uncount(caps[j], caps[j].ValueOf(subject));
            var reading = live.Read(cap, nowMs / 1000, value);
            return new StateNote(null, cap.Reason, cap, reading.Limit, reading.Used, reading.Held, 1, value);
        }
        return null;
    }

    /// <summary>A campaign was asked for a bid: its and its buyer's caps on pings.</summary>
    public void CountAsked(CampaignModel campaign, Subject subject, long nowMs) => Count(campaign, CapMetric.Pings, subject, nowMs);

    /// <summary>An offer was made by this campaign's bid: caps on offers, and whoever is paced pauses.</summary>
    public void CountOffer(CampaignModel campaign, Subject subject, Money price, Money payout, long nowMs)
    {
        Count(campaign, CapMetric.Offers, subject, nowMs);
        foreach (var limit in campaign.Takes)
            if (limit.Paced && limit.Counts(subject)) live.PaceOffer(limit, limit.ValueOf(subject), limit.AmountOf(price, payout), nowMs);
    }

    private void Count(CampaignModel campaign, CapMetric metric, Subject subject, long nowMs)
    {
        foreach (var limit in campaign.Counted)
            if (limit.Metric == metric && limit.Counts(subject)) live.Count(limit, limit.ValueOf(subject), nowMs / 1000);
    }
}
