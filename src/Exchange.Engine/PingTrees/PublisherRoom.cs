using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Engine.PingTrees;

/// <summary>Whether the publisher's own gate and caps leave room, by the live view. Spend of a publisher is its payout.</summary>
internal readonly struct PublisherRoom(PublisherModel publisher, ILiveView live, long unixSeconds, bool test)
{
    /// <summary>The first limit in the way of so much payout for one more copy; null: there is room.</summary>
    public StateNote? Refusal(Money payout, Subject subject)
    {
        // Tests take no gate; a publisher that only tests has a closed one.
        if (!test && Refused(publisher.Gate, 0, null) is { } closed) return closed;
        for (var i = 0; i < publisher.Caps.Count; i++)
        {
            var cap = publisher.Caps[i];
            if (cap.Soft || !cap.Counts(subject)) continue;
            if (Refused(cap, cap.AmountOf(Money.Zero, payout), cap.ValueOf(subject)) is { } full) return full;
        }
        return null;
    }

    private StateNote? Refused(LimitModel limit, long needed, string? value)
    {
        var reading = live.Read(limit, unixSeconds, value);
        return reading.Left >= needed ? null : new StateNote(null, limit.Reason, limit, reading.Limit, reading.Used, reading.Held, needed, value);
    }
}
