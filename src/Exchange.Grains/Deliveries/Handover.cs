using Exchange.Delivery;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Catalog;
using Exchange.Grains.Leads;
using Exchange.Grains.Returns;
using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Deliveries;

/// <summary>A sold copy on its way: what is sent and where, or what becomes of its delivery without anybody being called.</summary>
internal readonly record struct Outgoing(EndpointModel? Endpoint, CopyMessage? Message, DeliveryResult? Ended);

/// <summary>What stands around one attempt at a sold copy, alone or with others: may it be sent, and what is recorded of it.</summary>
internal sealed class Handover(IExchangeStore store, ICatalogHost catalog, TimeProvider time, ILogger log)
{
    /// <summary>Throws <see cref="StorageBusyException"/>: the rows cannot be had now.</summary>
    public async Task<Outgoing> PrepareAsync(LeasedDelivery delivery)
    {
        var model = catalog.Current;
        if (!model.Buyers.TryGetValue(delivery.Buyer, out var buyer) || !buyer.Endpoints.TryGetValue(delivery.Endpoint, out var endpoint)) return Ended(DeliveryStatus.Dead, "endpoint_gone");
        CopyMessage message;
        try
        {
            var lead = await store.Leads.FindAsync(delivery.Copy.Lead, CancellationToken.None);
            var copy = lead?.Copies.FirstOrDefault(row => row.Id == delivery.Copy);
            if (lead is null || copy is not { State: CopyState.Captured }) return Ended(DeliveryStatus.Dead, "copy_ended");
            if (lead.IsErased) return Ended(DeliveryStatus.Cancelled, "cancelled");
            if (!DeliveryDecision.MayCall(endpoint, delivery.Attempts, delivery.LastError)) return Ended(DeliveryStatus.Dead, "not_repeatable");
            var terms = await SaleTerms.ModelOfAsync(catalog, lead, copy.Campaign, CancellationToken.None);
            message = CopyMessages.Create(model, terms, lead, copy, LeadPayload.Of(store.Vault, lead), store.Vault, endpoint.ReadsBid ? await BidOfAsync(lead, copy) : null);
        }
        catch (Exception fault) when (fault is not (StorageBusyException or OutOfMemoryException))
        {
            // What cannot be made now may never be: an attempt like any other, so that it ends as a dead letter that is seen.
            log.LogError(fault, "Copy {Copy} cannot be made into a message", delivery.Copy);
            return new(null, null, After(delivery, endpoint, new(AttemptKind.NotSent, "message_failed"), delivery.Copy));
        }
        return new(endpoint, message with { AfterDoubt = DeliveryDecision.MayHaveArrived(delivery.Attempts, delivery.LastError) }, null);

        static Outgoing Ended(DeliveryStatus status, string error) => new(null, null, new(status, null, error));
    }

    /// <summary>What its campaign bid, which under second price is more than it pays; null: the ping's record is gone, or a later walk made the sale.</summary>
    private async Task<Money?> BidOfAsync(LeadRow lead, CopyRow copy) =>
        await store.Pings.FindAsync(lead.Id, catalog.ModelAsync, CancellationToken.None) is { } record && RestoredSale.PlaceInRecord(record, copy) is >= 0 and var place
            ? record.Bids[place].Bid : null;

    /// <param name="drawnBy">By whose id the wait before the next attempt is drawn: copies that went together come again together.</param>
    public DeliveryResult After(LeasedDelivery delivery, EndpointModel endpoint, AttemptResult result, CopyId drawnBy)
    {
        var step = DeliveryDecision.After(new FinishedAttempt(
            drawnBy, CopyState.Captured, result.Kind, result.Refusal, delivery.Attempts, delivery.CreatedAtMs, time.GetUtcNow().ToUnixTimeMilliseconds(), RetryForOf(delivery.Campaign), result.RetryAfter, result.Error, delivery.LastError)
        { Repeatable = endpoint.CanComeAgain, HasCheck = endpoint.Shape?.Check is not null });
        return DeliveryResult.Of(step);
    }

    /// <summary>How long its copies are tried, by the catalog of this moment.</summary>
    public TimeSpan RetryForOf(string campaign) => catalog.Current.Campaigns.TryGetValue(campaign, out var found) ? found.Delivery.RetryFor : TimeSpan.FromHours(24);

    public async Task RecordAsync(LeasedDelivery delivery, DeliveryResult result) =>
        Tell(delivery, result, await store.Deliveries.RecordSurelyAsync(delivery.Copy, delivery.Endpoint, delivery.Fence, result, time));

    public async Task RecordAllAsync(IReadOnlyList<(LeasedDelivery Delivery, DeliveryResult Result)> results)
    {
        var recorded = await store.Deliveries.RecordAllSurelyAsync(results, time);
        foreach (var (delivery, result) in results) Tell(delivery, result, recorded.Contains(delivery.Copy));
    }

    /// <summary>Claimed and not sent. All of them at one moment: what goes together is to come again together.</summary>
    public Task SetBackAllAsync(IEnumerable<LeasedDelivery> deliveries, long afterMs)
    {
        var dueMs = time.GetUtcNow().ToUnixTimeMilliseconds() + afterMs;
        return RecordAllAsync([.. deliveries.Select(delivery =>
            (delivery, new DeliveryResult(DeliveryStatus.Waiting, dueMs, DeliveryDecision.NobodyCalled(delivery.Attempts, delivery.LastError))))]);
    }

    private void Tell(LeasedDelivery delivery, DeliveryResult result, bool isRecorded)
    {
        if (!isRecorded) log.LogWarning("A newer attempt holds copy {Copy}; this result is dropped", delivery.Copy);
        else if (result.Status == DeliveryStatus.Dead) log.LogWarning("Copy {Copy} to {Endpoint} is a dead letter: {Error}", delivery.Copy, delivery.Endpoint, result.Error);
    }
}
