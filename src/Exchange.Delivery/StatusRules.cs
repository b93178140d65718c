using System.Globalization;
using Exchange.Engine.Deliveries;

namespace Exchange.Delivery;

/// <summary>What an answer means where the connector's own format does not say: the rules for every connector.</summary>
internal static class StatusRules
{
    private static readonly TimeSpan RetryAfterMax = TimeSpan.FromMilliseconds(RetrySchedule.RetryAfterMaxMs);

    /// <summary>For everything but a 2xx. A reply without a status is silence or a fault of the connection.</summary>
    public static AttemptResult Read(in OutboundReply reply, DateTimeOffset now) => reply.Status switch
    {
        // Our own limit on the endpoint: it is asked a little later, nobody has said no.
        0 when reply.Error == "rate_limited" => new(AttemptKind.RetryLater, reply.Error, RetryAfter: reply.FreeIn),
        0 => new(reply.Sent ? AttemptKind.Unknown : AttemptKind.NotSent, reply.Error),
        429 or 503 => new(AttemptKind.RetryLater, Http(reply.Status), RetryAfter: Wait(reply, now)),
        408 => new(AttemptKind.Unknown, "http_408"),
        410 => new(AttemptKind.Rejected, "http_410") { Refusal = Refusal.Gone },
        >= 400 and < 500 => new(AttemptKind.Rejected, Http(reply.Status)) { Refusal = Refusal.Status },
        // Never followed; and a form that answers by sending its visitor on has taken what it got.
        >= 300 and < 400 => new(AttemptKind.Unknown, "redirect_refused"),
        _ => new(AttemptKind.Unknown, Http(reply.Status)),
    };

    private static string Http(int status) => string.Create(CultureInfo.InvariantCulture, $"http_{status}");

    /// <summary>Seconds or a date, from 0 to the schedule's bound; null if there is none.</summary>
    public static TimeSpan? Wait(in OutboundReply reply, DateTimeOffset now)
    {
        var wait = reply.RetryAfter?.Delta ?? (reply.RetryAfter?.Date is { } date ? date - now : null);
        if (wait is not { } asked) return null;
        return asked < TimeSpan.Zero ? TimeSpan.Zero : asked > RetryAfterMax ? RetryAfterMax : asked;
    }
}
