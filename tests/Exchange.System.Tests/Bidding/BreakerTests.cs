using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Values;
using Microsoft.Extensions.Time.Testing;
using Shouldly;

namespace Exchange.System.Tests.Bidding;

/// <summary>An endpoint that fails is rested, asked once to see whether it is back, and never takes others with it.</summary>
public sealed class BreakerTests
{
    private static readonly BidAnswer Bid = new([new(Money.Parse("5.00"), null)], Reason.None);
    private static readonly EndpointModel Crm = Endpoint("acme");

    private static EndpointModel Endpoint(string buyer) => new("crm", ConnectorKind.Native, new("https://buyer.example/"), null, TimeSpan.FromSeconds(1)) { Buyer = buyer };

    [Theory]
    [InlineData(Reason.Timeout)]
    [InlineData(Reason.Unreachable)]
    [InlineData(Reason.BadResponse)]
    public async Task Failing_OpensAfterEnoughCalls_RestsAndComesBack(Reason failure)
    {
        var time = new FakeTimeProvider();
        var breakers = new EndpointBreakers(new BreakerOptions(), time);
        var calls = 0;
        for (var i = 0; i < 10; i++) await AskAsync(BidAnswer.Declined(failure));
        breakers.StateOf(Crm).ShouldBe(BreakerState.Open);
        calls = 0;
        (await AskAsync(Bid)).Reason.ShouldBe(Reason.BreakerOpen);
        calls.ShouldBe(0);
        // The same endpoint name of another buyer is another endpoint.
        (await breakers.AskAsync(Endpoint("best"), () => new(Bid))).ShouldBe(Bid);

        time.Advance(TimeSpan.FromSeconds(5));
        (await AskAsync(BidAnswer.Declined(failure))).Reason.ShouldBe(failure);
        (await AskAsync(Bid)).Reason.ShouldBe(Reason.BreakerOpen);
        time.Advance(TimeSpan.FromSeconds(5));
        (await AskAsync(Bid)).ShouldBe(Bid);
        breakers.StateOf(Crm).ShouldBe(BreakerState.Closed);
        calls.ShouldBe(2);

        ValueTask<BidAnswer> AskAsync(BidAnswer answer) => breakers.AskAsync(Crm, () =>
        {
            calls++;
            return new(answer);
        });
    }

    [Fact]
    public async Task FailingTests_LeaveTheLiveEndpointAlone()
    {
        var breakers = new EndpointBreakers(new BreakerOptions(), new FakeTimeProvider());
        var tests = Crm with { IsForTests = true };
        for (var i = 0; i < 10; i++) await breakers.AskAsync(tests, () => new(BidAnswer.Declined(Reason.Timeout)));
        (breakers.StateOf(tests), breakers.StateOf(Crm)).ShouldBe((BreakerState.Open, BreakerState.Closed));
        (await breakers.AskAsync(Crm, () => new(Bid))).ShouldBe(Bid);
    }

    [Fact]
    public async Task Declines_AreNoFailures()
    {
        var breakers = new EndpointBreakers(new BreakerOptions(), new FakeTimeProvider());
        for (var i = 0; i < 100; i++) (await breakers.AskAsync(Crm, () => new(BidAnswer.Declined(Reason.NoBid)))).Reason.ShouldBe(Reason.NoBid);
        breakers.StateOf(Crm).ShouldBe(BreakerState.Closed);
    }

    [Fact]
    public async Task HalfOpen_OneCallLooks_TheOthersAreNotMade()
    {
        var time = new FakeTimeProvider();
        var breakers = new EndpointBreakers(new BreakerOptions(), time);
        for (var i = 0; i < 10; i++) await breakers.AskAsync(Crm, () => new(BidAnswer.Declined(Reason.Timeout)));
        time.Advance(TimeSpan.FromSeconds(5));
        var answer = new TaskCompletionSource<BidAnswer>();
        var looking = breakers.AskAsync(Crm, () => new(answer.Task)).AsTask();
        breakers.StateOf(Crm).ShouldBe(BreakerState.HalfOpen);
        (await breakers.AskAsync(Crm, () => throw new InvalidOperationException("must not be called"))).Reason.ShouldBe(Reason.BreakerOpen);
        answer.SetResult(Bid);
        (await looking).ShouldBe(Bid);
        breakers.StateOf(Crm).ShouldBe(BreakerState.Closed);
    }
}
