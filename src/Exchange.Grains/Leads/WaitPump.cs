using Exchange.Grains.Deliveries;
using Exchange.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;

namespace Exchange.Grains.Leads;

/// <summary>
/// Takes up leads whose wait before a tree may be over. A claim raises the fence in the lead's row; whoever dies with it leaves a lead that is due again when
/// the claim runs out, and nobody was asked for it before what it comes to was durable.
/// </summary>
public sealed class WaitPump(IExchangeStore store, IGrainFactory grains, TimeProvider time, ILogger<WaitPump> log) : BackgroundService
{
    /// <summary>How many are walked at once: many may be due at one moment, nine in the morning.</summary>
    public int AtOnce { get; init; } = 64;
    /// <summary>The longest between two looks at what is due.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>How long a claim is honoured. A buyer that is called after it has a lease of its own.</summary>
    public TimeSpan ClaimFor { get; init; } = TimeSpan.FromSeconds(60);

    private readonly DueLoop loop = new(time);
    private int underWay;

    /// <summary>Something may be due sooner than the pump thinks.</summary>
    public void Nudge() => loop.Nudge();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Until it is stopped. All its waiting is on the given clock and on the scheduler it was started on.</summary>
    public Task RunAsync(CancellationToken stopping) => loop.RunAsync(Idle, TakeUpAsync, stopping);

    /// <summary>True: there may be more at once.</summary>
    private async Task<bool> TakeUpAsync(CancellationToken stopping)
    {
        try
        {
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            if (await store.Waits.NextDueAsync(stopping) is not { } next || next > now) return false;
            // One that takes its time, because a buyer is asked for it, keeps nobody else waiting.
            var room = AtOnce - Volatile.Read(ref underWay);
            if (room == 0) return false;
            var due = await store.Waits.ClaimDueAsync(now, now + (long)ClaimFor.TotalMilliseconds, room, stopping);
            Interlocked.Add(ref underWay, due.Count);
            foreach (var claim in due) _ = TakeUpAsync(claim);
            return due.Count == room;
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            log.LogError(fault, "Leads that wait could not be read; trying again");
            return false;
        }
    }

    private async Task TakeUpAsync(ClaimedWait claim)
    {
        try
        {
            await grains.Lead(claim.Lead).WaitOver(claim.Fence);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // It is due again when the claim runs out; one bad lead stops no other.
            log.LogError(fault, "Lead {Lead} waited and could not be taken up", claim.Lead);
        }
        finally
        {
            Interlocked.Decrement(ref underWay);
            loop.Nudge();
        }
    }
}
