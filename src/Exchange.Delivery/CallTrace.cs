using Exchange.Engine;
using Exchange.Engine.Deliveries;

namespace Exchange.Delivery;

/// <summary>One call as it was, or would have been, made.</summary>
/// <param name="Way"><c>http</c>, <c>mail</c>, <c>file</c> or <c>stream</c>.</param>
/// <param name="Target">Method and URL, recipients, the file's place.</param>
public sealed record TracedCall(CallPurpose Purpose, string Way, string Target, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[]? Body)
{
    /// <summary>Null: nothing was sent, or not by HTTP.</summary>
    public OutboundReply? Reply { get; init; }
}

/// <summary>
/// Notes every call that is made under it, for whoever tries a connector; where it <see cref="Sends"/> nothing, it notes what would be sent and lets nothing out.
/// It goes with the caller (an async local), so connectors are the same whether they are watched or not. Used by one caller at a time.
/// </summary>
public sealed class CallTrace(bool sends)
{
    /// <summary>The error of what was not sent.</summary>
    public const string NotSent = "not_sent";

    private static readonly AsyncLocal<CallTrace?> Ambient = new();

    private readonly List<TracedCall> calls = [];

    internal static CallTrace? Current => Ambient.Value;

    public bool Sends => sends;
    public IReadOnlyList<TracedCall> Calls => calls;

    public async Task<T> RunAsync<T>(Func<Task<T>> run)
    {
        // Set inside this method, so that it ends with it.
        Ambient.Value = this;
        return await run();
    }

    internal async Task<OutboundReply> PassAsync(OutboundRequest request, CallPurpose purpose, Func<Task<OutboundReply>> send)
    {
        var headers = request.ContentType is { } type ? [.. request.Headers, new("Content-Type", type)] : request.Headers;
        var call = new TracedCall(purpose, "http", $"{request.Method} {request.Url.AbsoluteUri}", headers, request.Body);
        var reply = sends ? await send() : new(false, 0, null, NotSent, null);
        calls.Add(sends ? call with { Reply = reply } : call);
        return reply;
    }

    internal Task<AttemptResult> PassAsync(string way, string target, string body, Func<Task<AttemptResult>> send)
    {
        Note(way, target, body);
        return sends ? send() : Task.FromResult(new AttemptResult(AttemptKind.NotSent, NotSent));
    }

    internal Task<BidAnswer> PassAsync(string way, string target, string body, Func<Task<BidAnswer>> send)
    {
        Note(way, target, body);
        return sends ? send() : Task.FromResult(BidAnswer.Declined(Reason.NoBid));
    }

    private void Note(string way, string target, string body) => calls.Add(new(CallPurpose.Post, way, target, [], System.Text.Encoding.UTF8.GetBytes(body)));
}
