using Exchange.Grains.Catalog;
using Exchange.Grains.Cluster;
using Exchange.Grains.Feed;
using Exchange.Server.Access;

namespace Exchange.Server.Hosting;

/// <summary>
/// Keeps this silo's catalog and API keys those of the store: looks every second (for keys every two), and at once where another silo says that it changed them. What
/// this silo changes itself it serves already, and tells the others (of keys: <see cref="KeyNews"/>).
/// </summary>
public sealed class Freshness(CatalogHost catalog, ApiKeys keys, NewsDesk news, LiveFeed feed, TimeProvider time, ILogger<Freshness> log) : BackgroundService
{
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>Whatever was not told: a key that was revoked elsewhere opens nothing here after so many looks.</summary>
    private const int KeysEveryLooks = 2;

    private readonly SemaphoreSlim nudge = new(0, 1);

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        catalog.Applied += version =>
        {
            news.Changed();
            feed.Applied(version);
        };
        news.CatalogChanged += Nudge;
        // What others changed since it was read here, while this silo was none yet that they tell. Before the first call is answered.
        await LookAsync("keys", keys.RefreshAsync, cancellationToken);
        await LookAsync("the catalog", catalog.RefreshAsync, cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <summary>Look now.</summary>
    public void Nudge()
    {
        try { nudge.Release(); }
        catch (SemaphoreFullException) { }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var look = 1; !stoppingToken.IsCancellationRequested; look++)
        {
            using var second = new CancellationTokenSource(Every, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(second.Token, stoppingToken);
            try { await nudge.WaitAsync(either.Token); }
            catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested) { }
            // Each by itself: a catalog that this build cannot read must not keep a revoked key open.
            if (look % KeysEveryLooks == 0) await LookAsync("keys", keys.RefreshAsync, stoppingToken);
            await LookAsync("the catalog", catalog.RefreshAsync, stoppingToken);
        }
    }

    private async Task LookAsync(string what, Func<CancellationToken, Task> refresh, CancellationToken stopping)
    {
        try
        {
            await refresh(stopping);
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            log.LogWarning(fault, "Whether {What} changed could not be read; it is read again soon", what);
        }
    }

    public override void Dispose()
    {
        nudge.Dispose();
        base.Dispose();
    }
}
