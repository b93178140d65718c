using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Returns;
using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Leads;

/// <summary>Asks the buyers of held copies, each under a durable lease, and makes durable what they say.</summary>
internal sealed class CopyCalls
{
    /// <summary>Between two tries to make a buyer's answer durable while the store is busy.</summary>
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(100);

    private readonly LeadServices services;
    private readonly LeadMemory lead;
    private int calls;
    private TaskCompletionSource? callsDone;

    public CopyCalls(LeadServices services, LeadMemory lead)
    {
        (this.services, this.lead) = (services, lead);
        Steps = new(services, lead, Start);
    }

    /// <summary>Of this lead: what they allow is called here.</summary>
    public LeadSteps Steps { get; }

    /// <summary>Nobody is being called whom a step allowed.</summary>
    public bool AreDone => calls == 0;

    /// <summary>Done when nobody is being called any more, by whatever came of the calls.</summary>
    public Task WhenDoneAsync() => calls > 0 ? callsDone!.Task : Task.CompletedTask;

    private void Start(int copyNo, NewDelivery delivery)
    {
        FaultPoints.AfterHold.Pass();
        if (calls++ == 0) callsDone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = CallFirstAsync(copyNo, delivery);
    }

    private async Task CallFirstAsync(int copyNo, NewDelivery delivery)
    {
        try
        {
            await CallAsync(copyNo, delivery.Endpoint, IDeliveryStore.FirstFence, 1, Now(), null, delivery.LeaseUntilMs - LeadMachine.LeaseGraceMs);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // The hold and its lease stand; the pump goes on when the lease runs out.
            services.Log.LogError(fault, "A call for copy {Copy} broke off; its lease will be taken over", new CopyId(lead.Id, copyNo));
        }
        finally
        {
            if (--calls == 0) callsDone!.TrySetResult();
        }
    }

    /// <summary>Calls the buyer of one held copy under a durable lease and makes durable what it said.</summary>
    public async Task CallAsync(int copyNo, string endpointName, long fence, int attempts, long createdAtMs, string? lastError, long deadlineMs)
    {
        if (lead.Sale?.SlotOfCopy(copyNo) is not { } slot) return;
        var copy = lead.CopyOf(slot);
        if (lead.Row!.IsErased)
        {
            await CancelAsync(copy, endpointName, fence, attempts, lastError, deadlineMs);
            return;
        }
        var model = services.Catalog.Current;
        // The endpoint of the delivery, whatever the campaign names by now: whoever may have the lead is asked, nobody else.
        var campaign = model.Campaigns.GetValueOrDefault(copy.Campaign);
        AttemptResult result;
        EndpointModel? endpoint = null;
        if (campaign?.Buyer.Endpoints.TryGetValue(endpointName, out endpoint) == true)
        {
            if (!DeliveryDecision.MayCall(endpoint!, attempts, lastError))
            {
                await services.Store.Deliveries.RecordSurelyAsync(copy.Id, endpointName, fence, new(DeliveryStatus.Dead, null, "not_repeatable"), services.Time);
                return;
            }
            var (message, notMade) = await MessageAsync(model, copy, slot);
            if (notMade is not null) result = notMade;
            else
            {
                message = message! with { AfterDoubt = copy.State == CopyState.InDoubt || DeliveryDecision.MayHaveArrived(attempts, lastError) };
                result = await services.Calls.SendAsync(endpoint!, message, deadlineMs).OrUnknownAsync(copy.Id, services.Log);
                FaultPoints.AfterAnswer.Pass();
            }
        }
        else result = new(AttemptKind.NotSent, "endpoint_gone");
        var step = DeliveryDecision.After(new FinishedAttempt(
            copy.Id, copy.State, result.Kind, result.Refusal, attempts, createdAtMs, Now(),
            campaign?.Delivery.RetryFor ?? TimeSpan.FromHours(24), result.RetryAfter, result.Error, lastError)
        {
            Repeatable = endpoint?.CanComeAgain ?? true, DuplicateAfterDoubt = endpoint?.DuplicateAfterDoubt ?? default,
        });
        // Not durable: without a word of this attempt whoever takes the lease over begins with the doubt.
        if (Answer(copyNo, step, result, endpoint) is { } answer && !await RecordAsync(answer, slot.State, deadlineMs + LeadMachine.LeaseGraceMs)) return;
        if (step.Next is DeliveryNext.Wait or DeliveryNext.Dead)
        {
            await services.Store.Deliveries.RecordSurelyAsync(copy.Id, endpointName, fence, DeliveryResult.Of(step), services.Time);
            services.Pump.Nudge();
        }
    }

