using Exchange.Grains.Intake;
using Exchange.Storage;

namespace Exchange.Server.Hosting;

/// <summary>
/// How this process leaves: it says first that it is not ready, takes requests a little longer, then lets the web server finish what it took, then
/// writes its ping records, so that other silos find its offers, and only then leaves the cluster.
/// </summary>
public sealed class Drain(ClusteringOptions cluster, IExchangeStore store, TimeProvider time, ILogger<Drain> log) : IHostedLifecycleService, IDisposable
{
    /// <summary>What the other side of a stream is told that ends with this process.</summary>
    public static readonly Problem Leaves = Problem.Of(503, "unavailable", "This server leaves; connect again.", 1);

    private readonly CancellationTokenSource over = new();
    private volatile bool leaving;

    public bool IsLeaving => leaving;

    /// <summary>Cancelled when no more requests are taken: what stays open by itself, a buyer's or a publisher's stream, ends now, or the web server would wait for it.</summary>
    public CancellationToken Over => over.Token;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before any service stops.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        leaving = true;
        try
        {
            if (cluster.Drain == TimeSpan.Zero) return;
            log.LogInformation("Not ready any more; requests are taken for {Seconds} s yet", (int)cluster.Drain.TotalSeconds);
            await Task.Delay(cluster.Drain, time, cancellationToken);
        }
        finally
        {
            await over.CancelAsync();
        }
    }

    public void Dispose() => over.Dispose();

    /// <summary>After the web server, before the silo. A database that is away makes no failure of a stop that somebody asked for.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await store.Pings.FlushAsync(cancellationToken);
        }
        catch (Exception fault) when (fault is StorageBusyException or OperationCanceledException)
        {
            log.LogWarning("The last ping records could not be written ({Fault}): their offers go with this server", fault.Message);
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
