using Exchange.Engine.Values;
using Exchange.Grains.Leads;
using Exchange.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans;
using Shouldly;

namespace Exchange.System.Tests.Grains;

public sealed class WaitPumpTests
{
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
