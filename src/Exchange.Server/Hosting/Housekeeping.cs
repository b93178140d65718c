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
        _ = ForgetAsync(stoppingToken);
        for (var tick = 1; await timer.WaitForNextTickAsync(stoppingToken); tick++)
        {
            if (!IsTimeSure) continue;
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            if (tick % HealEveryTicks == 0) await TryAsync(() => catalog.HealAsync(stoppingToken), stoppingToken);
            if (tick % KeepEveryTicks == 0) await TryAsync(rotations.KeepAsync, stoppingToken);
            if (!silos.Owns(ForAll)) continue;
            await TryAsync(() => firm.SweepAsync(now, stoppingToken), stoppingToken);
            if (!catalog.IsLoaded) continue;
            if (tick % KeepEveryTicks == 0)
            {
                await TryAsync(() => returns.SweepAsync(now, stoppingToken), stoppingToken);
                await TryAsync(() => tests.SweepAsync(now, stoppingToken), stoppingToken);
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
                }, stoppingToken);
            if (bookingsAreLeft || tick % UpkeepEveryTicks == 0)
                await TryAsync(async () => bookingsAreLeft = await Stint.DoAsync(time, () => store.Ledger.CloseAsync(ILedgerStore.BookingsPerClosing, stoppingToken)), stoppingToken);
        }
    }

    /// <summary>Else offers and tests would end before their time.</summary>
    private bool IsTimeSure => time is not IMeasuredClock { IsSure: false };

    /// <summary>Beside what waits for the store: each ping leaves something to forget, also while the store keeps all that waiting.</summary>
    private async Task ForgetAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Tick, time);
        while (await timer.WaitForNextTickAsync(stopping))
        {
            if (!IsTimeSure) continue;
            var now = time.GetUtcNow().ToUnixTimeMilliseconds();
            await TryAsync(() =>
            {
                book.Sweep(now);
                pingKeys.Sweep(now);
                softHolds.Sweep(now);
                return Task.CompletedTask;
            }, stopping);
        }
    }

    /// <summary>What stumbles stops nothing else, and is tried again at its next tick.</summary>
    private async Task TryAsync(Func<Task> step, CancellationToken stopping)
    {
        try
        {
            await step();
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !stopping.IsCancellationRequested)
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
            catch (Exception fault) when (fault is not OperationCanceledException || !cancel.IsCancellationRequested)
            {
                log.LogWarning(fault, "Who was sold lately could not be read; pings of known persons are answered by the rows alone meanwhile");
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await rotations.KeepAsync();
        }
        // They are kept by the database that may be away, or by a silo that is leaving.
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            log.LogWarning(fault, "The rotations' positions of the last seconds were not kept");
        }
    }
}
