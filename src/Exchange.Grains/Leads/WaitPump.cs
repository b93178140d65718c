using System.Collections.Concurrent;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Runtime;

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

    /// <summary>The longest between two tries of a lead that cannot be taken up.</summary>
    private const long LongestMs = 3_600_000;

    private readonly DueLoop loop = new(time);
    // How often in a row a lead could not be taken up here, of those that could not.
    private readonly ConcurrentDictionary<LeadId, int> failed = new();
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
            failed.TryRemove(claim.Lead, out _);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // It is due again when the claim runs out, or later; one bad lead stops no other.
            log.LogError(fault, "Lead {Lead} waited and could not be taken up", claim.Lead);
            await SetBackAsync(claim, fault);
        }
        finally
        {
            Interlocked.Decrement(ref underWay);
            loop.Nudge();
        }
    }

    /// <summary>
    /// From the second failure in a row on it is tried after twice as long as before, and never dropped: what waits here is a lead. That a store or a silo is away is nothing that the lead
    /// can help. The count is this process's; another, or this one after a restart, begins anew.
    /// </summary>
    private async Task SetBackAsync(ClaimedWait claim, Exception fault)
    {
        if (IsAway(fault)) return;
        var times = failed.AddOrUpdate(claim.Lead, 1, static (_, before) => before + 1);
        // The claim's own end is the first wait.
        if (times == 1) return;
        var wait = Math.Min((long)ClaimFor.TotalMilliseconds << Math.Min(times - 1, 16), LongestMs);
        try
        {
            // It went on elsewhere: what fails next begins anew.
            if (!await store.Waits.SetBackAsync(claim, time.GetUtcNow().ToUnixTimeMilliseconds() + wait, CancellationToken.None)) failed.TryRemove(claim.Lead, out _);
        }
        // Then it comes when the claim runs out.
        catch (Exception away) when (IsAway(away)) { }
    }

    private static bool IsAway(Exception fault) => fault is StorageBusyException or StorageFailedException or TimeoutException or SiloUnavailableException or OrleansMessageRejectionException;
}
