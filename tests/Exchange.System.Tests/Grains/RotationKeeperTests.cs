using Exchange.Engine.PingTrees;
using Exchange.Grains.Memory;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class RotationKeeperTests
{
    private const string Tier = "tree/1";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(RotationKeeper.Tries - 1)]
    public async Task Load_WhenTheFirstTriesAreNotAnsweredInTime_BringsThePositionsBack(int late)
    {
        var (rotations, memory) = (new TierRotations(), new SlowMemory(late));

        await Keeper(rotations, memory).LoadAsync(CancellationToken.None);

        rotations.Of(Tier).Export().ShouldBe(SlowMemory.Kept[Tier], ignoreOrder: true);
        memory.Asked.ShouldBe(late + 1);
    }

    [Fact]
    public async Task Load_WhenNoTryIsAnswered_SaysSo()
    {
        var memory = new SlowMemory(int.MaxValue);

        await Should.ThrowAsync<TimeoutException>(() => Keeper(new(), memory).LoadAsync(CancellationToken.None));

        memory.Asked.ShouldBe(RotationKeeper.Tries);
    }

    [Fact]
    public async Task Load_WhenTheStartIsCalledOff_AsksNoMore()
    {
        var memory = new SlowMemory(int.MaxValue);

        await Should.ThrowAsync<OperationCanceledException>(() => Keeper(new(), memory).LoadAsync(new CancellationToken(canceled: true)));

        memory.Asked.ShouldBe(1);
    }

    [Fact]
    public async Task Keep_OfPositions_CanBeLoadedByTheNextStart()
    {
        var memory = new SlowMemory(0);
        var rotations = new TierRotations();
        rotations.Of(Tier).Take([("one", 3), ("two", 1)], []);

        await Keeper(rotations, memory).KeepAsync();
        var next = new TierRotations();
        await Keeper(next, memory).LoadAsync(CancellationToken.None);

        next.Of(Tier).Export().ShouldBe(rotations.Of(Tier).Export(), ignoreOrder: true);
    }

    private static RotationKeeper Keeper(TierRotations rotations, SlowMemory memory) => new(rotations, () => memory, NullLogger<RotationKeeper>.Instance);

    /// <param name="late">So many calls are answered too late.</param>
    private sealed class SlowMemory(int late) : IRotationGrain
    {
        public static readonly Dictionary<string, Dictionary<string, long>> Kept = new() { [Tier] = new() { ["one:3"] = -1, ["two:1"] = 1 } };

        private Dictionary<string, Dictionary<string, long>> claims = Kept;

        public int Asked { get; private set; }

        public ValueTask<Dictionary<string, Dictionary<string, long>>> Load() =>
            Asked++ < late ? ValueTask.FromException<Dictionary<string, Dictionary<string, long>>>(new TimeoutException()) : ValueTask.FromResult(claims);

        public ValueTask Keep(Dictionary<string, Dictionary<string, long>> claims)
        {
            this.claims = claims;
            return ValueTask.CompletedTask;
        }
    }
}
