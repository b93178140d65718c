using Exchange.Delivery.Bidders;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;
using Exchange.Grains.Bidding;
using Exchange.Grains.Catalog;
using Exchange.Grains.Intake;
using Exchange.Server.Access;
using Exchange.Server.Hosting;
using Exchange.Storage;
using Exchange.V1;
using Grpc.Core;

namespace Exchange.Server.Grpc;

/// <summary>The connected buyers' gRPC: one stream each way, read here and written by one writer.</summary>
public sealed class BidderGrpc(Gate gate, BidderLines lines, StandingBids standing, ICatalogHost catalog, Drain drain, TimeProvider time, ILogger<BidderGrpc> log) : BidderService.BidderServiceBase
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookForAnswersEvery = TimeSpan.FromMilliseconds(100);
    /// <summary>How long a server that leaves waits for answers: what it stops after its streams has ten seconds more.</summary>
    private static readonly TimeSpan AnswersWithin = TimeSpan.FromSeconds(20);

    public override async Task Connect(IAsyncStreamReader<BidderMessage> requestStream, IServerStreamWriter<ExchangeMessage> responseStream, ServerCallContext context)
    {
        var caller = gate.Require(context, KeyRole.Buyer);
        var cancel = context.CancellationToken;
        if (!await requestStream.MoveNext(cancel) || requestStream.Current.MessageCase != BidderMessage.MessageOneofCase.Hello)
            throw Refused(Problem.Invalid([new("/hello", "missing_field", "The first message is hello, with the name of an endpoint.")]), context);
        var name = requestStream.Current.Hello.Endpoint;
        if (!catalog.Current.Buyers.TryGetValue(caller.For, out var buyer) || !buyer.Endpoints.TryGetValue(name, out var endpoint) || endpoint.Connector != ConnectorKind.Grpc)
            throw Refused(Problem.Of(404, "not_found", "You have no endpoint of this name whose connector is grpc."), context);

        var line = lines.Of(caller.For, name);
        var stream = new BidderStream(() => IsStillLet(context), time);
        if (drain.Over.IsCancellationRequested) throw Refused(Drain.Leaves, context);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        await using var look = time.CreateTimer(_ => EndIfRevoked(context, ended), null, LookEvery, LookEvery);
        // Before the welcome: who has read it is asked from then on.
        line.Open(stream);
        var writing = WriteAsync();
        await using var leaves = drain.Over.Register(() => _ = LeaveAsync(caller.For, name, line, stream, ended));
        try
        {
            while (await requestStream.MoveNext(ended.Token))
            {
                if (!IsStillLet(context)) throw Refused(Problem.Of(401, "unauthenticated", "The key was revoked."), context);
                Read(requestStream.Current, caller.For, name, line, stream);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or InvalidOperationException && !cancel.IsCancellationRequested && ended.IsCancellationRequested)
        {
            throw Refused(drain.Over.IsCancellationRequested ? Drain.Leaves
                : Problem.Of(401, "unauthenticated", "The key was revoked."), context);
        }
        finally
        {
            line.Close(stream);
            // Whoever has left buys nothing more by a price that it cannot withdraw.
            standing.End(caller.For, name, line);
            stream.Complete();
            await writing;
        }

        async Task WriteAsync()
        {
            await responseStream.WriteAsync(new ExchangeMessage { Welcome = new Welcome { Buyer = caller.For, Currency = catalog.Current.Currency } }, cancel);
            await stream.WriteAsync(responseStream, ended);
        }
    }

    /// <summary>
    /// A process that leaves does not wait for its buyers to leave first: they connect to another. From here on it hands them nothing, but what it has handed over they may
    /// answer yet: cut off, their yes would be a doubt.
    /// </summary>
    private async Task LeaveAsync(string buyer, string endpoint, BidderLine line, BidderStream stream, CancellationTokenSource ended)
    {
        try
        {
            line.Close(stream);
            standing.End(buyer, endpoint, line);
            for (var since = time.GetTimestamp(); line.Waiting > 0 && time.GetElapsedTime(since) < AnswersWithin;) await Task.Delay(LookForAnswersEvery, time, ended.Token);
            await ended.CancelAsync();
        }
        // The stream has ended meanwhile.
        catch (Exception gone) when (gone is OperationCanceledException or ObjectDisposedException) { }
    }

    /// <summary>A buyer that says nothing is asked nothing more either once its key is revoked, and its standing bids end with its stream.</summary>
    private void EndIfRevoked(ServerCallContext context, CancellationTokenSource ended)
    {
        try
        {
            if (!IsStillLet(context)) ended.Cancel();
        }
        // Nobody waits for this: whatever it is, the next look comes in a second, or the stream has just ended.
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            log.LogWarning(fault, "A connected buyer's key could not be looked at");
        }
    }

    private void Read(BidderMessage message, string buyer, string endpoint, BidderLine line, BidderStream stream)
    {
        switch (message.MessageCase)
        {
            case BidderMessage.MessageOneofCase.Bids:
                line.Answer(message.Bids.BidRequestId, BidderMessages.Read(message.Bids));
                break;
            case BidderMessage.MessageOneofCase.CopyAnswer:
                line.Answer(message.CopyAnswer.CopyId, BidderMessages.Read(message.CopyAnswer));
                break;
            case BidderMessage.MessageOneofCase.StandingBid:
                stream.TryWrite(new ExchangeMessage { StandingBidAnswer = BidderMessages.Answer(message.StandingBid, Set(message.StandingBid, buyer, endpoint)) });
                break;
            // A second hello, and messages of a newer version: nothing to be done about them.
            default: break;
        }
    }

    private IReadOnlyList<InputError> Set(StandingBid bid, string buyer, string endpoint)
    {
        var model = catalog.Current;
        if (bid.Withdraw) return standing.Withdraw(model, buyer, endpoint, bid.Campaign);
        return BidderMessages.TryTime(bid.Until, out var until)
            ? standing.Set(model, buyer, endpoint, bid.Campaign, bid.PriceJson, new Money(bid.SpendLimitMicros), until)
            : [new("until", ConfigCodes.InvalidFormat, "This is no moment.")];
    }

    private bool IsStillLet(ServerCallContext context) => gate.Check(context.GetHttpContext(), [KeyRole.Buyer], out _) is null;

    private static RpcException Refused(Problem problem, ServerCallContext context) => RichStatus.ToException(problem, context.GetHttpContext());
}
