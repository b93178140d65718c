using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Caps;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Cluster;
using Exchange.Grains.Leads;
using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Firm;

/// <summary>
/// Firm trees: what a ping is offered is held by the rows before it is answered, so that its post always finds it. Freed by the post, or when the
/// offer's time is over.
/// </summary>
public sealed class FirmOffers(IExchangeStore store, ILiveView live, IRotations rotations, TimeProvider time, ILogger<FirmOffers> log)
{
    /// <summary>How often a ping is walked again because a limit ran full between the walk and the hold.</summary>
    private const int WalksAgain = 3;

    /// <summary>A post that came in time may still be on its way to the journal.</summary>
    private const long GraceMs = 5_000;

    /// <summary>A hold becomes durable within this time or not at all, as the first item of a post, and its ping waits no longer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(OfferHomes.PostHoldsMs);

    /// <summary>Whether this ping's best offers are held. A test's never are, nor those of a direct post: its own sale follows at once.</summary>
    public static bool AreHeld(CatalogModel model, PingRecord record) =>
        record.Outcome == Reason.None && !record.Id.IsTest && IsFirm(model, record.Tree);

    public static bool IsFirm(CatalogModel model, string? tree) => tree is not null && model.Trees.TryGetValue(tree, out var found) && found.Firm;

    /// <summary>
    /// Holds the best offers, or those of another walk where a limit refuses them; the record says in the end what is held, if anything. Done when
    /// it is durable. Throws <see cref="StorageBusyException"/>, and <see cref="OperationCanceledException"/> where the caller left: nothing is held, or it is
    /// given back as soon as it is.
    /// </summary>
    /// <param name="model">The catalog that the ping was walked on.</param>
    /// <param name="taken">Turns that the walk took; those of a walk whose offers are not held are given back.</param>
    public async ValueTask<PingRecord> HoldAsync(CatalogModel model, PingInput ping, PingRecord record, TakenTurns[] taken, CancellationToken callerLeft)
    {
        var vertical = model.Verticals[record.Vertical];
        var subject = ping.ToSubject();
        var sealedFields = store.Vault.Seal(record.Id, LeadPayload.Of(vertical.Fields, record.Values, null, record).ToJson());
        var without = new HashSet<string>(StringComparer.Ordinal);
        var notes = new List<StateNote>();
        // Not the ping's own time: its bidders may have taken that.
        var notAfterMs = time.GetUtcNow().ToUnixTimeMilliseconds() + OfferHomes.PostHoldsMs;
        for (var walks = 0; record.Outcome == Reason.None; walks++)
        {
            var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            var item = FirmOffer.Hold(record, model, subject, sealedFields, nowMs) with { NotAfterMs = notAfterMs };
            var held = false;
            Verdict verdict;
            try
            {
                verdict = await SubmitAsync(item, callerLeft);
                held = verdict.IsSuccess;
            }
            finally
            {
                // Refused, or nobody knows: nobody is told of these offers.
                if (!held) rotations.GiveBack(taken);
            }
            if (held)
            {
                FaultPoints.AfterFirmHold.Pass();
                break;
            }
            Invariant.Require(verdict.Code == VerdictCode.Refused);
            var start = item.Starts[verdict.CopyIndex];
            var take = start.Takes[verdict.TakeIndex];
            var ofPublisher = take.Reason is Reason.PublisherCap or Reason.PublisherPaused;
            notes.Add(NoteOf(model, ofPublisher ? null : start.Campaign, take, subject, nowMs));
            without.Add(start.Campaign);
            if (ofPublisher || walks == WalksAgain)
                record = record with { Offers = [], Notes = [.. record.Notes, notes[^1]], Outcome = ofPublisher ? take.Reason : Reason.NoEligibleCampaign };
            else
            {
                var outcome = PingWalk.Run(model, ping with { Without = without }, live, rotations);
                (record, taken) = (Walked(record, outcome, notes, vertical.PingTtl), outcome.Taken);
            }
        }
        return record;
    }

