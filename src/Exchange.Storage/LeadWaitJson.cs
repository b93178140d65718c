using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>What a lead's wait keeps for its next walk, as its row has it. The moment stands in columns of its own.</summary>
internal static partial class LeadWaitJson
{
    public static string Write(LeadWait wait) => JsonSerializer.Serialize(new Stored
    {
        Trees = [.. wait.Trees], IsTrees = wait.IsTrees, AtPing = wait.AtPing, MinPayout = wait.MinPayout.Micros,
        Promised = [.. wait.Promised.Select(offer => new StoredOffer(offer.OfferId, offer.Sharing == Sharing.Exclusive, offer.Payout.Micros))],
    }, Shape.Default.Stored);

    public static LeadWait Read(string json, DeliveryWait kind, long untilMs)
    {
        var stored = JsonSerializer.Deserialize(json, Shape.Default.Stored)!;
        return new()
        {
            Trees = [.. stored.Trees], IsTrees = stored.IsTrees, Until = new(kind, untilMs), AtPing = stored.AtPing, MinPayout = new(stored.MinPayout),
            Promised = [.. stored.Promised.Select(offer => new PromisedOffer(offer.OfferId, offer.Exclusive ? Sharing.Exclusive : Sharing.Shared, new(offer.Payout)))],
        };
    }

    internal sealed record Stored
    {
        public required string[] Trees { get; init; }
        public bool IsTrees { get; init; }
        public bool AtPing { get; init; }
        public long MinPayout { get; init; }
        public StoredOffer[] Promised { get; init; } = [];
    }

    internal sealed record StoredOffer(string OfferId, bool Exclusive, long Payout);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
    [JsonSerializable(typeof(Stored))]
    private sealed partial class Shape : JsonSerializerContext;
}
