using System.Threading.Channels;
using Exchange.Delivery;
using Exchange.Delivery.Bidders;
using Exchange.V1;
using Grpc.Core;

namespace Exchange.Server.Grpc;

/// <summary>
/// What goes out on one open stream, in order, one message at a time. A buyer that reads slowly has messages waiting here: a copy whose attempt is over meanwhile is not
/// sent any more, because it may be somebody else's by then.
/// </summary>
/// <param name="isLet">Whether the buyer's key still holds. Whose does not gets nothing more, least of all a copy.</param>
public sealed class BidderStream(Func<bool> isLet, TimeProvider time) : IBidderStream
{
    /// <summary>Messages on their way out of one stream; a buyer that reads slower than that is full.</summary>
    private const int MostWaiting = 1_024;

    private readonly Channel<(ExchangeMessage Message, DateTimeOffset? Until)> outgoing =
        Channel.CreateBounded<(ExchangeMessage, DateTimeOffset?)>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });

    public bool TrySend(BidCall call, DateTimeOffset deadline) => outgoing.Writer.TryWrite((new ExchangeMessage { BidRequest = BidderMessages.Of(call, deadline) }, null));
    public bool TrySend(CopyMessage copy) => outgoing.Writer.TryWrite((new ExchangeMessage { Copy = BidderMessages.Of(copy) }, copy.Until));
    public bool TryWrite(ExchangeMessage message) => outgoing.Writer.TryWrite((message, null));

    /// <summary>Nothing more comes.</summary>
    public void Complete() => outgoing.Writer.TryComplete();

    /// <summary>Until nothing more comes, the buyer has left, or its key was revoked.</summary>
    /// <param name="ended">Cancelled when the key was.</param>
    public async Task WriteAsync(IServerStreamWriter<ExchangeMessage> to, CancellationTokenSource ended)
    {
        try
        {
            await foreach (var (message, until) in outgoing.Reader.ReadAllAsync(ended.Token))
            {
                if (!isLet())
                {
                    await ended.CancelAsync();
                    return;
                }
                if (until <= time.GetUtcNow()) continue;
                await to.WriteAsync(message, ended.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or InvalidOperationException or IOException)
        {
            // The buyer left; the reading loop ends by the same token.
        }
    }
}
