using Exchange.Grains.SoftHolds;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class PromisedAmountsTests
{
    private static readonly Guid One = new(1, 0, 0, new byte[8]), Two = new(2, 0, 0, new byte[8]), Three = new(3, 0, 0, new byte[8]);

    [Fact]
    public void Promise_BeyondWhatIsLeft_IsRefusedUntilOneIsReleasedOrRunsOut()
    {
        var promised = new PromisedAmounts();
        Ask(One, 10).ShouldBeTrue();
        Ask(Two, 10).ShouldBeTrue();
        Ask(Three, 10).ShouldBeFalse();
        promised.Release(One);
        Ask(Three, 10).ShouldBeTrue();
        Ask(One, 10).ShouldBeFalse();
        // Two and three end at 70.
        Ask(One, 70).ShouldBeTrue();
        promised.Count.ShouldBe(1);

        bool Ask(Guid ping, long nowMs) => promised.TryPromise(new SoftHoldRequest(ping, "c:a:leads:day", 1, 2, 70), nowMs);
    }

    [Fact]
    public void Promise_AskedTwice_IsOnePromise_AndLimitsDoNotMix()
    {
        var promised = new PromisedAmounts();
        promised.TryPromise(new SoftHoldRequest(One, "bal:a", 11, 20, 70), 0).ShouldBeTrue();
        promised.TryPromise(new SoftHoldRequest(One, "bal:a", 11, 20, 70), 0).ShouldBeTrue();
        promised.TryPromise(new SoftHoldRequest(Two, "bal:a", 11, 20, 70), 0).ShouldBeFalse();
        promised.TryPromise(new SoftHoldRequest(Two, "c:a:leads:day", 1, 1, 70), 0).ShouldBeTrue();
    }
}
