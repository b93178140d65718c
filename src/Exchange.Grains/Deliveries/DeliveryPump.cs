using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Leads;
using Exchange.Grains.Returns;
using Exchange.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Runtime;

namespace Exchange.Grains.Deliveries;

/// <summary>
/// Brings copies to their buyers: what this silo has just sold at once, everything that is due from the rows. Before each attempt it holds a
/// durable lease; a result is recorded only under that lease's fence. Copies whose buyer has still to say yes go through their lead's grain.
/// </summary>
public sealed class DeliveryPump(
    IExchangeStore store, ICatalogHost catalog, BuyerCalls calls, DeliveryTurns turns, IGrainFactory grains, TimeProvider time, ILogger<DeliveryPump> log) : BackgroundService
{
    /// <summary>How long one attempt may take before its lease is over, with the grace that the lease adds.</summary>
    public TimeSpan CallTimeout { get; } = TimeSpan.FromMilliseconds(Engine.Limits.BuyerPostTimeoutMs);

    private const int UsualWorkers = 256;

    /// <summary>Attempts under way at once. They wait on sockets, not on a processor.</summary>
    public int Workers { get; init { field = value; ready = new(value, PerSecond); } } = UsualWorkers;
    /// <summary>The longest between two looks at what is due.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(100);
    /// <summary>What could not be read comes again a little later, so that a database that answers badly is not asked all the time.</summary>
    internal const long UnreadableMs = 250;

    /// <summary>How fast what has piled up for one buyer comes back when it is more than its share; each silo by itself.</summary>
    private const int PerSecond = 50;

    private readonly BuyerQueues<Ready> ready = new(UsualWorkers, PerSecond);
    private readonly DueLoop loop = new(time);
    private volatile bool isStopped;
    private readonly Handover handover = new(store, catalog, time, log);
    private readonly LeadFiles files = new(store, catalog, calls, new(store, catalog, time, log), log);

    /// <summary>A delivery, or those that are one file, and the end of their lease, less the grace: after it somebody else may have it.</summary>
    private readonly record struct Ready(LeasedDelivery? Delivery, LeadBatch? File, long DeadlineMs);

    /// <summary>After an item is durable: its deliveries that are leased to this silo go out now.</summary>
    /// <param name="sale">The lead as the item made it.</param>
    public void Started(LeadSale sale, JournalItem item)
    {
        // A held copy is called by its lead.
        foreach (var copy in item.Starts) if (copy.Move == CopyMove.Sell) Started(sale.Id, item.AtMs, copy.No, copy.Campaign, copy.Buyer, copy.Deliveries);
        foreach (var end in item.Ends)
        {
            if (end.Move != CopyMove.Capture || end.Deliveries.Length == 0) continue;
            var bid = sale.BidAt(sale.SlotOfCopy(end.No)!.BidIndex);
            Started(sale.Id, item.AtMs, end.No, bid.Campaign, bid.Buyer, end.Deliveries);
        }
    }

    private void Started(LeadId lead, long atMs, int no, string campaign, string buyer, NewDelivery[] deliveries)
    {
        foreach (var delivery in deliveries)
        {
            if (!delivery.IsLeased) continue;
            ready.Add(buyer, new(
                new(new(lead, no), delivery.Endpoint, IDeliveryStore.FirstFence, 1, atMs, CopyState.Captured, campaign, buyer, null), null,
                delivery.LeaseUntilMs - LeadMachine.LeaseGraceMs), soldNow: true);
        }
        // Sold by a call that outlasted this pump.
        if (isStopped) _ = SetBackRestAsync();
    }

    /// <summary>Something became due sooner than the pump thinks.</summary>
    public void Nudge() => loop.Nudge();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Until it is stopped. All its waiting is on the given clock and on the scheduler it was started on.</summary>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        var adopted = await DueLoop.UntilDoneAsync(stop => store.Deliveries.AdoptAsync(NowMs(), stop), time, log, stoppingToken);
        if (adopted > 0) log.LogInformation("Took over {Count} deliveries whose process had ended", adopted);
        var served = ready.ServeAsync(Workers, WorkAsync, BrokeOff, stoppingToken);
        await loop.RunAsync(Idle, ClaimAsync, stoppingToken);
        // Before those that are called just now have answered: one that hangs may outlast the process.
        isStopped = true;
        await SetBackRestAsync();
        await served;
    }

    /// <summary>What was leased and not begun when it was stopped: without a word of it, it would be taken for what may have arrived.</summary>
    private async Task SetBackRestAsync()
    {
        foreach (var (delivery, file, _) in ready.TakeRest())
        {
            try
            {
                if (file is not null) await handover.SetBackAllAsync(file.Deliveries, 0);
                else await SetBackAsync(delivery!, 0);
            }
            catch (Exception fault) when (fault is StorageBusyException or StorageFailedException)
            {
                // Nor the rest, and a server that stops has not the time to try each.
                log.LogWarning("What was not begun could not be set back ({Fault}); it comes again when its lease is over", fault.GetType().Name);
                return;
            }
        }
    }

    /// <summary>True: there may be more at once.</summary>
    private async Task<bool> ClaimAsync(CancellationToken stopping)
    {
        try
        {
            // Only as many as can be called at once: a lease that waits in a queue is time lost for somebody else.
            var room = Workers - ready.MayGo;
            var next = room > 0 ? await store.Deliveries.NextDueAsync(stopping) : null;
            if (next is null || next > NowMs()) return false;
            var now = NowMs();
            var deadline = now + (long)CallTimeout.TotalMilliseconds;
            var taken = new Dictionary<string, int>(StringComparer.Ordinal);
            var looked = 0;
            var due = await store.Deliveries.ClaimDueAsync(now, deadline + LeadMachine.LeaseGraceMs, room, (buyer, endpoint) =>
            {
                looked++;
                if (files.Asks(buyer, endpoint, now, out var fileLater)) return fileLater;
                var of = taken.GetValueOrDefault(buyer);
                if (ready.Pace(buyer, of, now) is { } later) return later;
                taken[buyer] = of + 1;
                return null;
                // Not broken off by a stop: what it has committed would be leased by nobody.
            }, CancellationToken.None);
            if (due.Count > 0) FaultPoints.AfterLease.Pass();
            var forFiles = due.ToLookup(files.Takes);
            foreach (var delivery in forFiles[false]) ready.Add(delivery.Buyer, new(delivery, null, deadline), soldNow: false);
            await foreach (var file in files.CollectAsync(forFiles[true], now, deadline + LeadMachine.LeaseGraceMs, CancellationToken.None)) ready.Add(file.Buyer, new(null, file, deadline), soldNow: false);
            // Behind what was postponed there may be others'.
            return due.Count >= room || looked >= IDeliveryStore.PacedRows;
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            log.LogError(fault, "Due deliveries could not be read; trying again");
            return false;
        }
    }

    private async Task WorkAsync(Ready work)
    {
        var (delivery, file, deadline) = work;
        if (file is null)
        {
            await DeliverAsync(delivery!, deadline);
            return;
        }
        try
        {
            if (NowMs() >= deadline) await handover.SetBackAllAsync(file.Deliveries, 0);
            else if (!await files.DeliverAsync(file, deadline)) await handover.SetBackAllAsync(file.Deliveries, UnreadableMs);
        }
        finally
        {
            files.Left(file);
            Nudge();
        }
    }

    /// <summary>Its lease runs out and it comes again.</summary>
    private void BrokeOff(Ready work, Exception fault) => log.LogError(fault, "Delivery of copy {Copy} to {Endpoint} broke off", (work.Delivery ?? work.File!.Deliveries[0]).Copy, work.Delivery?.Endpoint ?? work.File!.Endpoint);

    private async Task DeliverAsync(LeasedDelivery delivery, long deadlineMs)
    {
        // It waited here longer than its lease: only a lease's holder may send, so it comes again from the rows.
        if (NowMs() >= deadlineMs)
        {
            await SetBackAsync(delivery, 0);
            return;
        }
        if (delivery.Wait != DeliveryWait.None)
        {
            await TurnAsync(delivery, deadlineMs);
            return;
        }
        if (delivery.CopyState is CopyState.Held or CopyState.InDoubt)
        {
            await ResumeAsync(delivery, deadlineMs, drop: false);
            return;
        }
        Outgoing outgoing;
        try
        {
            outgoing = await handover.PrepareAsync(delivery);
        }
        catch (StorageBusyException)
        {
            // Nobody was called.
            await SetBackAsync(delivery, UnreadableMs);
            return;
        }
        if (outgoing.Ended is { } ended)
        {
            await RecordAsync(delivery, ended);
            return;
        }
        var result = await calls.SendAsync(outgoing.Endpoint!, outgoing.Message!, deadlineMs).OrUnknownAsync(delivery.Copy, log);
        FaultPoints.AfterSent.Pass();
        await RecordAsync(delivery, handover.After(delivery, outgoing.Endpoint!, result, delivery.Copy));
    }

    /// <summary>Claimed and not sent.</summary>
    private async Task SetBackAsync(LeasedDelivery delivery, long afterMs)
    {
        if (delivery.Wait == DeliveryWait.None)
            await RecordAsync(delivery, new(DeliveryStatus.Waiting, NowMs() + afterMs, DeliveryDecision.NobodyCalled(delivery.Attempts, delivery.LastError)));
    }

    /// <summary>Its wait is over, or may be: it becomes what its campaign says now, durably, before anybody is called.</summary>
    private async Task TurnAsync(LeasedDelivery delivery, long deadlineMs)
    {
        // Decided before, by a process that died before its lead knew.
        if (delivery.Wait == DeliveryWait.Drop)
        {
            await ResumeAsync(delivery, deadlineMs, drop: true);
            return;
        }
        DeliveryTurn? found;
        try
        {
            found = await turns.FindAsync(delivery, NowMs());
        }
        // A claim of what waits is no attempt that could be counted: it comes again with each lease until it is older than what is brought may become, and then it is seen.
        catch (Exception fault) when (fault is not (OutOfMemoryException or StorageBusyException) && NowMs() - delivery.WaitUntilMs >= handover.RetryForOf(delivery.Campaign).TotalMilliseconds)
        {
            log.LogError(fault, "What became of the wait of copy {Copy} cannot be decided", delivery.Copy);
            if (delivery.CopyState == CopyState.Captured) await RecordAsync(delivery, new(DeliveryStatus.Dead, null, "turn_failed"));
            else await DropAsync(delivery, deadlineMs);
            return;
        }
        if (found is not { } turn)
        {
            await RecordAsync(delivery, new(DeliveryStatus.Dead, null, "copy_ended"));
            return;
        }
        if (turn.Dropped is { } why)
        {
            if (delivery.CopyState == CopyState.Captured) await RecordAsync(delivery, new(DeliveryStatus.Cancelled, null, why));
            else await DropAsync(delivery, deadlineMs);
            return;
        }
        if (await store.Deliveries.TurnAsync(delivery.Copy, delivery.Endpoint, delivery.Fence, turn.Become, NowMs(), CancellationToken.None) is not { } became)
        {
            log.LogInformation("A newer claim holds the delivery of copy {Copy} that waited, or it has ended", delivery.Copy);
            return;
        }
        foreach (var next in turn.Become)
        {
            // Where the copy has gone already, or is on its way under another's lease, nobody is called.
            if (!next.IsLeased || !became.Contains(next.Endpoint, StringComparer.Ordinal)) continue;
            ready.Add(delivery.Buyer, new(
                delivery with { Endpoint = next.Endpoint, Attempts = 1, CreatedAtMs = NowMs(), LastError = null, Wait = DeliveryWait.None }, null, next.LeaseUntilMs - LeadMachine.LeaseGraceMs), soldNow: false);
        }
        // Stopped meanwhile: nobody takes it any more.
        if (isStopped) await SetBackRestAsync();
        Nudge();
    }

    /// <summary>
    /// A held copy is ended by its lead, and its delivery with it. First under this claim's fence: fields that come now find no wait any more, so nobody calls this
    /// buyer while the next in rank gets the copy. And durably so: whoever takes it over calls nobody either.
    /// </summary>
    private async Task DropAsync(LeasedDelivery delivery, long deadlineMs)
    {
        var dropped = new NewDelivery(delivery.Endpoint, NowMs(), deadlineMs + LeadMachine.LeaseGraceMs) { Wait = DeliveryWait.Drop };
        if (await store.Deliveries.TurnAsync(delivery.Copy, delivery.Endpoint, delivery.Fence, [dropped], NowMs(), CancellationToken.None) is not null) await ResumeAsync(delivery, deadlineMs, drop: true);
    }

    /// <summary>
    /// A lead may still be looked for at a silo that stands still; when that one is declared dead, it is asked for again, elsewhere, as long as the lease
    /// lasts. The copy's id and fence are the same.
    /// </summary>
    private async Task ResumeAsync(LeasedDelivery delivery, long deadlineMs, bool drop)
    {
        var command = new ResumeCommand(delivery.Copy.No, delivery.Endpoint, delivery.Fence, delivery.Attempts, delivery.CreatedAtMs, delivery.LastError, deadlineMs) { Drop = drop };
        while (true)
        {
            try
            {
                await grains.Lead(delivery.Copy.Lead).Resume(command);
                return;
            }
            catch (Exception fault) when (fault is SiloUnavailableException or OrleansMessageRejectionException && NowMs() < deadlineMs)
            {
                await Task.Delay(AgainAfter, time);
                command = command.Again();
            }
        }
    }

    private async Task RecordAsync(LeasedDelivery delivery, DeliveryResult result)
    {
        await handover.RecordAsync(delivery, result);
        if (result.NextDueMs is not null) Nudge();
    }

    private long NowMs() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
