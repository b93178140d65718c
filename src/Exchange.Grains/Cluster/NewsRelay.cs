using Exchange.Grains.Bidding;
using Exchange.Grains.Feed;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Cluster;

/// <summary>
/// Sends what <see cref="NewsDesk"/> gathered to every other silo, one message each, twenty times a second. Nobody waits for it to arrive. The live feed
/// goes through Redis where there is one that answers.
/// </summary>
public sealed partial class NewsRelay(NewsDesk desk, LineDesk lines, LiveFeed feed, RedisFeed? redis, Silos silos, TimeProvider time, ILogger<NewsRelay> log) : BackgroundService
{
    public static readonly TimeSpan Every = TimeSpan.FromMilliseconds(50);
    /// <summary>Whoever watches says so every half second.</summary>
    private const int AskEveryTicks = 10;
    /// <summary>What a silo did not hear of lines and standing bids, it hears within two seconds.</summary>
    private const int HealLinesTicks = 40;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (redis is not null) await redis.ListenAsync();
        using var timer = new PeriodicTimer(Every, time);
        for (var tick = 0; await timer.WaitForNextTickAsync(stoppingToken); tick++)
        {
            try
            {
                if (silos.Others is { Count: > 0 } others && lines.Take(tick % HealLinesTicks == 0) is { } told)
                    foreach (var other in others) _ = other.HearLines(told);
                var events = feed.TakeOutgoing();
                if (events.Length > 0 && redis is not null && await redis.TryPublishAsync(events)) events = [];
                if (desk.Take(events, tick % AskEveryTicks == 0) is not { } news) continue;
                foreach (var other in silos.Others) _ = other.Hear(news);
            }
            catch (Exception fault) when (fault is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                NotSent(fault);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The other silos were not told what changed; they read it")]
    private partial void NotSent(Exception fault);
}
