extern alias server;

using Exchange.System.Tests.Delivery;
using ExchangeMessage = server::Exchange.V1.ExchangeMessage;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using server::Exchange.Server.Grpc;
using Shouldly;

namespace Exchange.System.Tests.Bidding;

/// <summary>A buyer that reads slowly: what waits for it on its stream is sent as long as its attempt lasts, and no longer.</summary>
public sealed class BidderStreamTests
{
    private sealed class Slow : IServerStreamWriter<ExchangeMessage>
    {
        public List<string> Written { get; } = [];
        public SemaphoreSlim Reads { get; } = new(0);
        public SemaphoreSlim Asked { get; } = new(0);
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(ExchangeMessage message) => WriteAsync(message, CancellationToken.None);

        public async Task WriteAsync(ExchangeMessage message, CancellationToken cancellationToken)
        {
            Asked.Release();
            await Reads.WaitAsync(cancellationToken);
            Written.Add(message.Copy?.Campaign ?? message.MessageCase.ToString());
        }
    }

    [Fact]
    public async Task CopyWhoseAttemptIsOver_IsNotSentAnyMore()
    {
        var time = new FakeTimeProvider(Samples.Now);
        var stream = new BidderStream(static () => true, time);
        var buyer = new Slow();
        using var ended = new CancellationTokenSource();
        var writing = stream.WriteAsync(buyer, ended);
        // The first is with the buyer's machine already; the others wait behind it.
        Send("first", 10);
        await buyer.Asked.WaitAsync();
        Send("over", 10);
        Send("lasts", 60);
        time.Advance(TimeSpan.FromSeconds(10));
        stream.Complete();
        buyer.Reads.Release(3);
        await writing;
        buyer.Written.ShouldBe(["first", "lasts"]);

        void Send(string name, int seconds) => stream.TrySend(Samples.Message with { Campaign = name, Until = Samples.Now.AddSeconds(seconds) }).ShouldBeTrue();
    }

    [Fact]
    public async Task CopyForAKeyThatWasRevoked_EndsTheStream()
    {
        var stream = new BidderStream(static () => false, new FakeTimeProvider(Samples.Now));
        var buyer = new Slow();
        using var ended = new CancellationTokenSource();
        stream.TrySend(Samples.Message with { Until = Samples.Now.AddSeconds(10) }).ShouldBeTrue();
        await stream.WriteAsync(buyer, ended);
        ended.IsCancellationRequested.ShouldBeTrue();
        buyer.Written.ShouldBeEmpty();
    }
}
