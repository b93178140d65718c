using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Deliveries;

/// <summary>
/// When a pump looks at what is due in the rows: at once while there may be more, else when it is nudged, or after a while; and not while its clock is not sure:
/// it would take what others hold.
/// </summary>
public sealed class DueLoop(TimeProvider time)
{
    private static readonly TimeSpan BeforeAgain = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim nudge = new(0, 1);

    /// <summary>Something may be due sooner than the pump thinks.</summary>
    public void Nudge()
    {
        try { nudge.Release(); }
        catch (SemaphoreFullException) { }
    }

    /// <summary>What a pump begins with, again and again while the store is busy: a server is not to end because its database was away at that moment.</summary>
    public static async Task<T> UntilDoneAsync<T>(Func<CancellationToken, Task<T>> begin, TimeProvider time, ILogger log, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                return await begin(stopping);
            }
            catch (Exception fault) when (fault is StorageBusyException or StorageFailedException)
            {
                log.LogWarning("What this server left behind could not be taken over yet ({Fault}); again in a second", fault.GetType().Name);
                await Task.Delay(BeforeAgain, time, stopping);
            }
        }
    }

    /// <summary>Until it is stopped. All its waiting is on the given clock and on the scheduler it was started on.</summary>
    /// <param name="idle">The longest between two looks.</param>
    /// <param name="takeUp">True: there may be more at once.</param>
    public async Task RunAsync(TimeSpan idle, Func<CancellationToken, Task<bool>> takeUp, CancellationToken stopping)
    {
        try
        {
            while (!stopping.IsCancellationRequested)
            {
                if (time is not IMeasuredClock { IsSure: false } && await takeUp(stopping)) continue;
                using var look = time.CreateTimer(static loop => ((DueLoop)loop!).Nudge(), this, idle, Timeout.InfiniteTimeSpan);
                await nudge.WaitAsync(stopping);
            }
        }
        // One that nobody stopped is a fault like any other, and whoever runs this is to hear of it.
        catch (OperationCanceledException) when (stopping.IsCancellationRequested) { }
    }
}
