using Orleans;

namespace Exchange.Grains.Bidding;

/// <summary>What one silo tells all others of connected buyers.</summary>
/// <param name="Silo">Who tells.</param>
/// <param name="Version">Counts the sender's messages: an older list is not taken for a newer one.</param>
/// <param name="Lines">Every line that is open there; null: as told before.</param>
/// <param name="Standing">Every standing bid that was set there and holds; null: as told before.</param>
/// <param name="Spent">What was spent under standing bids, sums as they are and not what was added.</param>
/// <param name="Ended">Offers of other silos that were posted and settled there.</param>
[GenerateSerializer, Immutable, Alias("exchange.line-news.v1")]
public sealed record LineNews(
    [property: Id(0)] ushort Silo, [property: Id(1)] long Version, [property: Id(2)] LineName[]? Lines, [property: Id(3)] StandingNews[]? Standing, [property: Id(4)] SpendNews[] Spent,
    [property: Id(5)] EndedOffer[] Ended);

[GenerateSerializer, Immutable, Alias("exchange.line-name.v1")]
public readonly record struct LineName([property: Id(0)] string Buyer, [property: Id(1)] string Endpoint);

/// <param name="PriceJson">Null: withdrawn, and so is what another silo may have of it.</param>
/// <param name="SetAtTicks">The newest of one campaign counts, and of two of one moment that of the higher silo.</param>
[GenerateSerializer, Immutable, Alias("exchange.standing-news.v1")]
public sealed record StandingNews(
    [property: Id(0)] string Campaign, [property: Id(1)] string Buyer, [property: Id(2)] string Endpoint, [property: Id(3)] string? PriceJson, [property: Id(4)] long LimitMicros,
    [property: Id(5)] long UntilMs, [property: Id(6)] long SetAtTicks);

/// <summary>What one silo spent under one standing bid.</summary>
/// <param name="Owner">The silo at which it was set, and with <paramref name="SetAtTicks"/> which one it is.</param>
/// <param name="Silo">The silo that spent.</param>
/// <param name="Version">Of these sums: the highest counts.</param>
/// <param name="SpentMicros">Sold by it; never less than before.</param>
/// <param name="OnOfferMicros">Offered by it and neither sold nor over.</param>
/// <param name="OnOfferUntilMs">When the last of these offers is over: what a dead silo had on offer is not so for ever.</param>
[GenerateSerializer, Immutable, Alias("exchange.spend-news.v1")]
public readonly record struct SpendNews(
    [property: Id(0)] string Campaign, [property: Id(1)] ushort Owner, [property: Id(2)] long SetAtTicks, [property: Id(3)] ushort Silo, [property: Id(4)] long Version,
    [property: Id(5)] long SpentMicros, [property: Id(6)] long OnOfferMicros, [property: Id(7)] long OnOfferUntilMs);

[GenerateSerializer, Immutable, Alias("exchange.ended-offer.v1")]
public readonly record struct EndedOffer([property: Id(0)] string Campaign, [property: Id(1)] Guid Lead);
