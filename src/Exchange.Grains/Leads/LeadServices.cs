using Exchange.Engine.Caps;
using Exchange.Engine.Fields;
using Exchange.Engine.Leads;
using Exchange.Engine.PingTrees;
using Exchange.Grains.Bidding;
using Exchange.Grains.Catalog;
using Exchange.Grains.Cluster;
using Exchange.Grains.Deliveries;
using Exchange.Grains.Feed;
using Exchange.Grains.Persons;
using Exchange.Grains.Pings;
using Exchange.Grains.Postbacks;
using Exchange.Storage;
using Microsoft.Extensions.Logging;

namespace Exchange.Grains.Leads;

/// <summary>What a lead needs of its silo.</summary>
public sealed record LeadServices(
    IExchangeStore Store, CatalogHost Catalog, OfferBook Book, OfferHomes Homes, BuyerCalls Calls, DeliveryPump Pump, PostbackPump Postbacks, WaitPump Waits, LiveBidding Bidding, FieldParsers Parsers, TimeProvider Time,
    ILiveView Live, IRotations Rotations, PromiseCounts Promises, StandingBids Standing, PersonMarks Persons, LiveFeed Feed, LeadAnswers Answers, ILogger<LeadGrain> Log)
{
    /// <summary>Who decides. Another only where a test wants to see that a wrong decision is found.</summary>
    public LeadDecision Decide { get; init; } = LeadMachine.Step;
}

/// <summary>As <see cref="LeadMachine.Step"/>.</summary>
public delegate LeadStep LeadDecision(LeadSale sale, LeadEvent happened, SaleContext context);
