using Exchange.Delivery;
using Exchange.Delivery.Postbacks;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Leads;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Leads;
using Exchange.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Postbacks;

/// <summary>
/// Calls publishers, from the rows that the journal wrote with the outcomes. Before each attempt it holds a durable lease; a result is recorded only under that
/// lease's fence. Where a publisher is called, and with which secret, is the catalog's of the moment of the call.
/// </summary>
public sealed class PostbackPump(IExchangeStore store, ICatalogHost catalog, LeadAnswers answers, PostbackCalls calls, TimeProvider time, ILogger<PostbackPump> log) : BackgroundService
{
    /// <summary>Attempts under way at once. They wait on sockets, not on a processor.</summary>
    private const int Workers = 128;

    /// <summary>How many a second of what is over a publisher's share come back.</summary>
    private const int PerSecond = 200;

    /// <summary>The longest between two looks at what is due.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1);

    /// <summary>What could not be read comes again a little later, so that a database that answers badly is not asked all the time.</summary>
    private const long UnreadableMs = 250;

    private readonly BuyerQueues<(LeasedPostback Postback, long DeadlineMs)> ready = new(Workers, PerSecond);
    private readonly DueLoop loop = new(time);
    private long delivered, retried, dead;

    /// <summary>What became of attempts since start.</summary>
    public (long Delivered, long Retried, long Dead) Sums => (Interlocked.Read(ref delivered), Interlocked.Read(ref retried), Interlocked.Read(ref dead));

    /// <summary>After an item is durable: what it tells goes out now.</summary>
    public void Started(JournalItem item)
    {
        if (item.Postback is not null) Nudge();
    }

