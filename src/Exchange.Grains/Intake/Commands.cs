using Exchange.Engine;
using Exchange.Engine.Fields;
using Exchange.Engine.Values;
using Orleans;

namespace Exchange.Grains.Intake;

/// <summary>
/// A ping as it came, after its wire format was read and before its fields were: HTTP and gRPC make the same command.
/// <see cref="MemberErrors"/> are what was wrong with members other than fields; the desk adds the fields' errors and answers them all at once.
/// </summary>
public sealed record PingCommand
{
    /// <summary>From the key, never from the request.</summary>
    public required string Publisher { get; init; }
    public required DateTimeOffset ReceivedAt { get; init; }
    /// <summary>Null if it was not given (a member error says so).</summary>
    public required string? Vertical { get; init; }
    public required IReadOnlyList<RawField> Fields { get; init; }
    public string? SubId { get; init; }
    public string? Channel { get; init; }
    public IReadOnlyList<KeyValuePair<string, string>> Tags { get; init; } = [];
    public Money MinPayout { get; init; }
    /// <summary>0 = as the tree says.</summary>
    public int MaxCopies { get; init; }
    public int SoldElsewhereCopies { get; init; }
    public IReadOnlyList<string> SoldElsewhereSellers { get; init; } = [];
    /// <summary>0 = the vertical's.</summary>
    public int DeadlineMs { get; init; }
    public ConsentInput? Consent { get; init; }
    /// <summary>A test key, or <c>"test": true</c>.</summary>
    public bool Test { get; init; }
    /// <summary>Forces a test's answer: sold, unsold, no_offer, pending, in_doubt.</summary>
    public string? TestResult { get; init; }
    public string? IdempotencyKey { get; init; }
    /// <summary>
    /// SHA-256 of the request's canonical content, 32 bytes: same content in another spacing or member order hashes the same. Empty for a ping
    /// without an idempotency key, which nobody compares.
    /// </summary>
    public required byte[] BodyHash { get; init; }
    public IReadOnlyList<InputError> MemberErrors { get; init; } = [];
}

/// <summary>What the consumer agreed to. Sealed with the lead.</summary>
[GenerateSerializer, Immutable, Alias("exchange.consent.v1")]
public sealed record ConsentInput(
    [property: Id(0)] string? Text, [property: Id(1)] DateTimeOffset? At, [property: Id(2)] string? Page, [property: Id(3)] string? Ip,
    [property: Id(4)] string? UserAgent, [property: Id(5)] string[] Sellers)
{
    /// <summary>Nothing of it: a runtime that logs a message must not log a lead.</summary>
    public override string ToString() => nameof(ConsentInput);
}

/// <summary>A field of a post on its way to the lead's grain.</summary>
[GenerateSerializer, Immutable, Alias("exchange.posted-field.v1")]
public readonly record struct PostedField([property: Id(0)] string Name, [property: Id(1)] RawKind Kind, [property: Id(2)] string Text)
{
    /// <inheritdoc cref="ConsentInput.ToString"/>
    public override string ToString() => nameof(PostedField);
}

/// <summary>A post as it came. <see cref="PingId"/> was parsed by intake; a text that is no id is answered ping_not_found there.</summary>
[GenerateSerializer, Immutable, Alias("exchange.post.v1")]
public sealed record PostCommand
{
    [Id(0)] public required string Publisher { get; init; }
    [Id(1)] public required DateTimeOffset ReceivedAt { get; init; }
    /// <summary>Bytes of the ping's LeadId.</summary>
    [Id(2)] public required byte[] PingId { get; init; }
    /// <summary>Null = the ping's best.</summary>
    [Id(3)] public string[]? OfferIds { get; init; }
    [Id(4)] public required PostedField[] Fields { get; init; }
    [Id(5)] public long MinPayoutMicros { get; init; }
    /// <summary>0 = the vertical's.</summary>
    [Id(6)] public int DeadlineMs { get; init; }
    [Id(7)] public ConsentInput? Consent { get; init; }
    [Id(8)] public string? IdempotencyKey { get; init; }
    [Id(9)] public required byte[] BodyHash { get; init; }
    [Id(10)] public ProblemError[] MemberErrors { get; init; } = [];
    /// <summary>The key's mode: a test key cannot post a live ping nor a live key a test's ping made by another key; both are ping_not_found.</summary>
    [Id(11)] public bool TestKey { get; init; }
    /// <summary>The second half of a direct post: a ping without an offer is recorded as unsold instead of refused.</summary>
    [Id(12)] public bool Direct { get; init; }
    /// <summary>With a key: a second one, under which the same post may have come.</summary>
    [Id(13)] public string? AlsoKey { get; init; }

    /// <inheritdoc cref="ConsentInput.ToString"/>
    public override string ToString() => nameof(PostCommand);
}

/// <summary>A ping and its post in one call. Both hashes are of the whole body.</summary>
public sealed record DirectPostCommand(PingCommand Ping, string[]? OfferIds, ConsentInput? Consent);

/// <summary>One offer as its publisher sees it.</summary>
public sealed record OfferAnswer(string OfferId, Money Payout, bool Exclusive, string? Seller);

public sealed record PingAnswer
{
    public required LeadId PingId { get; init; }
    /// <summary>None = offered.</summary>
    public required Reason Reason { get; init; }
    public bool Offered => Reason == Reason.None;
    public Money Payout { get; init; }
    public IReadOnlyList<string> Best { get; init; } = [];
    public required string Currency { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }
    public bool Test { get; init; }
    public IReadOnlyList<OfferAnswer> Offers { get; init; } = [];
    public IReadOnlyList<InputError> Warnings { get; init; } = [];
    public IReadOnlyList<KeyValuePair<string, string>> Tags { get; init; } = [];
    /// <summary>True: the recorded answer of an earlier ping with the same idempotency key.</summary>
    public bool Replayed { get; init; }
}

/// <summary>Exactly one of the two is set.</summary>
public readonly record struct PingReply(PingAnswer? Answer, Problem? Problem);

/// <summary>
/// Exactly one of answer and problem is set. <see cref="Answer"/> is the body as sent over HTTP (UTF-8 JSON; <see cref="LeadAnswer"/> reads it);
/// <see cref="Status"/> 200, or 202 while any copy is pending or in doubt.
/// </summary>
[GenerateSerializer, Immutable, Alias("exchange.post-reply.v1")]
public sealed record PostReply([property: Id(0)] int Status, [property: Id(1)] byte[]? Answer, [property: Id(2)] Problem? Problem, [property: Id(3)] bool Replayed = false)
{
    // Stays in its process: a reply of another server is read from its JSON.
    [NonSerialized] private readonly LeadAnswer? written;

    /// <summary>The answer that <see cref="Answer"/> was written from.</summary>
    public LeadAnswer? Written { init => written = value; }

    public static PostReply Refused(Problem problem) => new(problem.Status, null, problem);

    /// <inheritdoc cref="ConsentInput.ToString"/>
    public override string ToString() => nameof(PostReply);

    /// <summary>What <see cref="Answer"/> says; there must be one.</summary>
    public LeadAnswer Read() => written ?? LeadAnswer.FromJson(Answer!);
}
