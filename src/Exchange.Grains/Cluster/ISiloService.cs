using Exchange.Grains.Bidding;
using Exchange.Grains.Feed;
using Orleans;
using Orleans.Concurrency;
using Orleans.Services;

namespace Exchange.Grains.Cluster;

/// <summary>
/// What one silo asks another: there is one on each, reached by the silo's number. Everything here is memory of that silo: whoever gets no answer
/// in time goes on with the rows.
/// </summary>
[Alias("exchange.silo.v1")]
public interface ISiloService : IGrainService
{
    /// <summary>A ping made there whose offer can still be posted; null: not in its book.</summary>
    [Alias("find-offer"), ResponseTimeout("00:00:00.250")]
    ValueTask<FoundOffer?> FindOffer(Guid ping);

    /// <summary>An offer made there was posted elsewhere: it is out no more.</summary>
    /// <param name="publisher">Empty: by a direct post.</param>
    [Alias("posted"), OneWay]
    Task Posted(Guid ping, string publisher);

    /// <summary>Takes an idempotency key of pings, which that silo keeps for all.</summary>
    [Alias("claim-key"), ResponseTimeout("00:00:00.250")]
    ValueTask<KeyVerdict> ClaimKey(KeyClaim claim);

    /// <summary>Waits for the ping of a key that somebody is making; null: it was refused or took too long, the key is free.</summary>
    [Alias("await-key"), ResponseTimeout("00:00:10")]
    ValueTask<Guid?> AwaitKey(string publisher, string key);

    /// <summary>The ping of a claimed key; null: refused, the key is free again.</summary>
    [Alias("settle-key"), ResponseTimeout("00:00:00.250")]
    ValueTask SettleKey(KeyEnd end);

    /// <summary>What the sender's commits changed. May be lost; a full read heals.</summary>
    [Alias("hear"), OneWay]
    Task Hear(SiloNews news);

    /// <summary>Which connected buyers' lines are open at the sender, and what of standing bids changed there. May be lost; it is told again.</summary>
    [Alias("hear-lines"), OneWay]
    Task HearLines(LineNews news);

    /// <summary>Asks a buyer that is connected there for a bid; null: it is not. The limit lies above every bid's deadline.</summary>
    [Alias("ask-line"), ResponseTimeout("00:00:15")]
    ValueTask<LineBids?> AskLine(LineBidCall call);

    /// <summary>Hands a copy to a buyer that is connected there; null: it is not, and nothing was sent. The limit lies above every attempt's deadline.</summary>
    [Alias("hand-over"), ResponseTimeout("00:00:45")]
    ValueTask<LineAnswer?> HandOver(LineCopy copy);

    /// <summary>For how many milliseconds it has reached its database without a failure; 0: it does not.</summary>
    [Alias("store-held"), ResponseTimeout("00:00:00.500")]
    ValueTask<long> StoreHeldMs();

    /// <summary>Reads the API keys anew: the caller has made or revoked one. Throws what the store throws.</summary>
    [Alias("read-keys"), ResponseTimeout("00:00:02")]
    ValueTask ReadKeys();
}

/// <summary>A ping record as the store writes it, sensitive values sealed.</summary>
/// <param name="TestResult">What a test ping asked for.</param>
[GenerateSerializer, Immutable, Alias("exchange.found-offer.v1")]
public sealed record FoundOffer([property: Id(0)] byte[] Record, [property: Id(1)] string? TestResult);

/// <param name="Maker">Number of the silo that would make the ping.</param>
[GenerateSerializer, Immutable, Alias("exchange.key-claim.v1")]
public sealed record KeyClaim(
    [property: Id(0)] string Publisher, [property: Id(1)] string Key, [property: Id(2)] byte[] BodyHash, [property: Id(3)] long UntilMs, [property: Id(4)] ushort Maker)
{
    /// <inheritdoc cref="Intake.ConsentInput.ToString"/>
    public override string ToString() => nameof(KeyClaim);
}

public enum KeyState : byte { Yours = 1, OtherBody = 2, Running = 3, Made = 4 }

/// <param name="Ping">Where it was made already.</param>
[GenerateSerializer, Immutable, Alias("exchange.key-verdict.v1")]
public readonly record struct KeyVerdict([property: Id(0)] KeyState State, [property: Id(1)] Guid Ping);

[GenerateSerializer, Immutable, Alias("exchange.key-end.v1")]
public sealed record KeyEnd([property: Id(0)] string Publisher, [property: Id(1)] string Key, [property: Id(2)] Guid? Ping, [property: Id(3)] long UntilMs)
{
    /// <inheritdoc cref="Intake.ConsentInput.ToString"/>
    public override string ToString() => nameof(KeyEnd);
}

/// <summary>One message of one silo: the newest value of each counter that its commits changed, what they did to copies and persons, and what changed besides.</summary>
/// <param name="Events">For those who watch elsewhere.</param>
/// <param name="Watched">Somebody watches at the sender.</param>
/// <remarks>Id 4 is an older version's and stays free.</remarks>
[GenerateSerializer, Immutable, Alias("exchange.silo-news.v1")]
public sealed record SiloNews(
    [property: Id(0)] CounterNews[] Counters, [property: Id(1)] CopyNews[] Copies, [property: Id(2)] PersonNews[] Persons, [property: Id(3)] bool CatalogChanged,
    [property: Id(5)] FeedEvent[] Events, [property: Id(6)] bool Watched);

/// <param name="AtTicks">When its commit was known, by the clock that all silos go by: messages may pass each other.</param>
[GenerateSerializer, Immutable, Alias("exchange.counter-news.v1")]
public readonly record struct CounterNews(
    [property: Id(0)] string Key, [property: Id(1)] string LimitId, [property: Id(2)] long Limit, [property: Id(3)] long Used, [property: Id(4)] long Held,
    [property: Id(5)] long AtTicks)
{
    /// <inheritdoc cref="Intake.ConsentInput.ToString"/>
    public override string ToString() => nameof(CounterNews);
}

[GenerateSerializer, Immutable, Alias("exchange.copy-news.v1")]
public readonly record struct CopyNews([property: Id(0)] string Tier, [property: Id(1)] string Campaign, [property: Id(2)] long AtMs, [property: Id(3)] int Count);

[GenerateSerializer, Immutable, Alias("exchange.person-news.v1")]
public readonly record struct PersonNews([property: Id(0)] string Scope, [property: Id(1)] byte[] Hmac, [property: Id(2)] long AtMs);