    /// <summary>Something became due sooner than the pump thinks.</summary>
    public void Nudge() => loop.Nudge();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var adopted = await DueLoop.UntilDoneAsync(stop => store.Postbacks.AdoptAsync(NowMs(), stop), time, log, stoppingToken);
        if (adopted > 0) log.LogInformation("Took over {Count} postbacks whose process had ended", adopted);
        var served = ready.ServeAsync(Workers, work => TellAsync(work.Postback, work.DeadlineMs), BrokeOff, stoppingToken);
        await loop.RunAsync(Idle, ClaimAsync, stoppingToken);
        // Before those that are told just now have answered: one that hangs may outlast the process.
        await SetBackRestAsync();
        await served;
    }

    /// <summary>What was claimed and not begun when it was stopped: without a word of it, nobody would be called for it before its lease is over.</summary>
    private async Task SetBackRestAsync()
    {
        foreach (var (postback, _) in ready.TakeRest())
        {
            try
            {
                await SetBackAsync(postback, 0);
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
            var next = room > 0 ? await store.Postbacks.NextDueAsync(stopping) : null;
            var now = NowMs();
            if (next is null || next > now) return false;
            var deadline = now + (long)PostbackCalls.Timeout.TotalMilliseconds;
            var taken = new Dictionary<string, int>(StringComparer.Ordinal);
            var looked = 0;
            var due = await store.Postbacks.ClaimDueAsync(now, deadline + LeadMachine.LeaseGraceMs, room, publisher =>
            {
                looked++;
                var of = taken.GetValueOrDefault(publisher);
                if (ready.Pace(publisher, of, now) is { } later) return later;
                taken[publisher] = of + 1;
                return null;
            }, stopping);
            foreach (var postback in due) ready.Add(postback.Publisher, (postback, deadline), soldNow: false);
            // Behind what was postponed there may be others'.
            return due.Count >= room || looked >= IDeliveryStore.PacedRows;
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            log.LogError(fault, "Due postbacks could not be read; trying again");
            return false;
        }
    }

    /// <summary>Its lease runs out and it comes again.</summary>
    private void BrokeOff((LeasedPostback Postback, long DeadlineMs) work, Exception fault) => log.LogError(fault, "Postback {Postback} broke off", work.Postback.Id);

    private async Task TellAsync(LeasedPostback leased, long deadlineMs)
    {
        var left = TimeSpan.FromMilliseconds(deadlineMs - NowMs());
        // It waited here longer than its lease: only a lease's holder may send, so it comes again from the rows.
        if (left <= TimeSpan.Zero)
        {
            await SetBackAsync(leased, 0);
            return;
        }
        if (catalog.Current.Publishers.GetValueOrDefault(leased.Publisher)?.Postback is not { } postback)
        {
            await RecordAsync(leased, new(DeliveryStatus.Dead, null, "postback_gone"));
            return;
        }
        PostbackMessage message;
        byte[]? secret;
        try
        {
            var lead = await store.Leads.FindAsync(leased.Id.Lead, CancellationToken.None);
            Invariant.Require(lead is not null, "a postback is of a lead");
            secret = postback.SecretName is { } name ? await store.Access.FindSecretAsync(name, CancellationToken.None) : null;
            message = await MessageAsync(leased, lead);
        }
        catch (StorageBusyException)
        {
            await SetBackAsync(leased, UnreadableMs);
            return;
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // What cannot be made now may never be: an attempt like any other, so that it ends as a dead letter that is seen.
            log.LogError(fault, "Postback {Postback} cannot be made into a message", leased.Id);
            await AttemptedAsync(leased, new(AttemptKind.NotSent, "message_failed"));
            return;
        }
        using var deadline = new CancellationTokenSource(left, time);
        var result = await calls.SendAsync(leased.Publisher, postback, secret, message, time.GetUtcNow(), deadline.Token).OrUnknownAsync(leased.Id, log);
        FaultPoints.AfterPostback.Pass();
        await AttemptedAsync(leased, result);
    }

    /// <summary>As the lead stands now: of several postbacks that arrive in another order, each says the same payout.</summary>
    private async Task<PostbackMessage> MessageAsync(LeasedPostback leased, LeadRow lead)
    {
        var answer = await answers.OfRowAsync(lead, CancellationToken.None);
        return new()
        {
            Id = leased.Id, Payout = answer.Payout, Change = leased.Change, Currency = answer.Currency, Reason = leased.Id.Event == PostbackEvent.Unsold ? lead.Reason.Wire() : null,
            // Of an erased lead the recorded answer has no tags any more.
            SubId = lead.IsErased ? null : lead.SubId, Tags = answer.Tags, Test = lead.Test,
        };
    }

    /// <summary>Claimed, and nobody was called.</summary>
    private Task SetBackAsync(LeasedPostback leased, long afterMs) =>
        RecordAsync(leased, new(DeliveryStatus.Waiting, NowMs() + afterMs, DeliveryDecision.NobodyCalled(leased.Attempts, leased.LastError)));

    /// <summary>As of a sold copy that has to arrive: the outcome stands, whatever is answered.</summary>
    private Task AttemptedAsync(LeasedPostback leased, AttemptResult result) => RecordAsync(leased, DeliveryResult.Of(DeliveryDecision.After(new FinishedAttempt(
        new CopyId(leased.Id.Lead, leased.Id.No), CopyState.Captured, result.Kind, result.Refusal, leased.Attempts, leased.CreatedAtMs, NowMs(), PostbackModel.RetryFor, result.RetryAfter,
        result.Error, leased.LastError))));

    private async Task RecordAsync(LeasedPostback leased, DeliveryResult result)
    {
        if (!await store.Postbacks.RecordSurelyAsync(leased.Id, leased.Fence, result, time))
        {
            log.LogWarning("A newer attempt holds postback {Postback}; this result is dropped", leased.Id);
            return;
        }
        switch (result.Status)
        {
            case DeliveryStatus.Delivered:
                Interlocked.Increment(ref delivered);
                break;
            case DeliveryStatus.Dead:
                Interlocked.Increment(ref dead);
                log.LogWarning("Postback {Postback} to {Publisher} is a dead letter: {Error}", leased.Id, leased.Publisher, result.Error);
                break;
            default:
                Interlocked.Increment(ref retried);
                Nudge();
                break;
        }
    }

    private long NowMs() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
