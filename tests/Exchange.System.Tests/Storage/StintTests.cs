extern alias server;
using Microsoft.Extensions.Time.Testing;
using server::Exchange.Server.Hosting;
using Shouldly;

namespace Exchange.System.Tests.Storage;

/// <summary>How far housekeeping goes in one tick with what there may be much of.</summary>
public sealed class StintTests
{
    [Theory]
    // steps that there are | what each takes, ms | steps that are done | whether something is left
    [InlineData(1, 0, 1, false)]
    [InlineData(7, 10, 7, false)]
    [InlineData(7, 90, 3, true)]
    [InlineData(7, 300, 1, true)]
    public async Task Steps_UntilTheyAreDoneOrTheirTimeIsUsed(int steps, int takesMs, int done, bool isLeft)
    {
        var time = new FakeTimeProvider();
        var begun = 0;

        var left = await Stint.DoAsync(time, () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(takesMs));
            return Task.FromResult(++begun < steps);
        });

        (begun, left).ShouldBe((done, isLeft));
    }
}
