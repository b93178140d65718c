using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Values;

namespace Exchange.Delivery;

/// <summary>Error is a short stable code such as <c>timeout</c>, <c>http_500</c>, <c>connect_refused</c>; never a body or an address.</summary>
public sealed record AttemptResult(AttemptKind Kind, string? Error = null, string? Reason = null, string? Ref = null, string? RedirectUrl = null, TimeSpan? RetryAfter = null)
{
    /// <summary>Who said a <see cref="AttemptKind.Rejected"/>; none for every other kind.</summary>
    public Refusal Refusal { get; init; }
}

/// <summary>A field as it goes out: text, or a number or boolean that JSON writes bare.</summary>
public readonly record struct OutField(string Name, string Text, OutKind Kind);

public enum OutKind { Text, Number, Boolean }

public sealed record OutConsent(string? Text, DateTimeOffset? At, string? Page, string? Ip, string? UserAgent, IReadOnlyList<string> Sellers);

/// <summary>One sold (or offered) copy as its buyer gets it: inbox, webhook and native alike. Made only after the hold is durable.</summary>
public sealed record CopyMessage
{
    public required CopyId Copy { get; init; }
    public required string Campaign { get; init; }
    public required string Vertical { get; init; }
    public required Money Price { get; init; }
    public required string Currency { get; init; }
    public required bool Exclusive { get; init; }
    public required int CopiesMax { get; init; }
    public required DateTimeOffset SoldAt { get; init; }
    /// <summary>Aliases, stable per buyer; never our names.</summary>
    public required string Source { get; init; }
    public string? SubSource { get; init; }
    public DateTimeOffset? ReturnUntil { get; init; }
    public bool Test { get; init; }
    public required IReadOnlyList<OutField> Fields { get; init; }
    public OutConsent? Consent { get; init; }
}

/// <summary>
/// The shape of somebody's API: hands one copy over and reads the answer. The caller holds a durable lease; the token ends the attempt at
/// its deadline. Never throws for what the outside does, only for <see cref="OperationCanceledException"/> before anything was sent is NotSent too.
/// </summary>
public interface IConnector
{
    ConnectorKind Kind { get; }
    Task<AttemptResult> SendAsync(EndpointModel endpoint, byte[]? secret, CopyMessage message, DateTimeOffset now, CancellationToken deadline);
}
