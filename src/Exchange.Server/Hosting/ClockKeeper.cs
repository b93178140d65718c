using Exchange.Storage.Postgres;

namespace Exchange.Server.Hosting;

/// <summary>Measures now and then how far this machine's clock is from the database's, so that all silos go by one.</summary>
public sealed class ClockKeeper(PostgresClock clock, ILogger<ClockKeeper> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var wasNear = clock.IsNear;
                await clock.MeasureAsync(stoppingToken);
                if (wasNear && !clock.IsNear)
                    log.LogError("This machine's clock is {Offset} away from the database's: it is not ready until that is less than {Most}", -clock.Offset, PostgresClock.MostOffset);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                log.LogWarning(fault, "The database's time could not be read; the last offset stays");
            }
        }
    }
}
