using System.Collections.ObjectModel;
using Exchange.Delivery;
using Exchange.Engine;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Filters;
using Exchange.Engine.Values;
using Orleans;

namespace Exchange.Grains.Bidding;

// What goes between silos when a connected buyer's line is open at another one than the silo that asks. None of it says its values in ToString: a runtime that
// logs a message must not log a lead.

[GenerateSerializer, Immutable, Alias("exchange.line-field.v1")]
public readonly record struct LineField([property: Id(0)] string Name, [property: Id(1)] string Text, [property: Id(2)] byte Kind)
{
    public override string ToString() => nameof(LineField);

    internal static LineField[] Of(IReadOnlyList<OutField> fields) => [.. fields.Select(field => new LineField(field.Name, field.Text, (byte)field.Kind))];
    internal static OutField[] Read(LineField[] fields) => [.. fields.Select(field => new OutField(field.Name, field.Text, (OutKind)field.Kind))];
}

[GenerateSerializer, Immutable, Alias("exchange.line-consent.v1")]
public sealed record LineConsent(
    [property: Id(0)] string? Text, [property: Id(1)] DateTimeOffset? At, [property: Id(2)] string? Page, [property: Id(3)] string? Ip, [property: Id(4)] string? UserAgent,
    [property: Id(5)] string[] Sellers)
{
    public override string ToString() => nameof(LineConsent);

    internal static LineConsent? Of(OutConsent? consent) => consent is null ? null : new(consent.Text, consent.At, consent.Page, consent.Ip, consent.UserAgent, [.. consent.Sellers]);
    internal OutConsent Read() => new(Text, At, Page, Ip, UserAgent, Sellers);
}

/// <summary>Whose line, how much of it may be under way, and the moment (Unix milliseconds, by the clock that all silos go by) when nobody waits any more.</summary>
[GenerateSerializer, Immutable, Alias("exchange.line-at.v1")]
public readonly record struct LineAt([property: Id(0)] string Buyer, [property: Id(1)] string Endpoint, [property: Id(2)] int? InFlight, [property: Id(3)] long UntilMs);

[GenerateSerializer, Immutable, Alias("exchange.line-bid-call.v1")]
public sealed record LineBidCall
{
    [Id(0)] public required LineAt At { get; init; }
    [Id(1)] public required string RequestId { get; init; }
    [Id(2)] public required string Campaign { get; init; }
    [Id(3)] public required string Vertical { get; init; }
    [Id(4)] public required string Currency { get; init; }
    [Id(5)] public required byte[] Sharings { get; init; }
    [Id(6)] public required int CopiesMax { get; init; }
    [Id(7)] public required string Source { get; init; }
    [Id(8)] public string? SubSource { get; init; }
    [Id(9)] public required int DeadlineMs { get; init; }
    [Id(10)] public bool Test { get; init; }
    [Id(11)] public required LineField[] Fields { get; init; }
    [Id(12)] public LineConsent? Consent { get; init; }

    public override string ToString() => nameof(LineBidCall);

    internal static LineBidCall Of(BidCall call, LineAt at) => new()
    {
        At = at, RequestId = call.RequestId, Campaign = call.Campaign, Vertical = call.Vertical, Currency = call.Currency, Sharings = [.. call.Sharings.Select(sharing => (byte)sharing)],
        CopiesMax = call.CopiesMax, Source = call.Source, SubSource = call.SubSource, DeadlineMs = call.DeadlineMs, Test = call.Test, Fields = LineField.Of(call.Fields),
        Consent = LineConsent.Of(call.Consent),
    };

    internal BidCall Read() => new()
    {
        RequestId = RequestId, Campaign = Campaign, Vertical = Vertical, Currency = Currency, Sharings = [.. Sharings.Select(sharing => (Sharing)sharing)], CopiesMax = CopiesMax,
        Source = Source, SubSource = SubSource, DeadlineMs = DeadlineMs, Test = Test, Fields = LineField.Read(Fields), Consent = Consent?.Read(),
    };
}

[GenerateSerializer, Immutable, Alias("exchange.line-offer.v1")]
public sealed record LineOffer(
    [property: Id(0)] long? PriceMicros, [property: Id(1)] byte? Sharing, [property: Id(2)] string? Currency, [property: Id(3)] TimeSpan? ExpiresIn, [property: Id(4)] string? Seller,
    [property: Id(5)] Dictionary<string, string> Carry, [property: Id(6)] int Wrong)
{
    public override string ToString() => nameof(LineOffer);
}

[GenerateSerializer, Immutable, Alias("exchange.line-bids.v1")]
public sealed record LineBids([property: Id(0)] LineOffer[] Offers, [property: Id(1)] int Reason, [property: Id(2)] string? BuyerReason)
{
    public override string ToString() => nameof(LineBids);

