using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>Whether the publisher's own gate and caps leave room, by the live view. Spend of a publisher is its payout.</summary>
internal readonly struct PublisherRoom(PublisherModel publisher, ILiveView live, long unixSeconds)
{
    /// <summary>The first limit in the way of so much payout for so many copies; null: there is room.</summary>
    public StateNote? Refusal(long copies, Money payout)
    {
        if (Refused(publisher.Gate, 0) is { } closed) return closed;
        foreach (var cap in publisher.Caps)
        {
            if (Refused(cap, cap.Metric == CapMetric.Leads ? copies : payout.Micros) is { } full) return full;
        }
        return null;
    }

    private StateNote? Refused(LimitModel limit, long needed)
    {
        var reading = live.Read(limit, unixSeconds);
        return reading.Left >= needed ? null : new StateNote(null, limit.Reason, limit, reading.Limit, reading.Used, reading.Held, needed);
    }
}
