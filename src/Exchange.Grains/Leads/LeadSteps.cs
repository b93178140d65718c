using Exchange.Engine.Caps;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Grains.Feed;
using Exchange.Storage;

namespace Exchange.Grains.Leads;

/// <summary>Performs what <see cref="LeadMachine"/> decides: each item durable before anything follows from it, and then the calls that it allows.</summary>
/// <param name="call">Begins to call a copy's buyer; its hold and this delivery's lease are durable.</param>
internal sealed class LeadSteps(LeadServices services, LeadMemory lead, Action<int, NewDelivery> call)
{
    /// <summary>One step after another until the machine has nothing to make durable. Behind the lead's gate.</summary>
    /// <param name="notAfterMs">Above 0: the first of its items becomes durable until then or not at all.</param>
    public async Task<LeadStep> StepAsync(LeadEvent happened, long notAfterMs = 0)
    {
        try
        {
            var wasSettled = lead.Sale is { First: null, IsSettled: true };
            var decidedOn = 0L;
            var step = Decide(happened);
            JournalItem? submitted = null;
            var written = false;
            while (true)
            {
                lead.Sale = step.Sale;
                if (step.Submit is null || step.Conflict is not null) break;
                // Sold to by another lead since this one weighed it: decided again with what is left.
                if (!services.Standing.TryHold(step.Sale.InFlight!))
                {
                    step = Decide(new LeadEvent.Stale());
                    continue;
                }
                submitted = step.Submit;
                var done = step.Sale.InFlight!.IfDone;
                // Recorded with the outcome: what is said is what is stored.
                var answer = lead.RecordOf(done);
                var item = answer is null && notAfterMs == 0 ? submitted : submitted with { Answer = answer, NotAfterMs = notAfterMs };
                var verdict = await services.Store.Journal.SubmitAsync(item, CancellationToken.None);
                written = verdict.Code == VerdictCode.Done;
                // Only what this very item wrote: what was there already is on its way, or comes when its lease runs out.
                if (verdict.Code == VerdictCode.Done)
                {
                    notAfterMs = 0;
                    lead.Done(submitted);
                    services.Pump.Started(done, submitted);
                    services.Postbacks.Started(submitted);
                }
                if (done.Waits is not null) services.Waits.Nudge();
                // A gate closes for good when its limits become others: who decided on the catalog before decides again, whoever has read the next one meanwhile.
                if (IsGate(submitted, verdict)) await services.Catalog.RefreshAsync(CancellationToken.None);
                step = Decide(IsGate(submitted, verdict) && services.Catalog.Current.Version != decidedOn ? new LeadEvent.Stale() : new LeadEvent.Settled(verdict));
            }
            // Somebody else's plan is in the rows, not ours. Or ours, by whoever wrote it: another activation calls, or the pump when its lease runs out; it has counted what is settled,
            // and what it recorded is what is told.
            if (step.Conflict is not null || submitted is not null && !written) lead.Sale = null;
            else if (!wasSettled && lead.Sale is { First: null, IsSettled: true } sale)
            {
                if (sale.Promised is not null) services.Promises.Settled(sale.PromiseKept);
                services.Standing.Sold(sale);
                services.Feed.Settled(sale);
            }
            if (written) foreach (var copyNo in step.Calls) call(copyNo, DeliveryOf(submitted!, copyNo));
            return step;

            LeadStep Decide(LeadEvent told)
            {
                var context = lead.Context;
                decidedOn = context.Current.Version;
                return services.Decide(lead.Sale!, told, context);
            }
        }
        catch (Exception fault)
        {
            // A definite no: nothing was written, and nothing is held.
            if (fault is StorageBusyException && lead.Sale?.InFlight is { } item) services.Standing.NotHeld(item);
            // An item may be on its way and a step half done: begin again with the rows.
            lead.Sale = null;
            throw;
        }
    }

    private static bool IsGate(JournalItem item, Verdict verdict) =>
        verdict.Code == VerdictCode.Refused && LimitNames.IsGate(item.Starts[verdict.CopyIndex].Takes[verdict.TakeIndex].LimitId);

    private static NewDelivery DeliveryOf(JournalItem item, int copyNo) =>
        (item.Starts.FirstOrDefault(copy => copy.No == copyNo)?.Deliveries ?? item.Ends.First(end => end.No == copyNo).Deliveries)[0];
}
