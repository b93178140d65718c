using Exchange.Engine.PingTrees;
using Exchange.Grains.Memory;
using Exchange.System.Tests.Cluster;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans;
using Orleans.Runtime;
using Orleans.Storage;
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

    /// <summary>The silo that knew where the grain is has just been killed, or the row cannot be read at that moment.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(RotationKeeper.Tries - 1)]
    public async Task Load_WhenTheFirstTriesAreRefused_BringsThePositionsBack(int refused)
    {
        var (rotations, memory) = (new TierRotations(), new SlowMemory(refused, static () => new SiloUnavailableException()));

        await Keeper(rotations, memory).LoadAsync(CancellationToken.None);

        rotations.Of(Tier).Export().ShouldBe(SlowMemory.Kept[Tier], ignoreOrder: true);
        memory.Asked.ShouldBe(refused + 1);
    }

    [Fact]
    public async Task Load_WhenEveryTryIsRefused_SaysSo()
    {
        var memory = new SlowMemory(int.MaxValue, static () => new SiloUnavailableException());

        await Should.ThrowAsync<SiloUnavailableException>(() => Keeper(new(), memory).LoadAsync(CancellationToken.None));

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

    /// <summary>As by a write whose reply was lost: the row is of another version than the activation knows.</summary>
    [Fact]
    public async Task Keep_AfterTheRowWasWrittenUnseen_IsStoredFromTheNextTimeOn()
    {
        await using var cluster = await TestCluster.StartAsync(1, SilosTogetherTests.Catalog);
        var rows = cluster[0].Get<IServiceProvider>().GetRequiredKeyedService<IGrainStorage>(GrainMemoryNames.Store);
        var grain = cluster[0].Get<IGrainFactory>().GetGrain<IRotationGrain>(GrainMemoryNames.Rotation("here"));
        await grain.Keep(Position(1));
        var row = await ReadAsync();
        row.State!.Claims[Tier].ShouldBe(Position(1)[Tier]);
        await rows.WriteStateAsync("rotation-v1", grain.GetGrainId(), row);

        for (var position = 2; position <= 3; position++) await grain.Keep(Position(position));

        (await ReadAsync()).State!.Claims[Tier].ShouldBe(Position(3)[Tier]);

        async Task<GrainState<RotationMemory>> ReadAsync()
        {
            var read = new GrainState<RotationMemory>(new());
            await rows.ReadStateAsync("rotation-v1", grain.GetGrainId(), read);
            return read;
        }

        static Dictionary<string, Dictionary<string, long>> Position(int position) => new() { [Tier] = new() { ["one:3"] = position } };
    }

    private static RotationKeeper Keeper(TierRotations rotations, SlowMemory memory) => new(rotations, () => memory, new HastyTime(), NullLogger<RotationKeeper>.Instance);

    /// <summary>Whoever waits by it has waited at once.</summary>
    private sealed class HastyTime : FakeTimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime > TimeSpan.Zero) Advance(dueTime);
            return timer;
        }
    }

    /// <param name="late">So many calls are answered too late, or with a fault.</param>
    private sealed class SlowMemory(int late, Func<Exception>? fault = null) : IRotationGrain
    {
        public static readonly Dictionary<string, Dictionary<string, long>> Kept = new() { [Tier] = new() { ["one:3"] = -1, ["two:1"] = 1 } };

        private Dictionary<string, Dictionary<string, long>> claims = Kept;

        public int Asked { get; private set; }

        public ValueTask<Dictionary<string, Dictionary<string, long>>> Load() =>
            Asked++ < late ? ValueTask.FromException<Dictionary<string, Dictionary<string, long>>>(fault?.Invoke() ?? new TimeoutException()) : ValueTask.FromResult(claims);

        public ValueTask Keep(Dictionary<string, Dictionary<string, long>> claims)
        {
            this.claims = claims;
            return ValueTask.CompletedTask;
        }
    }
}
