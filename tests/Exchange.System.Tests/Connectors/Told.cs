using System.Globalization;
using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Deliveries;

namespace Exchange.System.Tests.Connectors;

/// <summary>Outcomes on one line, as the example files write them.</summary>
internal static class Told
{
    public static string Of(AttemptResult result) => string.Join(' ', ((string?[])
    [
        result.Kind.ToString(), result.Error, result.Refusal == Refusal.None ? null : result.Refusal.ToString(), result.Price is { } price ? $"price={price}" : null,
        result.Ref is null ? null : $"ref={result.Ref}", result.RedirectUrl is null ? null : $"redirect={result.RedirectUrl}",
        result.RetryAfter is { } after ? string.Create(CultureInfo.InvariantCulture, $"after={(int)after.TotalSeconds}") : null,
    ]).OfType<string>()) + (result.Reason is null ? "" : $": {result.Reason}");

    public static string Of(BidAnswer answer) => answer.Offers.Count == 0
        ? $"{answer.Reason}{(answer.BuyerReason is null ? "" : $": {answer.BuyerReason}")}"
        : string.Join(", ", answer.Offers.Select(offer => string.Join(' ', ((string?[])
        [
            offer.Price?.ToString() ?? "?", offer.Seller is null ? null : $"seller={offer.Seller}", .. offer.Carry.Select(pair => $"{pair.Key}={pair.Value}"),
            offer.Wrong == Reason.None ? null : offer.Wrong.ToString(),
        ]).OfType<string>())));
}