    internal static LineBids Of(BidAnswer answer) => new(
        [.. answer.Offers.Select(offer => new LineOffer(offer.Price?.Micros, (byte?)offer.Sharing, offer.Currency, offer.ExpiresIn, offer.Seller, new(offer.Carry), (int)offer.Wrong))],
        (int)answer.Reason, answer.BuyerReason);

    internal BidAnswer Read() => new(
        [.. Offers.Select(offer => new LiveOffer(offer.PriceMicros is { } price ? new Money(price) : null, (Sharing?)offer.Sharing)
        {
            Currency = offer.Currency, ExpiresIn = offer.ExpiresIn, Seller = offer.Seller, Carry = offer.Carry, Wrong = (Reason)offer.Wrong,
        })], (Reason)Reason, BuyerReason);
}

/// <summary>A lead on its way to its buyer. It leaves under the lease of the silo that sends this, and not after its moment.</summary>
[GenerateSerializer, Immutable, Alias("exchange.line-copy.v1")]
public sealed record LineCopy
{
    [Id(0)] public required LineAt At { get; init; }
    [Id(1)] public required Guid Lead { get; init; }
    [Id(2)] public required int No { get; init; }
    [Id(3)] public required string Campaign { get; init; }
    [Id(4)] public required string Vertical { get; init; }
    [Id(5)] public required long PriceMicros { get; init; }
    [Id(6)] public required string Currency { get; init; }
    [Id(7)] public required bool Exclusive { get; init; }
    [Id(8)] public required int CopiesMax { get; init; }
    [Id(9)] public required DateTimeOffset SoldAt { get; init; }
    [Id(10)] public required string Source { get; init; }
    [Id(11)] public string? SubSource { get; init; }
    [Id(12)] public DateTimeOffset? ReturnUntil { get; init; }
    [Id(13)] public bool Test { get; init; }
    [Id(14)] public long BidMicros { get; init; }
    [Id(15)] public required Dictionary<string, string> Carried { get; init; }
    [Id(16)] public bool AfterDoubt { get; init; }
    [Id(17)] public required LineField[] Fields { get; init; }
    [Id(18)] public LineConsent? Consent { get; init; }

    public override string ToString() => nameof(LineCopy);

    internal static LineCopy Of(CopyMessage copy, LineAt at) => new()
    {
        At = at, Lead = copy.Copy.Lead.ToGuid(), No = copy.Copy.No, Campaign = copy.Campaign, Vertical = copy.Vertical, PriceMicros = copy.Price.Micros, Currency = copy.Currency,
        Exclusive = copy.Exclusive, CopiesMax = copy.CopiesMax, SoldAt = copy.SoldAt, Source = copy.Source, SubSource = copy.SubSource, ReturnUntil = copy.ReturnUntil, Test = copy.Test,
        BidMicros = copy.Bid.Micros, Carried = new(copy.Carried), AfterDoubt = copy.AfterDoubt, Fields = LineField.Of(copy.Fields), Consent = LineConsent.Of(copy.Consent),
    };

    internal CopyMessage Read() => new()
    {
        Copy = new(LeadId.FromGuid(Lead), No), Campaign = Campaign, Vertical = Vertical, Price = new(PriceMicros), Currency = Currency, Exclusive = Exclusive, CopiesMax = CopiesMax,
        SoldAt = SoldAt, Source = Source, SubSource = SubSource, ReturnUntil = ReturnUntil, Test = Test, Bid = new(BidMicros), Carried = new ReadOnlyDictionary<string, string>(Carried),
        AfterDoubt = AfterDoubt, Until = DateTimeOffset.FromUnixTimeMilliseconds(At.UntilMs), Fields = LineField.Read(Fields), Consent = Consent?.Read(),
    };
}

[GenerateSerializer, Immutable, Alias("exchange.line-answer.v1")]
public sealed record LineAnswer(
    [property: Id(0)] byte Kind, [property: Id(1)] string? Error, [property: Id(2)] string? Reason, [property: Id(3)] string? Ref, [property: Id(4)] string? RedirectUrl,
    [property: Id(5)] TimeSpan? RetryAfter, [property: Id(6)] byte Refusal, [property: Id(7)] long? PriceMicros)
{
    public override string ToString() => nameof(LineAnswer);

    internal static LineAnswer Of(AttemptResult result) => new(
        (byte)result.Kind, result.Error, result.Reason, result.Ref, result.RedirectUrl, result.RetryAfter, (byte)result.Refusal, result.Price?.Micros);

    internal AttemptResult Read() => new((AttemptKind)Kind, Error, Reason, Ref, RedirectUrl, RetryAfter)
    {
        Refusal = (Refusal)Refusal, Price = PriceMicros is { } price ? new Money(price) : null,
    };
}
