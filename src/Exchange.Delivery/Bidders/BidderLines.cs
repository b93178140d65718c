using System.Collections.Concurrent;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;

namespace Exchange.Delivery.Bidders;

/// <summary>One open stream of a connected buyer, to write to.</summary>
public interface IBidderStream
{
    /// <summary>False: nothing was written, and nothing will be; it is full or gone.</summary>
    bool TrySend(BidCall call, DateTimeOffset deadline);

    /// <summary>As above, of a copy whose hold and lease are durable.</summary>
    bool TrySend(CopyMessage copy);
}

/// <summary>Where connected buyers (connector <c>grpc</c>) are reached: one line for each endpoint, with the streams that are open now.</summary>
/// <param name="others">Who is asked where no stream of an endpoint is open here; null: this is the only server.</param>
public sealed class BidderLines(IOtherLines? others = null)
{
    private readonly ConcurrentDictionary<(string Buyer, string Endpoint), BidderLine> lines = new();

    public BidderLine Of(string buyer, string endpoint) => lines.GetOrAdd((buyer, endpoint), static _ => new());

    public BidderLine Of(EndpointModel endpoint) => Of(endpoint.Buyer, endpoint.Name);

    /// <summary>Every line with a stream that is open here, in no order.</summary>
    public IEnumerable<(string Buyer, string Endpoint)> Open => lines.Where(line => line.Value.IsOpen).Select(line => line.Key);

    /// <summary>Asks where there is a line, here first; as <see cref="BidderLine.AskAsync"/>.</summary>
    public Task<BidAnswer> AskAsync(EndpointModel endpoint, BidCall call, DateTimeOffset until, CancellationToken deadline)
    {
        var line = Of(endpoint);
        return others is null || line.IsOpen ? line.AskAsync(call, endpoint.Limits.InFlight, until, deadline) : others.AskAsync(endpoint, call, until, deadline);
    }

    /// <summary>Hands over where there is a line, here first; as <see cref="BidderLine.HandOverAsync"/>.</summary>
    public Task<AttemptResult> HandOverAsync(EndpointModel endpoint, CopyMessage copy, DateTimeOffset until, CancellationToken deadline)
    {
        var line = Of(endpoint);
        return others is null || line.IsOpen ? line.HandOverAsync(copy, endpoint.Limits.InFlight, deadline) : others.HandOverAsync(endpoint, copy, until, deadline);
    }
}

/// <summary>
/// One endpoint's line. What was asked or handed over belongs to the line and not to the stream it went out on: an answer counts on whichever stream it comes,
/// and a copy that is not answered goes out again on the next stream.
/// </summary>
public sealed class BidderLine
{
    /// <summary>Bids and copies under way at once where the catalog sets no <c>in_flight</c>.</summary>
    private const int UsualInFlight = 1_000;

    private readonly Lock gate = new();
    private readonly List<IBidderStream> streams = [];
    private readonly Dictionary<string, TaskCompletionSource<BidAnswer>> asked = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Handed> handed = new(StringComparer.Ordinal);
    private int next;

    /// <summary>A copy that waits for its answer.</summary>
    private sealed record Handed(CopyMessage Copy)
    {
        public TaskCompletionSource<AttemptResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        /// <summary>A stream that opened after it took it along: it may have gone out there.</summary>
        public bool WentAlong { get; set; }
    }

    public int Streams
    {
        get { lock (gate) return streams.Count; }
    }

    public bool IsOpen => Streams > 0;

    /// <summary>Copies that were handed over and are not answered yet.</summary>
    public int Waiting
    {
        get { lock (gate) return handed.Count; }
    }

    /// <summary>A stream is open; copies that wait for their answer go out on it again.</summary>
    public void Open(IBidderStream stream)
    {
        CopyMessage[] waiting;
        lock (gate)
        {
            streams.Add(stream);
            waiting = streams.Count > 1 ? [] : [.. handed.Values.Select(each => each.Copy)];
            if (streams.Count == 1) foreach (var each in handed.Values) each.WentAlong = true;
        }
        foreach (var copy in waiting) stream.TrySend(copy);
    }

