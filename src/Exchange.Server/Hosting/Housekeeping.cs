using Exchange.Grains.Catalog;
using Exchange.Grains.Cluster;
using Exchange.Grains.Firm;
using Exchange.Grains.Leads;
using Exchange.Grains.Limits;
using Exchange.Grains.Memory;
using Exchange.Grains.Pings;
using Exchange.Grains.Returns;
using Exchange.Grains.SoftHolds;
using Exchange.Storage;

namespace Exchange.Server.Hosting;

/// <summary>
/// What a silo does now and then: forgets offers that ran out, heals the live view, keeps rotation positions; and one silo for all: ends firm offers and old tests,
/// removes old rows, closes accounts.
/// Nothing that is right depends on it.
/// </summary>
public sealed class Housekeeping(
    OfferBook book, PingKeys pingKeys, SoftHoldDesk softHolds, FirmOffers firm, HeldTests tests, ReturnDesk returns, CatalogHost catalog, LiveView live, RotationKeeper rotations, IExchangeStore store, Silos silos,
    TimeProvider time, ILogger<Housekeeping> log) : BackgroundService
{
    /// <summary>What one silo does for all of them.</summary>
    private const string ForAll = "housekeeping";
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PersonsAfter = TimeSpan.FromSeconds(2);
    private const int HealEveryTicks = 10;
    private const int KeepEveryTicks = 5;
    private const int UpkeepEveryTicks = 60;

    /// <summary>The last upkeep did not come to the end of it: more at the next tick.</summary>
    private bool oldRowsAreLeft, bookingsAreLeft;

    /// <summary>Positions are back before the first ping: the web server starts after this.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await rotations.LoadAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        _ = PersonsAsync(stoppingToken);
        for (var tick = 1; await timer.WaitForNextTickAsync(stoppingToken); tick++)
        {
            // Else offers and tests would end before their time.
            if (time is IMeasuredClock { IsSure: false }) continue;
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            await TryAsync(() =>
            {
                book.Sweep(now);
                pingKeys.Sweep(now);
                softHolds.Sweep(now);
                return Task.CompletedTask;
            });
            if (tick % HealEveryTicks == 0) await TryAsync(() => catalog.HealAsync(stoppingToken));
            if (tick % KeepEveryTicks == 0) await TryAsync(rotations.KeepAsync);
            if (!silos.Owns(ForAll)) continue;
            await TryAsync(() => firm.SweepAsync(now, stoppingToken));
            if (!catalog.IsLoaded) continue;
            if (tick % KeepEveryTicks == 0)
            {
                await TryAsync(() => returns.SweepAsync(now, stoppingToken));
                await TryAsync(() => tests.SweepAsync(now, stoppingToken));
            }
            if (oldRowsAreLeft || tick % UpkeepEveryTicks == 0)
                await TryAsync(async () =>
                {
                    // Also where it stumbles.
                    oldRowsAreLeft = true;
                    oldRowsAreLeft = await Stint.DoAsync(time, async () =>
                    {
                        var run = OldRows.At(catalog.Current, now);
                        return (await store.Upkeep.RunAsync(run, stoppingToken)).IsCut(run);
                    });
                });
            if (bookingsAreLeft || tick % UpkeepEveryTicks == 0)
                await TryAsync(async () => bookingsAreLeft = await Stint.DoAsync(time, () => store.Ledger.CloseAsync(ILedgerStore.BookingsPerClosing, stoppingToken)));
        }
    }

    /// <summary>What stumbles stops nothing else, and is tried again at its next tick.</summary>
    private async Task TryAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            log.LogWarning(fault, "Housekeeping stumbled; it goes on");
        }
    }

    /// <summary>After the first seconds, in which who waited for this server is served; a store that cannot say now is asked again.</summary>
    private async Task PersonsAsync(CancellationToken cancel)
    {
        for (var read = false; !read;)
        {
            await Task.Delay(PersonsAfter, time, cancel);
            try
            {
                await live.ReadPersonsAsync(store.Counts, cancel);
                read = true;
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                log.LogWarning(fault, "Who was sold lately could not be read; pings of known persons are answered by the rows alone meanwhile");
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await rotations.KeepAsync();
    }
}
