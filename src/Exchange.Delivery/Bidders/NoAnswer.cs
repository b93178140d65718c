using Exchange.Engine;

namespace Exchange.Delivery.Bidders;

/// <summary>Why a live bidder gave no answer that can be read. Nothing is lost by it: a ping that nobody answered is a decline.</summary>
internal static class NoAnswer
{
    /// <summary>Null: there is a whole answer.</summary>
    public static BidAnswer? Of(in OutboundReply reply)
    {
        if (reply is { Status: > 0, Body: not null }) return null;
        return BidAnswer.Declined(reply.Error switch
        {
            "timeout" => Reason.Timeout,
            // The endpoint takes no more pings now: the campaign was not asked.
            "rate_limited" or "endpoint_busy" => Reason.PingCap,
            "answer_too_large" or "answer_malformed" => Reason.BadResponse,
            _ => reply.Status > 0 ? Reason.BadResponse : Reason.Unreachable,
        });
    }
}
