using System.Threading.Channels;
using Exchange.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Exchange.System.Tests.Bidding;

/// <summary>A buyer's program on a stream of <c>BidderService.Connect</c>: bids what it is told to, takes every copy, remembers both.</summary>
internal sealed class BuyerOnGrpc : IAsyncDisposable
{
    private readonly GrpcChannel channel;
    private readonly AsyncDuplexStreamingCall<BidderMessage, ExchangeMessage> call;
    private readonly SemaphoreSlim writing = new(1);
    private readonly Channel<SoldCopy> copies = Channel.CreateUnbounded<SoldCopy>();
    private readonly Channel<StandingBidAnswer> standing = Channel.CreateUnbounded<StandingBidAnswer>();
    private readonly Channel<BidRequest> requests = Channel.CreateUnbounded<BidRequest>();
    private Task reading = Task.CompletedTask;

    private BuyerOnGrpc(int port, string key)
    {
        channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port}");
        call = new BidderService.BidderServiceClient(channel).Connect(new Metadata { { "authorization", "Bearer " + key } });
    }

    /// <summary>What it answers to a bid request; null: nothing.</summary>
    public Func<BidRequest, Bids?> Bid { get; set; } = static request => new Bids { BidRequestId = request.BidRequestId };

    /// <summary>What it answers to a copy; null: nothing.</summary>
    public Func<SoldCopy, CopyAnswer?> Take { get; set; } = static copy => new CopyAnswer { CopyId = copy.CopyId, Answer = "accepted", Ref = "crm-1" };

    public ChannelReader<SoldCopy> Copies => copies.Reader;
    public ChannelReader<BidRequest> Requests => requests.Reader;

    /// <summary>Throws what the server refuses with.</summary>
    public static async Task<BuyerOnGrpc> ConnectAsync(int port, string key, string endpoint = "line")
    {
        var buyer = new BuyerOnGrpc(port, key);
        try
        {
            await buyer.call.RequestStream.WriteAsync(new BidderMessage { Hello = new Hello { Endpoint = endpoint } });
            if (!await buyer.call.ResponseStream.MoveNext(CancellationToken.None) || buyer.call.ResponseStream.Current.Welcome is null) throw new InvalidOperationException("no welcome");
        }
        catch
        {
            buyer.call.Dispose();
            buyer.channel.Dispose();
            throw;
        }
        buyer.reading = buyer.ReadAsync();
        return buyer;
    }

    public static Bids Bids(BidRequest request, decimal price, string reference = "") => new()
    {
        BidRequestId = request.BidRequestId, Bids_ = { new Bid { PriceMicros = (long)(price * 1_000_000), Ref = reference } },
    };

    public async Task<StandingBidAnswer> StandAsync(StandingBid bid)
    {
        await WriteAsync(new BidderMessage { StandingBid = bid });
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return await standing.Reader.ReadAsync(patience.Token);
    }

    public async Task<SoldCopy> NextCopyAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return await copies.Reader.ReadAsync(patience.Token);
    }

    public async Task<BidRequest> NextRequestAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return await requests.Reader.ReadAsync(patience.Token);
    }

    public async Task WriteAsync(BidderMessage message)
    {
        await writing.WaitAsync();
        try
        {
            await call.RequestStream.WriteAsync(message);
        }
        finally
        {
            writing.Release();
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
            {
                var message = call.ResponseStream.Current;
                switch (message.MessageCase)
                {
                    case ExchangeMessage.MessageOneofCase.BidRequest:
                        requests.Writer.TryWrite(message.BidRequest);
                        if (Bid(message.BidRequest) is { } bids) await WriteAsync(new BidderMessage { Bids = bids });
                        break;
                    case ExchangeMessage.MessageOneofCase.Copy:
                        copies.Writer.TryWrite(message.Copy);
                        if (Take(message.Copy) is { } answer) await WriteAsync(new BidderMessage { CopyAnswer = answer });
                        break;
                    case ExchangeMessage.MessageOneofCase.StandingBidAnswer:
                        standing.Writer.TryWrite(message.StandingBidAnswer);
                        break;
                }
            }
        }
        catch (Exception gone) when (gone is RpcException or InvalidOperationException or OperationCanceledException or ObjectDisposedException) { }
        copies.Writer.TryComplete();
    }

    /// <summary>The stream breaks off.</summary>
    public async ValueTask DisposeAsync()
    {
        call.Dispose();
        await reading;
        channel.Dispose();
        writing.Dispose();
    }
}
