using System.Collections.Concurrent;
using System.Collections.Frozen;
using Exchange.Delivery;
using Exchange.Delivery.Bidders;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Grains.Cluster;

namespace Exchange.Grains.Bidding;

/// <summary>
/// Which silo has which connected buyer's line, as they told, and the way there: one hop. A list that is old by a moment costs one question more, for a silo
/// that has no such line says so and was not asked in vain for anything else.
/// </summary>
public sealed class OtherLines(ISilos silos) : IOtherLines
{
    private sealed record Told(long Version, FrozenSet<LineName> Lines);

    private readonly ConcurrentDictionary<ushort, Told> told = new();
    private uint next;

    /// <summary>False: something newer was heard of this silo.</summary>
    public bool Hear(ushort silo, long version, LineName[] lines)
    {
        foreach (var known in told.Keys) if (!silos.IsAlive(known)) told.TryRemove(known, out _);
        var heard = new Told(version, lines.ToFrozenSet());
        return ReferenceEquals(told.AddOrUpdate(silo, heard, (_, known) => known.Version < version ? heard : known), heard);
    }

    public async Task<BidAnswer> AskAsync(EndpointModel endpoint, BidCall call, DateTimeOffset until, CancellationToken deadline)
    {
        LineBidCall? asked = null;
        foreach (var silo in Having(endpoint))
        {
            try
            {
                if (await silo.AskLine(asked ??= LineBidCall.Of(call, At(endpoint, until))).AsTask().WaitAsync(deadline) is { } bids) return bids.Read();
            }
            catch (OperationCanceledException) when (deadline.IsCancellationRequested)
            {
                return BidAnswer.Declined(Reason.Timeout);
            }
            catch (Exception fault) when (fault is not (OperationCanceledException or OutOfMemoryException))
            {
                // Lost with its silo. A bid request is no lead: another line of the same buyer may be asked.
            }
        }
        return BidAnswer.Declined(Reason.Unreachable);
    }

    public async Task<AttemptResult> HandOverAsync(EndpointModel endpoint, CopyMessage copy, DateTimeOffset until, CancellationToken deadline)
    {
        LineCopy? handed = null;
        foreach (var silo in Having(endpoint))
        {
            try
            {
                if (await silo.HandOver(handed ??= LineCopy.Of(copy, At(endpoint, until))).AsTask().WaitAsync(deadline) is { } answer) return answer.Read();
            }
            catch (OperationCanceledException)
            {
                return new(AttemptKind.Unknown, "timeout");
            }
            catch (Exception fault) when (fault is not OutOfMemoryException)
            {
                // It may have reached the buyer before its silo was lost: no other line gets it under this attempt.
                return new(AttemptKind.Unknown, "line_lost");
            }
        }
        return new(AttemptKind.NotSent, "not_connected");
    }

    private static LineAt At(EndpointModel endpoint, DateTimeOffset until) => new(endpoint.Buyer, endpoint.Name, endpoint.Limits.InFlight, until.ToUnixTimeMilliseconds());

    /// <summary>Silos that said they have a line of it and still answer, in turn.</summary>
    private ISiloService[] Having(EndpointModel endpoint)
    {
        if (told.IsEmpty) return [];
        var name = new LineName(endpoint.Buyer, endpoint.Name);
        var having = new List<(ushort Number, ISiloService Silo)>();
        foreach (var (number, known) in told) if (known.Lines.Contains(name) && silos.Find(number) is { } silo) having.Add((number, silo));
        if (having.Count == 0) return [];
        having.Sort(static (a, b) => a.Number.CompareTo(b.Number));
        var first = (int)(Interlocked.Increment(ref next) % (uint)having.Count);
        return [.. having.Skip(first).Concat(having.Take(first)).Select(each => each.Silo)];
    }
}
