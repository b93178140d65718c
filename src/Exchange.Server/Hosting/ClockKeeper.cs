using Exchange.Storage.Postgres;

namespace Exchange.Server.Hosting;

/// <summary>Measures the database's time now and then, and at once when something happened to this machine's clocks, so that all silos go by one.</summary>
public sealed class ClockKeeper(PostgresClock clock, ILogger<ClockKeeper> log) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);
    private const int LooksPerMeasurement = 50;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, clock);
        var failed = false;
        for (var look = 1; await timer.WaitForNextTickAsync(stoppingToken); look++)
        {
            if (clock.IsSure && look % LooksPerMeasurement != 0) continue;
            try
            {
                var wasNear = clock.IsNear;
                await clock.MeasureAsync(stoppingToken);
                failed = false;
                if (wasNear && !clock.IsNear)
                    log.LogError("This machine's clock is {Offset} away from the database's: it is not ready until that is less than {Most}", -clock.Offset, PostgresClock.MostOffset);
            }
            catch (Exception fault) when (fault is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                // Once for each time that it is away, not for each look.
                if (!failed) log.LogWarning(fault, "The database's time could not be read; it runs on from the last reading");
                failed = true;
            }
        }
    }
}
