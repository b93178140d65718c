using System.Diagnostics;

namespace Exchange.LoadTests.Crash;

/// <summary>How one request ended for its sender. Unknown may count either way.</summary>
internal enum Ended { Ok, Refused, Unknown }

/// <summary>One answer to a post.</summary>
/// <param name="Code">Of a refusal.</param>
/// <param name="Status">sold, unsold, in_doubt, pending.</param>
/// <param name="PendingMicros">What may follow.</param>
/// <param name="IsFinal">No copy is open (HTTP 200, not 202): it never changes any more.</param>
/// <param name="Text">The whole answer as it came.</param>
internal sealed record PostReply(Ended Ended, string Code = "", string Lead = "", string Status = "", long PayoutMicros = 0, long PendingMicros = 0, bool IsFinal = false, string Text = "");

/// <summary>What came back for a post, so many milliseconds after its ping was sent.</summary>
internal sealed record Told(long AfterMs, bool Grpc, PostReply Reply);

/// <summary>One post: invoked once, sent until it is answered. Changed by its worker only.</summary>
/// <param name="pinged">A timestamp from before the ping was sent: its offer does not end earlier than its life after that.</param>
/// <param name="home">The number of the server that made its offer.</param>
internal sealed class Post(string key, string market, string ping, string email, long pinged, int home)
{
    private readonly List<Told> _told = [];

    public string Key { get; } = key;
    public string Market { get; } = market;
    public string Ping { get; } = ping;
    public string Email { get; } = email;

    /// <summary>Times it was sent, and times nobody answered.</summary>
    public int Sent { get; set; }
    public int Unknown { get; set; }
    /// <summary>The first final answer over each wire.</summary>
    public PostReply? OverHttp { get; private set; }
    public PostReply? OverGrpc { get; private set; }
    /// <summary>Everything that came back, in its order.</summary>
    public IReadOnlyList<Told> Told => _told;
    /// <summary>The most that any answer said is owed: it may rise while copies are open, and never falls.</summary>
    public long OwedMicros { get; private set; }
    /// <summary>The least that any answer said may become owed at most: nothing rises above it.</summary>
    public long AtMostMicros { get; private set; } = long.MaxValue;
    /// <summary>The refusal that ended it.</summary>
    public string? Refused { get; set; }
    /// <summary>Its ping died with its server, or its time ran out while none served: nothing was done, and the person may be pinged again.</summary>
    public bool IsPingGone => IsPingLost || Refused == "ping_expired";
    public bool IsPingLost => Refused == "ping_not_found";
    public int Home => home;
    /// <summary>Of a person who was forgotten before: nobody may buy it.</summary>
    public bool MustNotSell { get; init; }
    /// <summary>What must not be, in words.</summary>
    public string? Broken { get; set; }

    public PostReply? Final => OverHttp ?? OverGrpc;
    /// <summary>Whatever the answer said: there is a lead.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>Notes whatever came back.</summary>
    public PostReply Heard(PostReply reply, bool grpc)
    {
        _told.Add(new((long)Stopwatch.GetElapsedTime(pinged).TotalMilliseconds, grpc, reply));
        return reply;
    }

    /// <summary>The refusal that ends it. An offer that is over before its life is, is a promise broken.</summary>
    public void RefusedAs(string code)
    {
        Refused = code;
        if (code == "ping_expired" && Stopwatch.GetElapsedTime(pinged) < CrashMarket.OfferLife(Market)) Broken ??= "its offer was over before its time";
    }

    /// <summary>An answer. A final one equals every final one before.</summary>
    public void Answered(PostReply reply, bool grpc)
    {
        IsAnswered = true;
        // Whoever sold twice would owe more than was held.
        if (reply.PayoutMicros > AtMostMicros) Broken ??= $"owes {reply.PayoutMicros}, of at most {AtMostMicros}";
        AtMostMicros = Math.Min(AtMostMicros, reply.PayoutMicros + reply.PendingMicros);
        if (reply.IsFinal != (reply.PendingMicros == 0)) Broken ??= $"final {reply.IsFinal} with {reply.PendingMicros} pending";
        // An exclusive lead has one copy: it is sold, or it is open.
        if (Market != "shared" && reply is { Status: "sold", IsFinal: false }) Broken ??= "sold with an open copy, and exclusive";
        if (reply.PayoutMicros < OwedMicros) Broken ??= $"owes {reply.PayoutMicros} after {OwedMicros}";
        OwedMicros = Math.Max(OwedMicros, reply.PayoutMicros);
        if (!reply.IsFinal)
        {
            if (Final is not null) Broken ??= $"{reply.Status} after {Final.Status}";
            return;
        }
        if (Final is { } other && (other.Status, other.Lead, other.PayoutMicros) != (reply.Status, reply.Lead, reply.PayoutMicros)) Broken ??= $"{reply.Status} after {other.Status}";
        if ((grpc ? OverGrpc : OverHttp) is { } before)
        {
            if (before.Text != reply.Text) Broken ??= "the repetition says something else";
        }
        else if (grpc) OverGrpc = reply;
        else OverHttp = reply;
    }
}