    public void Close(IBidderStream stream)
    {
        lock (gate) streams.Remove(stream);
    }

    /// <summary>Asks for a bid; <c>Unreachable</c> where nobody is connected or everybody has too much to do. Ends with the token, as a <c>Timeout</c>.</summary>
    public async Task<BidAnswer> AskAsync(BidCall call, int? inFlight, DateTimeOffset until, CancellationToken deadline)
    {
        var answer = new TaskCompletionSource<BidAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (streams.Count == 0 || asked.Count >= (inFlight ?? UsualInFlight) || !asked.TryAdd(call.RequestId, answer)) return BidAnswer.Declined(Reason.Unreachable);
        }
        try
        {
            if (!Send(stream => stream.TrySend(call, until))) return BidAnswer.Declined(Reason.Unreachable);
            return await answer.Task.WaitAsync(deadline);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return BidAnswer.Declined(Reason.Timeout);
        }
        finally
        {
            lock (gate) asked.Remove(call.RequestId);
        }
    }

    /// <summary>Hands a copy over and waits for its answer. Never throws: past the token's end it is unknown what became of it.</summary>
    public async Task<AttemptResult> HandOverAsync(CopyMessage copy, int? inFlight, CancellationToken deadline)
    {
        var id = copy.Copy.ToString();
        var mine = new Handed(copy);
        lock (gate)
        {
            if (streams.Count == 0) return new(AttemptKind.NotSent, "not_connected");
            // A copy is handed over by one attempt at a time, that of the lease's holder; an older one that still waits gives way.
            if (handed.Count >= (inFlight ?? UsualInFlight)) return new(AttemptKind.NotSent, "endpoint_busy");
            handed[id] = mine;
        }
        try
        {
            if (!Send(stream => stream.TrySend(copy)) && TakeBack()) return new(AttemptKind.NotSent, "endpoint_busy");
            return await mine.Answer.Task.WaitAsync(deadline);
        }
        catch (OperationCanceledException)
        {
            return new(AttemptKind.Unknown, "timeout");
        }
        finally
        {
            lock (gate) Remove();
        }

        // No stream took it. From here on none that opens can: or one has already, between the two, and then it is not known to be anywhere but there.
        bool TakeBack()
        {
            lock (gate)
            {
                if (mine.WentAlong) return false;
                Remove();
                return true;
            }
        }

        void Remove()
        {
            if (handed.TryGetValue(id, out var now) && ReferenceEquals(now, mine)) handed.Remove(id);
        }
    }

    /// <summary>False: nobody waits for it, it was never asked or comes too late.</summary>
    public bool Answer(string requestId, BidAnswer answer)
    {
        lock (gate) return asked.TryGetValue(requestId, out var waits) && waits.TrySetResult(answer);
    }

    /// <summary>As above, of a copy. One that may have gone out twice may be a duplicate of itself: that is no no.</summary>
    public bool Answer(string copyId, AttemptResult answer)
    {
        lock (gate)
        {
            if (!handed.TryGetValue(copyId, out var waits)) return false;
            return waits.Answer.TrySetResult(waits.WentAlong && answer.Kind == AttemptKind.Duplicate ? new(AttemptKind.Unknown, "duplicate") : answer);
        }
    }

    /// <summary>To one stream, in turn; to the next where one is full.</summary>
    private bool Send(Func<IBidderStream, bool> send)
    {
        IBidderStream[] open;
        int first;
        lock (gate)
        {
            open = [.. streams];
            first = unchecked((int)((uint)next++ % (uint)Math.Max(1, open.Length)));
        }
        for (var i = 0; i < open.Length; i++) if (send(open[(first + i) % open.Length])) return true;
        return false;
    }
}
