using Exchange.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Cluster;

/// <summary>
/// Sees that this silo reaches its database. One that alone has lost it drags the others along: the leads that live here wait here, whichever server their posts
/// come to. So it ends, as by kill -9: the others have its leads after some seconds, and their rows say what became of them. Where nobody has the database nobody
/// ends.
/// </summary>
/// <param name="end">Ends this process at once.</param>
public sealed partial class StoreWatch(IExchangeStore store, Silos silos, TimeProvider time, Action end, ILogger<StoreWatch> log) : BackgroundService
{
    /// <summary>Without it for so long, while another silo had it all the time.</summary>
    public static readonly TimeSpan Lost = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1), Patience = TimeSpan.FromSeconds(2);

    // Timestamps of the last look that failed and the last that did not.
    private long failedAt, reachedAt;
    private Task<bool>? asking;

    /// <summary>How long no look has failed; zero: the last one did, or there was none lately.</summary>
    public TimeSpan Held
    {
        get
        {
            var (failed, reached) = (Volatile.Read(ref failedAt), Volatile.Read(ref reachedAt));
            return reached <= failed || time.GetElapsedTime(reached) > Look + Patience + Look ? TimeSpan.Zero : time.GetElapsedTime(failed, reached);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The store was opened by this process a moment ago.
        failedAt = reachedAt = time.GetTimestamp();
        using var timer = new PeriodicTimer(Look, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            // Alone there is nobody to leave anything to, and nobody who asks.
            if (silos.Count == 1 || await IsReachedAsync())
            {
                Volatile.Write(ref reachedAt, time.GetTimestamp());
                continue;
            }
            Volatile.Write(ref failedAt, time.GetTimestamp());
            var without = time.GetElapsedTime(reachedAt);
            if (without < Lost || !await OthersHaveItAsync(without)) continue;
            Ends(without);
            end();
        }
    }

    /// <summary>A look that hangs is not followed by another: it may hold a connection.</summary>
    private async Task<bool> IsReachedAsync()
    {
        try
        {
            asking ??= AskAsync();
            var reached = await asking.WaitAsync(Patience, time);
            asking = null;
            return reached;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task<bool> AskAsync()
    {
        try
        {
            await store.CheckAsync(CancellationToken.None);
            return true;
        }
        // Whatever the reason: it is not reached.
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            return false;
        }
    }

    private async Task<bool> OthersHaveItAsync(TimeSpan without)
    {
        foreach (var other in silos.Others)
        {
            try
            {
                if (TimeSpan.FromMilliseconds(await other.StoreHeldMs()) >= without) return true;
            }
            // Gone, or too old to know the question.
            catch (Exception fault) when (fault is not OutOfMemoryException) { }
        }
        return false;
    }

    [LoggerMessage(LogLevel.Critical, "This server has not reached its database for {Without} while others do: it ends, so that they get its leads")]
    private partial void Ends(TimeSpan without);
}