    /// <summary>The verdict, while somebody waits for it.</summary>
    private async Task<Verdict> SubmitAsync(JournalItem item, CancellationToken callerLeft)
    {
        var submitted = store.Journal.SubmitAsync(item, callerLeft);
        try
        {
            return await submitted.WaitAsync(Patience, time, callerLeft);
        }
        catch (Exception left) when (left is TimeoutException or OperationCanceledException)
        {
            // A batch that a lane has taken goes on without its callers: what it comes to hold is held for nobody.
            _ = UndoAsync(submitted, item.Lead);
            if (left is TimeoutException) throw new StorageBusyException("The offers were not held in time");
            throw;
        }
    }

    private async Task UndoAsync(Task<Verdict> submitted, LeadId id)
    {
        try
        {
            if ((await submitted).IsSuccess) await TakeBackAsync(id);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // Nothing is held; or nobody knows, and it ends when its time is over.
            log.LogDebug("The firm offers of lead {Lead} that nobody waits for were not held ({Fault})", id, fault.GetType().Name);
        }
    }

    /// <summary>What was held and is offered to nobody after all gives back what it held now, not when its time is over.</summary>
    public async Task TakeBackAsync(LeadId id)
    {
        LeadRow? lead;
        try
        {
            lead = await store.Leads.FindAsync(id, CancellationToken.None);
        }
        catch (StorageBusyException)
        {
            // It ends when its time is over.
            return;
        }
        if (lead is { IsPosted: false })
            await ExpireAsync(new(id, [.. lead.Copies.Where(static copy => copy.State == CopyState.Held).Select(static copy => copy.Id.No)]), time.GetUtcNow().ToUnixTimeMilliseconds());
    }

    /// <summary>Called about once a second: offers whose time is over give back what they held. Returns how many.</summary>
    public async Task<int> SweepAsync(long nowMs, CancellationToken cancel)
    {
        var freed = 0;
        while (!cancel.IsCancellationRequested)
        {
            var expired = await store.Leads.ExpiredOffersAsync(nowMs - GraceMs, Engine.Limits.PageRows, cancel);
            var verdicts = await Task.WhenAll(expired.Select(offer => ExpireAsync(offer, nowMs)));
            // 102: a post came first.
            freed += verdicts.Count(verdict => verdict is { IsSuccess: true });
            // One that cannot be ended would be met again at once.
            if (expired.Count < Engine.Limits.PageRows || verdicts.Contains(null)) break;
        }
        if (freed > 0) log.LogDebug("{Count} firm offers ran out", freed);
        return freed;
    }

    /// <summary>Null: it could not be ended now; it stops no other.</summary>
    private async Task<Verdict?> ExpireAsync(ExpiredOffer offer, long nowMs)
    {
        try
        {
            return await store.Journal.SubmitAsync(FirmOffer.Expire(offer.Lead, offer.Held, nowMs), CancellationToken.None);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            log.LogWarning(fault, "The firm offers of lead {Lead} could not be ended", offer.Lead);
            return null;
        }
    }

    /// <summary>Other offers, on other live bids: they end when those do.</summary>
    private static PingRecord Walked(PingRecord record, PingOutcome outcome, List<StateNote> notes, TimeSpan ttl) => record with
    {
        Tree = outcome.Tree, Bids = outcome.Bids, Offers = outcome.Offers, Notes = [.. outcome.Notes, .. notes], Shares = outcome.Shares, Turns = outcome.Turns,
        Outcome = outcome.Outcome, ExpiresAtMs = outcome.ExpiresAtMs(DateTimeOffset.FromUnixTimeMilliseconds(record.AtMs) + ttl),
    };

    private StateNote NoteOf(CatalogModel model, string? campaign, Take take, Subject subject, long nowMs)
    {
        var limit = model.Limits.First(limit => limit.Id == take.LimitId);
        var value = limit.ValueOf(subject);
        var reading = live.Read(limit, nowMs / 1000, value);
        return new(campaign is null ? null : model.Campaigns[campaign], take.Reason, limit, reading.Limit, reading.Used, reading.Held, take.Amount, value);
    }
}
