using Orleans;

namespace Exchange.Grains.SoftHolds;

/// <summary>
/// The promises of one campaign or buyer that are out but not yet sold, near the end of its limits. Advice only: the counter rows are the
/// fence, a lost grain costs at most an offer that cannot be kept.
/// </summary>
public interface ISoftHoldGrain : IGrainWithStringKey
{
    /// <summary>Backs one offer until it is posted or runs out (60 s at most). False: what is left is promised to others.</summary>
    [Alias("soft-hold"), ResponseTimeout("00:00:01")]
    ValueTask<bool> TrySoftHold(SoftHoldRequest request);

    /// <summary>The offer was posted (the rows hold it now) or dropped.</summary>
    [Alias("release")]
    ValueTask Release(Guid ping);

    [Alias("promises")]
    ValueTask<Promises> Promises();
}

/// <summary>Key <c>campaign-ID</c>: its own caps.</summary>
[Alias("exchange.campaign.v1")]
public interface ICampaignGrain : ISoftHoldGrain;

/// <summary>Key <c>buyer-ID</c>: its balance and the caps over all its campaigns.</summary>
[Alias("exchange.buyer.v1")]
public interface IBuyerGrain : ISoftHoldGrain;

/// <summary><see cref="Left"/>: what the limit has left in its own unit, soft holds not counted.</summary>
[GenerateSerializer, Immutable, Alias("exchange.soft-hold.v1")]
public readonly record struct SoftHoldRequest(
    [property: Id(0)] Guid Ping, [property: Id(1)] string LimitId, [property: Id(2)] long Amount, [property: Id(3)] long Left, [property: Id(4)] long UntilMs)
{
    /// <inheritdoc cref="Intake.ConsentInput.ToString"/>
    public override string ToString() => nameof(SoftHoldRequest);
}

/// <summary>Offers backed now; offers ever backed and refused, as far as memory goes.</summary>
[GenerateSerializer, Immutable, Alias("exchange.promises.v1")]
public readonly record struct Promises([property: Id(0)] int Out, [property: Id(1)] long Backed, [property: Id(2)] long Refused);
