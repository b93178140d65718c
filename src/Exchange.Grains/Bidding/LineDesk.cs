using Exchange.Delivery;
using Exchange.Delivery.Bidders;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Grains.Cluster;
using Exchange.Grains.Deliveries;

namespace Exchange.Grains.Bidding;

/// <summary>What the silos tell and ask each other of connected buyers: who has whose line, what stands, and calls over a line that is open here.</summary>
public sealed class LineDesk(BidderLines lines, OtherLines others, StandingBids standing, ISilos silos, TimeProvider time)
{
    private HashSet<LineName> toldLines = [];
    private long toldStanding;
    private long version;

    /// <summary>The message of this moment; null: nothing changed. One caller at a time.</summary>
    /// <param name="heal">Tell all, for those who missed something or were not there.</param>
    public LineNews? Take(bool heal)
    {
        var open = lines.Open.Select(line => new LineName(line.Buyer, line.Endpoint)).ToHashSet();
        var stands = standing.Version;
        var spent = standing.TakeSpent(heal);
        var ended = standing.TakeEnded();
        var isNew = heal || stands != toldStanding || !open.SetEquals(toldLines);
        if (!isNew && spent.Length == 0 && ended.Length == 0) return null;
        if (isNew) (toldLines, toldStanding) = (open, stands);
        return new(silos.Self.Number, ++version, isNew ? [.. open] : null, isNew ? standing.SetHere() : null, spent, ended);
    }

    /// <summary>Another silo tells.</summary>
    public void Hear(LineNews news)
    {
        if (news is { Lines: { } open, Standing: { } stands } && others.Hear(news.Silo, news.Version, open)) standing.Hear(news.Silo, stands);
        standing.Hear(news.Spent, news.Ended);
    }

    /// <summary>Another silo asks; null: the buyer is not connected here.</summary>
    public async ValueTask<LineBids?> AskHereAsync(LineBidCall call)
    {
        var line = lines.Of(call.At.Buyer, call.At.Endpoint);
        if (!line.IsOpen) return null;
        var until = DateTimeOffset.FromUnixTimeMilliseconds(call.At.UntilMs);
        var left = until - time.GetUtcNow();
        if (left <= TimeSpan.Zero) return LineBids.Of(BidAnswer.Declined(Reason.Timeout));
        using var deadline = new CancellationTokenSource(left, time);
        return LineBids.Of(await line.AskAsync(call.Read(), call.At.InFlight, until, deadline.Token));
    }

    /// <summary>Another silo has a lease and hands over; null: the buyer is not connected here, and nothing was sent.</summary>
    public async ValueTask<LineAnswer?> HandOverHereAsync(LineCopy copy)
    {
        var line = lines.Of(copy.At.Buyer, copy.At.Endpoint);
        if (!line.IsOpen) return null;
        var left = DateTimeOffset.FromUnixTimeMilliseconds(copy.At.UntilMs) - time.GetUtcNow();
        // The lease may be somebody else's by now.
        if (left <= TimeSpan.Zero) return LineAnswer.Of(BuyerCalls.NoTimeLeft);
        using var deadline = new CancellationTokenSource(left, time);
        return LineAnswer.Of(await line.HandOverAsync(copy.Read(), copy.At.InFlight, deadline.Token));
    }

}
