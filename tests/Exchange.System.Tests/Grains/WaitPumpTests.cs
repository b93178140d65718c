using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Orleans;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class WaitPumpTests
{
    /// <summary>What nobody can take up is not tried every minute for ever; nor is a lead set back because the store was away.</summary>
    [Theory]
    [InlineData("bad bad bad bad bad bad bad bad bad", "120 240 480 960 1920 3600 3600 3600")]
    [InlineData("bad bad bad well bad bad away bad", "120 240 120 240")]
    public async Task LeadThatCannotBeTakenUp_IsTriedAfterTwiceAsLong_UpToAnHour(string tries, string seconds)
    {
        var time = new FakeTimeProvider(CapMarket.Noon);
        var left = new Queue<string>(tries.Split(' '));
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<long> setBack = [];
        var lead = Stub.Of<ILeadGrain>((_, _) => left.Dequeue() switch
        {
            "bad" => throw new InvalidOperationException("a row that nobody can read"),
            "away" => throw new StorageBusyException("away"),
            _ => ValueTask.CompletedTask,
        });
        var waits = Stub.Of<ILeadWaits>((name, arguments) =>
        {
            switch (name)
            {
                case nameof(ILeadWaits.NextDueAsync):
                    if (left.Count == 0) done.TrySetResult();
                    return Task.FromResult<long?>(left.Count > 0 ? 0 : null);
                case nameof(ILeadWaits.ClaimDueAsync):
                    return Task.FromResult<IReadOnlyList<ClaimedWait>>([new(LeadId.Create(0, 1, false, 7), 1)]);
                case nameof(ILeadWaits.SetBackAsync):
                    setBack.Add(((long)arguments[1]! - time.GetUtcNow().ToUnixTimeMilliseconds()) / 1_000);
                    return Task.FromResult(true);
                default: throw new NotSupportedException(name);
            }
        });
        var pump = new WaitPump(Stub.Of<IExchangeStore>((_, _) => waits), Stub.Of<IGrainFactory>((_, _) => lead), time, NullLogger<WaitPump>.Instance);
        using var stopping = new CancellationTokenSource();
        var running = pump.RunAsync(stopping.Token);

        await done.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await stopping.CancelAsync();
        await running;

        string.Join(' ', setBack).ShouldBe(seconds);
    }

    /// <summary>A buyer is asked for a lead and takes its time: what else is due is taken up meanwhile, as many as there is room for.</summary>
    [Fact]
    public async Task LeadThatTakesItsTime_KeepsNoOtherWaiting()
    {
        var hangs = new TaskCompletionSource();
        using var others = new SemaphoreSlim(0);
        var calls = 0;
        List<int> asked = [];
        var due = 3;
        var lead = Stub.Of<ILeadGrain>((name, _) =>
        {
            name.ShouldBe(nameof(ILeadGrain.WaitOver));
            if (Interlocked.Increment(ref calls) == 1) return new ValueTask(hangs.Task);
            others.Release();
            return ValueTask.CompletedTask;
        });
        var waits = Stub.Of<ILeadWaits>((name, arguments) => name switch
        {
            nameof(ILeadWaits.NextDueAsync) => Task.FromResult<long?>(due > 0 ? 0 : null),
            nameof(ILeadWaits.ClaimDueAsync) => Claim((int)arguments[2]!),
            _ => throw new NotSupportedException(name),
        });
        var pump = new WaitPump(Stub.Of<IExchangeStore>((_, _) => waits), Stub.Of<IGrainFactory>((_, _) => lead), TimeProvider.System, NullLogger<WaitPump>.Instance) { AtOnce = 2, Idle = TimeSpan.FromMilliseconds(20) };
        using var stopping = new CancellationTokenSource();
        var running = pump.RunAsync(stopping.Token);

        for (var i = 0; i < 2; i++) (await others.WaitAsync(TimeSpan.FromSeconds(30))).ShouldBeTrue("another lead is taken up");
        await stopping.CancelAsync();
        await running;
        asked.ShouldBe([2, 1, 1]);
        hangs.SetResult();

        Task<IReadOnlyList<ClaimedWait>> Claim(int limit)
        {
            asked.Add(limit);
            Interlocked.Decrement(ref due);
            return Task.FromResult<IReadOnlyList<ClaimedWait>>([new(LeadId.Create(0, 1, false, (ulong)due), 1)]);
        }
    }
}
