using Exchange.Storage;

namespace Exchange.Server.Hosting;

/// <summary>Looks for a newer catalog as soon as the database tells of one, beside the look of every second.</summary>
public sealed class CatalogListener(ICatalogNews news, Freshness freshness) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => news.ListenAsync(
        () =>
        {
            freshness.Nudge();
            return Task.CompletedTask;
        }, stoppingToken);
}
