namespace Exchange.LoadTests.Crash;

/// <summary>How one request ended for its sender. Unknown may count either way.</summary>
internal enum Ended { Ok, Refused, Unknown }

/// <summary>One answer to a post.</summary>
/// <param name="Code">Of a refusal.</param>
/// <param name="Status">sold, unsold, in_doubt, pending.</param>
/// <param name="IsFinal">No copy is open (HTTP 200, not 202): it never changes any more.</param>
/// <param name="Text">The whole answer as it came.</param>
internal sealed record PostReply(Ended Ended, string Code = "", string Lead = "", string Status = "", long PayoutMicros = 0, bool IsFinal = false, string Text = "");

/// <summary>One post: invoked once, sent until it is answered. Changed by its worker only.</summary>
internal sealed class Post(string key, string market, string ping, string email)
{
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
    /// <summary>The most that any answer said is owed: it may rise while copies are open, and never falls.</summary>
    public long OwedMicros { get; private set; }
    /// <summary>The refusal that ended it.</summary>
    public string? Refused { get; set; }
    /// <summary>Its ping died with its server, or its time ran out while none served: nothing was done, and the person may be pinged again.</summary>
    public bool IsPingGone => Refused is "ping_not_found" or "ping_expired";
    /// <summary>What must not be, in words.</summary>
    public string? Broken { get; set; }

    public PostReply? Final => OverHttp ?? OverGrpc;

    /// <summary>An answer. A final one equals every final one before.</summary>
    public void Answered(PostReply reply, bool grpc)
    {
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
