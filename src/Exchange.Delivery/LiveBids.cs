using System.Collections.ObjectModel;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;

namespace Exchange.Delivery;

/// <summary>One campaign is asked for its live bid. Never PII: fields that a ping may carry, no hash of a person, no address of the consumer.</summary>
public sealed record BidCall
{
    /// <summary>Of this ping and campaign alone: a buyer cannot tell by it which of its campaigns were asked for the same ping.</summary>
    public required string RequestId { get; init; }
    public required string Campaign { get; init; }
    public required string Vertical { get; init; }
    public required string Currency { get; init; }
    /// <summary>Which sharings may be bid for: one, or both.</summary>
    public required IReadOnlyList<Sharing> Sharings { get; init; }
    public required int CopiesMax { get; init; }
    /// <summary>Aliases, stable per buyer; never our names.</summary>
    public required string Source { get; init; }
    public string? SubSource { get; init; }
    /// <summary>How long the answer is waited for, milliseconds.</summary>
    public required int DeadlineMs { get; init; }
    public bool Test { get; init; }
    public required IReadOnlyList<OutField> Fields { get; init; }
    /// <summary>Without the consumer's address.</summary>
    public OutConsent? Consent { get; init; }
}

/// <summary>One bid of an answer, as the buyer wrote it: whether it counts is decided later.</summary>
/// <param name="Price">Null: a yes without a price (the campaign's own price counts).</param>
/// <param name="Sharing">Null: not said.</param>
public sealed record LiveOffer(Money? Price, Sharing? Sharing)
{
    /// <summary>ISO code; null: not said, ours.</summary>
    public string? Currency { get; init; }
    /// <summary>From the answer on; null: as long as our offers last.</summary>
    public TimeSpan? ExpiresIn { get; init; }
    /// <summary>The end seller of a bidder that buys for several; null: the buyer itself.</summary>
    public string? Seller { get; init; }
    /// <summary>To be brought back with the post, by the name under which the post asks for it.</summary>
    public IReadOnlyDictionary<string, string> Carry { get; init; } = ReadOnlyDictionary<string, string>.Empty;
    /// <summary>Set: this bid cannot count (<c>InvalidPrice</c>, <c>InvalidCurrency</c>, <c>BadResponse</c>).</summary>
    public Reason Wrong { get; init; }
}

/// <summary>What a bidder said, or why it said nothing.</summary>
/// <param name="Reason">None: there are offers; else <c>NoBid</c>, <c>Timeout</c>, <c>Unreachable</c>, <c>BadResponse</c> or another of the 3xx.</param>
/// <param name="BuyerReason">The buyer's own words, cleaned.</param>
public sealed record BidAnswer(IReadOnlyList<LiveOffer> Offers, Reason Reason, string? BuyerReason = null)
{
    public static BidAnswer Declined(Reason reason, string? buyerReason = null) => new([], reason, buyerReason);
}

/// <summary>Asks an endpoint for a live bid. Never throws for what the outside does; past the token's end it is a <c>Timeout</c>.</summary>
public interface IBidder
{
    ConnectorKind Kind { get; }
    Task<BidAnswer> AskAsync(EndpointModel endpoint, EndpointSecrets secrets, BidCall call, DateTimeOffset now, CancellationToken deadline);
}

/// <summary>A live bid that did not win, for its buyer to learn from. Nothing of the lead but what the ping showed, nothing of other buyers.</summary>
public sealed record LossCall
{
    /// <summary>As in the <see cref="BidCall"/> that it answers.</summary>
    public required string RequestId { get; init; }
    public required string Campaign { get; init; }
    public required string Vertical { get; init; }
    public required string Source { get; init; }
    public string? SubSource { get; init; }
    public required Reason Reason { get; init; }
    /// <summary>Null: there is none, or it is not told.</summary>
    public Money? MinimumToWin { get; init; }
    public bool Test { get; init; }
    /// <summary>What the bid gave to be brought back.</summary>
    public IReadOnlyDictionary<string, string> Carried { get; init; } = ReadOnlyDictionary<string, string>.Empty;
    /// <summary>Those of the ping; none where they are not at hand.</summary>
    public IReadOnlyList<OutField> Fields { get; init; } = [];
}

/// <summary>Tells a loser. Never throws for what the outside does; what it answers is not read.</summary>
public interface ILossTeller
{
    ConnectorKind Kind { get; }
    /// <returns>Null: it was told, or its connector has no `lost`; else why it was not, as an error code.</returns>
    Task<string?> TellAsync(EndpointModel endpoint, EndpointSecrets secrets, LossCall call, DateTimeOffset now, CancellationToken deadline);
}
