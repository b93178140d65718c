using Exchange.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Limits;

/// <summary>
/// Writes what the live view counted, five times a second and at the end, and tells the log of alerts. A process that is killed loses what it counted
/// since: at most so much too little is counted afterwards.
/// </summary>
public sealed partial class CountWriter(LiveView live, CapAlerts alerts, IExchangeStore store, TimeProvider time, ILogger<CountWriter> log) : BackgroundService
{
    public static readonly TimeSpan Every = TimeSpan.FromMilliseconds(200);
    private const int SweepEveryTicks = 50;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        for (var tick = 1; await timer.WaitForNextTickAsync(stoppingToken); tick++)
        {
            await WriteAsync();
            if (tick % SweepEveryTicks == 0) live.Sweep(time.GetUtcNow().ToUnixTimeMilliseconds());
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await WriteAsync();
    }

    private async Task WriteAsync()
    {
        while (alerts.TryTell(out var alert)) Told(alert.Limit.Name, alert.Limit.Scope, alert.Limit.Owner, alert.Level, alert.Used, alert.Max, alert.Limit.Metric);
        try
        {
            await live.WriteCountsAsync(store.Counts, CancellationToken.None);
        }
        catch (Exception fault)
        {
            NotWritten(fault);
        }
    }

    // Whose value it was stands in the admin's list alone: a sub id is what somebody typed.
    [LoggerMessage(LogLevel.Warning, "Cap {Cap} of {Scope} {Owner}: {Level} at {Used} of {Max} ({Metric})")]
    private partial void Told(string cap, Engine.Caps.CapScope scope, string owner, AlertLevel level, long used, long max, Engine.Caps.CapMetric metric);

    [LoggerMessage(LogLevel.Warning, "Counts of pings and offers were not written")]
    private partial void NotWritten(Exception fault);
}