    /// <summary>What its buyer is to get, or why nobody is called: the store does not answer now, or it cannot be made.</summary>
    private async Task<(CopyMessage? Message, AttemptResult? NotMade)> MessageAsync(CatalogModel model, CopyRow copy, Slot slot)
    {
        CatalogModel terms;
        try
        {
            terms = await SaleTerms.ModelOfAsync(services.Catalog, lead.Row!, copy.Campaign, CancellationToken.None);
            // Held at its ping: only the rows tell when, and that is when it was sold.
            if (!lead.KnowsWhenHeld(copy.Id.No) && (await services.Store.Leads.FindAsync(lead.Id, CancellationToken.None))?.Copies.FirstOrDefault(row => row.Id == copy.Id) is { } held)
                copy = copy with { AtMs = held.AtMs };
        }
        catch (StorageBusyException)
        {
            return (null, new(AttemptKind.RetryLater, "storage_busy"));
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // What cannot be read now may be read later: no reason to go to somebody else. If it never is, the operator sees it.
            services.Log.LogError(fault, "What copy {Copy} was sold on cannot be read", copy.Id);
            return (null, new(AttemptKind.RetryLater, "message_failed"));
        }
        // Forgotten meanwhile, by an erasure that may not have been made: the rows tell the next attempt.
        if (lead.Row is null || lead.Sale is null) return (null, new(AttemptKind.RetryLater, "storage_busy"));
        try
        {
            // The row as it is by now: what was added or erased meanwhile.
            return (CopyMessages.Create(model, terms, lead.Row!, copy, LeadPayload.Of(services.Store.Vault, lead.Row!), services.Store.Vault, lead.Sale!.BidAt(slot.BidIndex).Bid), null);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            services.Log.LogError(fault, "Copy {Copy} cannot be made into a message", copy.Id);
            return (null, new(AttemptKind.NotSent, "message_failed"));
        }
    }

    /// <summary>What an attempt at a held copy tells its lead; null: nothing, it stays held.</summary>
    public static LeadEvent.Answered? Answer(int copyNo, DeliveryStep step, AttemptResult result, EndpointModel? endpoint) => step.Move switch
    {
        CopyMove.Capture => new(copyNo, BuyerAnswer.Accepted, Reason.None, result.Ref, result.RedirectUrl) { Price = endpoint?.PriceAtPost == PriceAtPost.Lower ? result.Price : null },
        CopyMove.Void => new(copyNo, BuyerAnswer.Refused, step.Reason, null, null),
        CopyMove.Doubt => new(copyNo, BuyerAnswer.Unknown, Reason.InDoubt, null, null),
        _ => null,
    };

    /// <summary>
    /// There is nothing left to send. What its buyer may have stays in doubt, for the operator; what it cannot have yet is a certain no.
    /// </summary>
    public async Task CancelAsync(CopyRow copy, string endpoint, long fence, int attempts, string? lastError, long deadlineMs)
    {
        LeadEvent.Answered? answer = copy.State == CopyState.InDoubt ? null
            : DeliveryDecision.MayHaveArrived(attempts, lastError) ? new(copy.Id.No, BuyerAnswer.Unknown, Reason.InDoubt, null, null)
            : new(copy.Id.No, BuyerAnswer.Refused, Reason.Cancelled, null, null);
        // Not durable: it comes again when the lease runs out.
        if (answer is not null && !await RecordAsync(answer, SlotState.Held, deadlineMs + LeadMachine.LeaseGraceMs)) return;
        await services.Store.Deliveries.RecordSurelyAsync(copy.Id, endpoint, fence, new(DeliveryStatus.Cancelled, null, "cancelled"), services.Time);
    }

    /// <summary>From the moment at which a store judges an item to its commit: it may wait for others' rows (3 s on PostgreSQL), and a process may stand still in between (1 s).</summary>
    private const long NoEndsBeforeMs = 4_000;

    /// <summary>
    /// A buyer's answer is made durable however busy the store is, and on top of what another activation of this lead did meanwhile, as long as the lease
    /// under which it came.
    /// </summary>
    /// <param name="asked">The copy as it was when its buyer was asked. A no was weighed against that: whoever asked again since weighs it anew.</param>
    /// <returns>False: it is not durable, and nothing that follows from it may be recorded.</returns>
    public async Task<bool> RecordAsync(LeadEvent.Answered answer, SlotState asked, long leaseUntilMs)
    {
        while (true)
        {
            using (await lead.EnterAsync())
            {
                try
                {
                    if (!lead.IsKnown && !await lead.RestoreAsync()) return false;
                    // Where somebody is sent may tell who he is, and so may what the buyer calls him.
                    if (lead.Row!.IsErased) answer = answer with { RedirectUrl = null, BuyerRef = null };
                    // A no is the last word only under its lease: whoever has the next one may be asking the buyer by now.
                    var isNo = answer.Answer == BuyerAnswer.Refused;
                    var lastMs = leaseUntilMs - NoEndsBeforeMs;
                    if (isNo && (Now() >= lastMs || lead.Sale!.SlotOfCopy(answer.CopyNo)?.State != asked)) return false;
                    var step = await Steps.StepAsync(answer, isNo ? lastMs : 0);
                    if (answer.Answer == BuyerAnswer.Unknown) FaultPoints.AfterDoubt.Pass();
                    if (step.Conflict is null) return true;
                    if (Now() >= leaseUntilMs) return false;
                }
                // A definite no: nothing was written.
                catch (StorageBusyException) when (Now() < leaseUntilMs) { }
            }
            await Task.Delay(AgainAfter, services.Time);
        }
    }

    private long Now() => services.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
