using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Returns;
using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Leads;

/// <summary>Sends the copies of a test lead to the <c>test</c> of their campaigns' endpoints, each once.</summary>
internal sealed class TestCalls(LeadServices services)
{
    /// <summary>What the buyer's answer makes of a held copy; null: it leaves it held.</summary>
    public async Task<LeadEvent.Answered?> AskAsync(LeadRow lead, CopyRow copy, Subject subject, Money bid)
    {
        if (services.Catalog.Current.Campaigns.GetValueOrDefault(copy.Campaign) is not { } campaign || DeliveryPlan.AsksTest(campaign.Delivery, subject) is not { } endpoint) return null;
        var result = await SendAsync(endpoint, lead, copy, bid);
        var now = Now();
        // As of any held copy, but that it is not asked again.
        var step = DeliveryDecision.After(new FinishedAttempt(copy.Id, CopyState.Held, result.Kind, result.Refusal, 1, now, now, campaign.Delivery.RetryFor, result.RetryAfter, result.Error)
        {
            Repeatable = endpoint.CanComeAgain, DuplicateAfterDoubt = endpoint.DuplicateAfterDoubt,
        });
        return CopyCalls.Answer(copy.Id.No, step, result, endpoint);
    }

    /// <summary>Tells everybody else where the copy goes; what they answer changes nothing and is in the log. Never throws.</summary>
    public async Task TellAsync(LeadRow lead, CopyRow copy, Subject subject, Money bid)
    {
        try
        {
            if (services.Catalog.Current.Campaigns.GetValueOrDefault(copy.Campaign) is not { } campaign) return;
            var asked = DeliveryPlan.AsksTest(campaign.Delivery, subject);
            foreach (var endpoint in DeliveryPlan.ForTest(campaign.Delivery, subject).Where(endpoint => endpoint != asked).ToArray())
            {
                var result = await SendAsync(endpoint, lead, copy, bid);
                services.Log.LogInformation("Test copy {Copy} to {Endpoint}: {Kind} {Error}", copy.Id, endpoint.Name, result.Kind, result.Error);
            }
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            services.Log.LogWarning(fault, "Test copy {Copy} was not sent", copy.Id);
        }
    }

    private async Task<Delivery.AttemptResult> SendAsync(EndpointModel endpoint, LeadRow lead, CopyRow copy, Money bid)
    {
        var model = services.Catalog.Current;
        var terms = await SaleTerms.ModelOfAsync(services.Catalog, lead, copy.Campaign, CancellationToken.None);
        var message = CopyMessages.Create(model, terms, lead, copy, LeadPayload.Of(services.Store.Vault, lead), services.Store.Vault, bid);
        return await services.Calls.SendAsync(endpoint, message, Now() + (long)endpoint.PostTimeout.TotalMilliseconds);
    }

    private long Now() => services.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
