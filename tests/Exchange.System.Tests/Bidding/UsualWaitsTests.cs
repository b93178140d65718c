using Exchange.Engine.Catalog;
using Exchange.Grains.Bidding;
using Shouldly;

namespace Exchange.System.Tests.Bidding;

/// <summary>The adaptive deadline of live bidders.</summary>
public sealed class UsualWaitsTests
{
    private static EndpointModel Endpoint(bool adaptive = true, string buyer = "acme") =>
        new("crm", ConnectorKind.Native, new("https://buyer.example/"), null, TimeSpan.FromSeconds(1)) { Buyer = buyer, AdaptivePing = adaptive, PingTimeout = TimeSpan.FromMilliseconds(800) };

    private static UsualWaits After(IEnumerable<int> tookMs, EndpointModel endpoint)
    {
        var waits = new UsualWaits();
        foreach (var took in tookMs) waits.Answered(endpoint, TimeSpan.FromMilliseconds(took));
        return waits;
    }

    [Theory]
    // how its last answers went                  → how long it is waited for
    [InlineData("100 x 31", 800)] // too few
    [InlineData("100 x 32", 150)]
    [InlineData("10 x 64", 50)] // nobody is waited for less
    [InlineData("700 x 64", 800)] // nobody for longer than its own deadline
    [InlineData("100 x 60, 500 x 4", 750)] // one in twenty counts
    [InlineData("100 x 62, 500 x 2", 150)]
    [InlineData("500 x 256, 60 x 256", 90)] // what was long ago is forgotten
    public void For_IsHalfAsLongAgainAsItUsuallyTakes(string answers, int waitMs)
    {
        var took = answers.Split(", ").Select(part => part.Split(" x ")).SelectMany(part => Enumerable.Repeat(int.Parse(part[0], null), int.Parse(part[1], null)));
        After(took, Endpoint()).For(Endpoint()).TotalMilliseconds.ShouldBe(waitMs);
    }

    [Fact]
    public void For_NowAndThenTheWholeDeadline_SoThatASlowerOneIsHeardAgain()
    {
        var waits = After(Enumerable.Repeat(60, 64), Endpoint());
        var asked = Enumerable.Range(0, UsualWaits.WholeEach * 3).Select(_ => waits.For(Endpoint()).TotalMilliseconds).ToList();
        asked.Count(wait => wait == 800).ShouldBe(3);
        asked.Count(wait => wait == 90).ShouldBe(UsualWaits.WholeEach * 3 - 3);
    }

    [Fact]
    public void For_AnEndpointThatDoesNotAskForIt_OrAnotherBuyers_IsItsOwnDeadline()
    {
        var waits = After(Enumerable.Repeat(60, 64), Endpoint());
        waits.For(Endpoint(adaptive: false)).TotalMilliseconds.ShouldBe(800);
        waits.For(Endpoint(buyer: "best")).TotalMilliseconds.ShouldBe(800);
    }
}
