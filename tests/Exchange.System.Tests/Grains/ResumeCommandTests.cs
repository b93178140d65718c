using Exchange.Grains.Leads;
using Shouldly;

namespace Exchange.System.Tests.Grains;

/// <summary>What is said once more after the silo that had it has gone.</summary>
public sealed class ResumeCommandTests
{
    private static readonly ResumeCommand Busy = new(1, "crm", 7, 2, 1_000, "http_503", 9_000);

    /// <summary>"Come again" was the attempt before; the one that may have been made since left no word, so that a later no is not certain.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Again_MayHaveCalled_SoNothingIsKnownOfTheAttemptBefore(int attempts)
    {
        var again = (Busy with { Attempts = attempts }).Again();
        (again.Attempts, again.LastError).ShouldBe((Math.Max(2, attempts), null));
        again.Again().ShouldBe(again);
    }

    [Fact]
    public void Again_OfWhatIsDropped_IsTheSame_SinceNobodyIsCalled()
    {
        var drop = Busy with { Attempts = 1, Drop = true };
        drop.Again().ShouldBe(drop);
    }
}
