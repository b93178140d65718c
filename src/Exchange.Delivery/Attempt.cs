using System.Collections.ObjectModel;
using Exchange.Engine.Catalog;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Values;

namespace Exchange.Delivery;

/// <summary>Error is a short stable code such as <c>timeout</c>, <c>http_500</c>, <c>connect_refused</c>; never a body or an address.</summary>
public sealed record AttemptResult(AttemptKind Kind, string? Error = null, string? Reason = null, string? Ref = null, string? RedirectUrl = null, TimeSpan? RetryAfter = null)
{
    /// <summary>Who said a <see cref="AttemptKind.Rejected"/>; none for every other kind.</summary>
    public Refusal Refusal { get; init; }
    /// <summary>The price that the answer names, where it names one; whether it counts is the endpoint's rule.</summary>
    public Money? Price { get; init; }
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
    /// <summary>What it bid; the price it is charged may be lower.</summary>
    public Money Bid { get; init; }
    /// <summary>What its live bid gave us to bring back (the buyer's own ping id), by the name under which it was carried.</summary>
    public IReadOnlyDictionary<string, string> Carried { get; init; } = ReadOnlyDictionary<string, string>.Empty;
    /// <summary>
    /// An earlier attempt may have reached the buyer (silence, a pending answer, a process that died): a connector that can check does so before it sends
    /// again, and one that is not repeatable never sends again. It is no part of what is sent.
    /// </summary>
    public bool AfterDoubt { get; init; }
    /// <summary>When this attempt is over, which is before its lease is: whoever passes it on sends it no later. Null: not said. It is no part of what is sent.</summary>
    public DateTimeOffset? Until { get; init; }
    public required IReadOnlyList<OutField> Fields { get; init; }
    public OutConsent? Consent { get; init; }
}

/// <summary>Copies that go out together, as one file.</summary>
/// <param name="Moment">Of the schedule, for which they were collected.</param>
/// <param name="Columns">Names of fields, in the order in which they are written; fields that are not among them follow.</param>
/// <param name="Copies">At least one, in the order of their ids.</param>
public sealed record CopyBatch(DateTimeOffset Moment, IReadOnlyList<string> Columns, IReadOnlyList<CopyMessage> Copies);

/// <summary>Values of the secrets that an endpoint names, by name; a name whose secret is not set is not in it.</summary>
public sealed record EndpointSecrets(IReadOnlyDictionary<string, byte[]> Values)
{
    // An endpoint signs by one of them.
    private Tuple<byte[], KeyedHash?>? signing;

    public static EndpointSecrets None { get; } = new(ReadOnlyDictionary<string, byte[]>.Empty);

    public byte[]? Find(string? name) => name is null ? null : Values.GetValueOrDefault(name);

    /// <summary>As <see cref="WebhookSignature.ReadKey"/> reads it, read once.</summary>
    /// <param name="secret">One of these.</param>
    public KeyedHash? SigningKey(byte[] secret)
    {
        if (signing is not { } read || !ReferenceEquals(read.Item1, secret)) signing = read = new(secret, WebhookSignature.ReadKey(secret));
        return read.Item2;
    }
}

/// <summary>
/// The shape of somebody's API: hands one copy over and reads the answer. The caller holds a durable lease; the token ends the attempt at
/// its deadline. Never throws for what the outside does; one that the token ends before anything was sent is NotSent too.
/// </summary>
public interface IConnector
{
    ConnectorKind Kind { get; }
    Task<AttemptResult> SendAsync(EndpointModel endpoint, EndpointSecrets secrets, CopyMessage message, DateTimeOffset now, CancellationToken deadline);
}

/// <summary>One that hands many copies over at once. What comes of it is of all of them alike.</summary>
public interface IBatchConnector : IConnector
{
    /// <summary>The same batch again finds or replaces what it has left before, as the buyer sees it.</summary>
    Task<AttemptResult> SendAsync(EndpointModel endpoint, EndpointSecrets secrets, CopyBatch batch, DateTimeOffset now, CancellationToken deadline);
}
