using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using Exchange.Engine.Caps;
using Exchange.Engine.Connectors;
using Exchange.Engine.Deliveries;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Pricing;
using Exchange.Engine.Returns;
using Exchange.Engine.Schedules;
using Exchange.Engine.Values;

namespace Exchange.Engine.Catalog;

/// <summary>One catalog version, compiled. Immutable; a process holds one and reads it with one volatile read.</summary>
public sealed class CatalogModel
{
    public required long Version { get; init; }
    public required string Currency { get; init; }
    public required TimeZoneInfo Zone { get; init; }
    /// <summary>Prices and payouts are whole steps.</summary>
    public required Money PriceStep { get; init; }
    public required FrozenDictionary<string, VerticalModel> Verticals { get; init; }
    public required FrozenDictionary<string, PublisherModel> Publishers { get; init; }
    public required FrozenDictionary<string, BuyerModel> Buyers { get; init; }
    public required CampaignsById Campaigns { get; init; }
    public required FrozenDictionary<string, TreeModel> Trees { get; init; }
    /// <summary>Every gate, cap and balance; a limit's ordinal is its index here.</summary>
    public required IReadOnlyList<LimitModel> Limits { get; init; }
    /// <summary>What <c>plan</c> warns of.</summary>
    public IReadOnlyList<InputError> Warnings { get; init; } = [];

    // Made at the first asking: two threads may make it twice, to the same effect.
    private FrozenSet<string>? watchedFields;

    /// <summary>Names of the fields by which any campaign watches for persons that it or its buyer has already.</summary>
    public FrozenSet<string> WatchedFields => watchedFields ??=
        Campaigns.Values.SelectMany(campaign => campaign.Duplicate?.Keys ?? []).Select(key => key.Name).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Works out now what the first pings would have to work out: before a catalog is swapped in.</summary>
    public void MakeReady()
    {
        _ = WatchedFields;
        foreach (var campaign in Campaigns.Values) _ = (campaign.Units, campaign.PersonScope);
        foreach (var tree in Trees.Values)
        {
            _ = tree.TurnTiers;
            foreach (var tier in tree.Tiers) _ = tier.Plan;
        }
    }
}

/// <summary>
/// <c>Test</c> is for publishers, whose every call is a test, and for campaigns, which only tests reach. For live leads both are as if paused, down to their
/// gates in the database.
/// </summary>
public enum EntryStatus { Active, Paused, Test }

/// <summary>The catalog's words for <see cref="EntryStatus"/>.</summary>
public static class EntryStatuses
{
    public static string Wire(this EntryStatus status) => status switch
    {
        EntryStatus.Active => "active",
        EntryStatus.Paused => "paused",
        _ => "test",
    };
}

/// <summary>What the post must prove. A campaign may ask for more than its vertical, never less.</summary>
public enum ConsentLevel { None, Proof, Named }

public enum PostChanges { Refuse, Ignore }

/// <summary>"The same person again": which fields make a person, and for how long a claim stands.</summary>
public sealed record DuplicateRule(IReadOnlyList<FieldSchema> Keys, bool MatchAll, TimeSpan Window, bool AmongReceived, bool PerPublisher);

public sealed class VerticalModel
{
    public required string Id { get; init; }
    public required FieldSet Fields { get; init; }
    public required TimeSpan PingTtl { get; init; }
    public required TimeSpan PingDeadline { get; init; }
    public required TimeSpan PostDeadline { get; init; }
    public required PostChanges PostChanges { get; init; }
    public required ConsentLevel Consent { get; init; }
    public DuplicateRule? Duplicate { get; init; }
    /// <summary>Normalized phone numbers and e-mail addresses that are never sold.</summary>
    public required FrozenSet<string> Suppressed { get; init; }
    /// <summary>Every active or paused campaign of this vertical, by id.</summary>
    public required IReadOnlyList<CampaignModel> Campaigns { get; init; }
    /// <summary>Which campaigns' filters may hold for given values, without asking each.</summary>
    public required EligibilityIndex Index { get; init; }
    /// <summary>One that names the publisher stands before one for all.</summary>
    public required IReadOnlyList<TreeModel> Trees { get; init; }
}

public sealed record PublisherModel
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required EntryStatus Status { get; init; }
    /// <summary>By vertical id; a vertical that is not here is not allowed (403).</summary>
    public required FrozenDictionary<string, PublisherVertical> Verticals { get; init; }
    /// <summary>Its words for ours.</summary>
    public IntakeModel Intake { get; init; } = IntakeModel.Plain;
    /// <summary>Where it is called when a lead is sold, unsold, returned; null: nowhere.</summary>
    public PostbackModel? Postback { get; init; }
    /// <summary>From where its keys may be used; null: from anywhere.</summary>
    public IpRanges? Ips { get; init; }
    /// <summary>Days of its reports and statements; null = the exchange's.</summary>
    public TimeZoneInfo? Zone { get; init; }
    public required LimitModel Gate { get; init; }
    public required IReadOnlyList<LimitModel> Caps { get; init; }

    /// <summary>Itself alone: a record only so that a copy can be made that stands at another place.</summary>
    public bool Equals(PublisherModel? other) => ReferenceEquals(this, other);
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
    public override string ToString() => Id;
}

/// <summary>A publisher's conditions compiled for one vertical's fields.</summary>
public sealed record PublisherVertical(Condition Filter, PayoutModel Payout);

public sealed record SellerModel(string Name, string? Url, string? Phone);

public sealed record BuyerModel
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required EntryStatus Status { get; init; }
    /// <summary>The owner behind it; its own id where none is given.</summary>
    public required string Company { get; init; }
    public SellerModel? Seller { get; init; }
    public required LimitModel Gate { get; init; }
    public required IReadOnlyList<LimitModel> Caps { get; init; }
    public required LimitModel Balance { get; init; }
    /// <summary>By name; <c>inbox</c> is always there.</summary>
    public required FrozenDictionary<string, EndpointModel> Endpoints { get; init; }
    /// <summary>Null: nothing comes back, unless a campaign says otherwise.</summary>
    public ReturnTerms? Returns { get; init; }
    /// <summary>When somebody is there to take a lead; null: always. Its zone is that of the clock times of waits.</summary>
    public Schedule? Office { get; init; }

    /// <summary>Itself alone: a record only so that a copy can be made that stands at another place.</summary>
    public bool Equals(BuyerModel? other) => ReferenceEquals(this, other);
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
    public override string ToString() => Id;
}

/// <summary>Who speaks to an endpoint: a built-in, or (<see cref="Http"/>) a connector that the catalog describes.</summary>
public enum ConnectorKind { Inbox, Webhook, Native, Http, Email, Sftp, Grpc }

/// <summary>What the price in a post's answer may do: nothing, or lower the price if the promised payout survives.</summary>
public enum PriceAtPost { Ignore, Lower }

/// <summary>How "duplicate" is understood after a doubt: it may be our own earlier attempt, so somebody must be asked; or it is a yes.</summary>
public enum DuplicateAfterDoubt { Ask, Accepted }

/// <summary>How much one endpoint takes. Null: the outbound client's own bounds.</summary>
public sealed record EndpointLimits(int? InFlight = null, int? PerSecond = null, int? PerMinute = null)
{
    public static EndpointLimits None { get; } = new();
}

/// <summary>What <c>with</c> gives a connector: a text, or the name of a secret whose value is read when it is used.</summary>
public readonly record struct WithValue(string? Text, string? SecretName);

/// <summary>Which endpoint: of which buyer, and the live one or where its tests go.</summary>
public readonly record struct EndpointKey(string Buyer, string Endpoint, bool ForTests);

/// <summary>One buyer's address and credentials for a connector. Secrets are names in the secret store, never values.</summary>
public sealed record EndpointModel(string Name, ConnectorKind Connector, Uri? Url, string? SecretName, TimeSpan PostTimeout)
{
    /// <summary>Id of the buyer whose it is; with <see cref="Name"/> it tells endpoints apart.</summary>
    public string Buyer { get; init; } = "";
    /// <summary>The longest a live bid is waited for.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromMilliseconds(800);
    /// <summary>It is waited for as long as it usually takes, at most <see cref="PingTimeout"/>.</summary>
    public bool AdaptivePing { get; init; }
    /// <summary>Of calls; of an inbox, how often its buyer may pull it.</summary>
    public EndpointLimits Limits { get; init; } = EndpointLimits.None;
    /// <summary>The shape of its API; null for built-in connectors.</summary>
    public ConnectorModel? Shape { get; init; }
    public FrozenDictionary<string, WithValue> With { get; init; } = FrozenDictionary<string, WithValue>.Empty;
    /// <summary>Set for email.</summary>
    public EmailModel? Email { get; init; }
    /// <summary>Set for sftp: its copies are collected and sent together.</summary>
    public SftpModel? Sftp { get; init; }
    /// <summary>Where tests go alone: what happens there says nothing of the live one, and takes nothing of its limits.</summary>
    public bool IsForTests { get; init; }
    /// <summary>Where tests go; null: they stay here and reach nobody.</summary>
    public EndpointModel? Test { get; init; }
    /// <summary>False: after a doubt its post is never sent again, only checked or asked about.</summary>
    public bool Repeatable { get; init; } = true;
    public PriceAtPost PriceAtPost { get; init; }
    public DuplicateAfterDoubt DuplicateAfterDoubt { get; init; }

    /// <summary>After a doubt it may be turned to once more: its post sent again, or checked.</summary>
    public bool CanComeAgain => Repeatable || Shape?.Check is not null;

    /// <summary>Tells it apart from every other endpoint, whatever it says otherwise: by this a process remembers things of it.</summary>
    public EndpointKey Key => new(Buyer, Name, IsForTests);

    /// <summary>Whether its buyer is told of a sold copy what was bid for it.</summary>
    public bool ReadsBid => Shape?.ReadsBid ?? Email?.ReadsBid ?? false;

    /// <summary>Whether it can be told that a bid of its buyer lost.</summary>
    public bool CanHearOfLosses => Connector == ConnectorKind.Native || Shape?.Lost is not null;

    /// <summary>Whether it can be asked for a live bid.</summary>
    public bool CanPing => Connector is ConnectorKind.Native or ConnectorKind.Grpc || Shape?.Ping is not null;

    /// <summary>Every secret that a call needs.</summary>
    public IEnumerable<string> SecretNames => With.Values.Select(value => value.SecretName).Append(SecretName).OfType<string>().Distinct(StringComparer.Ordinal);
}

public enum SoldWhen { OnPost, OnAccept }

/// <summary>One place that a copy may go to: if its condition holds (null: always), after its own wait.</summary>
public sealed record Destination(EndpointModel Endpoint, Condition? When, WaitModel? Wait);

/// <summary>
/// How a campaign's copies are handed over: to the first destination whose condition holds (the last has none), or to all that want it.
/// <see cref="RetryFor"/>: how long a delivery is tried before it is a dead letter.
/// </summary>
public sealed record DeliveryModel(SoldWhen Sold, bool SendAll, IReadOnlyList<Destination> To, TimeSpan RetryFor)
{
    /// <summary>Before anything else; null: none.</summary>
    public WaitModel? Wait { get; init; }
    /// <summary>Of its buyer.</summary>
    public required EndpointModel Inbox { get; init; }

    public Destination? Find(string endpoint)
    {
        foreach (var to in To) if (to.Endpoint.Name == endpoint) return to;
        return null;
    }
}

/// <summary>Which publishers a campaign or tree takes.</summary>
public sealed record PublisherSet(bool AllExcept, FrozenSet<string> Ids)
{
    public static PublisherSet All { get; } = new(true, FrozenSet<string>.Empty);
    public bool Has(string publisher) => Ids.Contains(publisher) != AllExcept;
}

public sealed record CampaignModel
{
    /// <summary>Its place among the campaigns of its vertical (bit in the eligibility index).</summary>
    public required int Ordinal { get; init; }
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required BuyerModel Buyer { get; init; }
    public required string Vertical { get; init; }
    public required EntryStatus Status { get; init; }
    public required PublisherSet Publishers { get; init; }
    public required Condition Filter { get; init; }
    public required Condition PostFilter { get; init; }
    public required PriceModel Bid { get; init; }
    public required Sharing Sharing { get; init; }
    public Schedule? Schedule { get; init; }
    /// <summary>Share in rotation; 0 = never asked by turn.</summary>
    public required int Weight { get; init; }
    public required Percent Handicap { get; init; }
    public required ConsentLevel Consent { get; init; }
    public required DeliveryModel Delivery { get; init; }
    /// <summary>Not asked while its buyer or it has this person already.</summary>
    public CampaignDuplicate? Duplicate { get; init; }
    /// <summary>Its buyer may read why it lost and the minimum that would have won.</summary>
    public bool TellLosses { get; init; }
    /// <summary>Its own terms; null: its buyer's.</summary>
    public ReturnTerms? OwnReturns { get; init; }
    /// <summary>On which terms its leads come back; null: never.</summary>
    public ReturnTerms? Returns => OwnReturns ?? Buyer.Returns;
    public required LimitModel Gate { get; init; }
    public required IReadOnlyList<LimitModel> Caps { get; init; }
    /// <summary>Caps of campaign and buyer on offers and pings: counted as they happen, not taken by sales. In the order of reasons.</summary>
    public IReadOnlyList<LimitModel> Counted { get; init; } = [];
    /// <summary>
    /// Gate, buyer's gate, caps of campaign and buyer by hour, day, week, month, total, balance: the order in which reasons are told.
    /// A sale takes the publisher's gate and caps before these.
    /// </summary>
    public required IReadOnlyList<LimitModel> Takes
    {
        get;
        init
        {
            field = value;
            units = null;
        }
    }

    /// <summary>Whose person rows its duplicate rule asks: its buyer's or its own.</summary>
    public string PersonScope => personScope ??= PersonScopes.Of(this);
    private string? personScope;

    // 0: not known yet, 1: none, 2: some.
    private int special;
    internal bool HasSpecialTakes => (special != 0 ? special : special = Takes.Any(limit => !limit.IsPlain) ? 2 : 1) == 2;

    private TakeUnit[]? units;

    /// <summary>The takes that count, made once.</summary>
    internal TakeUnit[] Units => units ??= TakeUnit.Of(Takes);

    /// <summary>Itself alone: a record only so that a copy can be made that stands at another place.</summary>
    public bool Equals(CampaignModel? other) => ReferenceEquals(this, other);
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);
    public override string ToString() => Id;
}

/// <summary>Which person keys a campaign or its buyer may have only once within a window.</summary>
public sealed record CampaignDuplicate(TimeSpan Window, bool OfBuyer, IReadOnlyList<FieldSchema> Keys);

/// <summary>A tree asked by a tier of another tree: the tiers inside sell together no more than these bounds allow.</summary>
public sealed class GroupModel
{
    /// <summary>Id of the tree asked.</summary>
    public required string Tree { get; init; }
    public required EntryStatus Status { get; init; }
    /// <summary>Null: whatever comes to the asking tree.</summary>
    public PublisherSet? Publishers { get; init; }
    public Condition? When { get; init; }
    /// <summary>How many copies may be sold inside: of the tree asked and of the tier that asks, the fewer.</summary>
    public required int Copies { get; init; }
    /// <summary>The asking tier's.</summary>
    public PriceModel? Floor { get; init; }
    /// <summary>The asked tree's.</summary>
    public IReadOnlyList<LimitModel> Caps { get; init; } = [];
}

public sealed class TreeModel
{
    public required string Id { get; init; }
    public required string Vertical { get; init; }
    public required EntryStatus Status { get; init; }
    public required PublisherSet Publishers { get; init; }
    /// <summary>How many buyers may hold one lead in all.</summary>
    public required int Copies { get; init; }
    /// <summary>True: every bid that clears is shown.</summary>
    public required bool OffersAll { get; init; }
    /// <summary>Which pings come here; null: all.</summary>
    public Condition? When { get; init; }
    /// <summary>Its part of the pings that it shares with equal trees.</summary>
    public Percent Traffic { get; init; } = new(Percent.One);
    /// <summary>Only other trees ask it: no ping comes to it by itself.</summary>
    public bool IsGroup { get; init; }
    /// <summary>Caps and money are held already at the ping.</summary>
    public bool Firm { get; init; }
    /// <summary>An expired or lost offer is sold again if somebody pays the promise.</summary>
    public bool Reauction { get; init; }
    /// <summary>A posted lead is held so long before this tree is asked; null: not at all.</summary>
    public WaitModel? Wait { get; init; }
    /// <summary>The tree where an unsold lead is tried next.</summary>
    public string? UnsoldTree { get; init; }
    /// <summary>How long an unsold lead is held before it goes on to <see cref="UnsoldTree"/>; null: not at all.</summary>
    public WaitModel? UnsoldWait { get; init; }
    /// <summary>Open or paused, with its set of caps: every sale through this tree takes it.</summary>
    public required LimitModel Gate { get; init; }
    /// <summary>Over all its sales, also where other trees ask it.</summary>
    public IReadOnlyList<LimitModel> Caps { get; init; } = [];
    /// <summary>As they are walked: the tiers of a tree that a tier asks stand in that tier's place.</summary>
    public required IReadOnlyList<TierModel> Tiers { get; init; }

    private TierModel[]? turnTiers;
    /// <summary>Each rotation of its walk once, in the order in which every walk of every tree enters them.</summary>
    internal TierModel[] TurnTiers => turnTiers ??=
        [.. Tiers.Where(tier => tier.IsByTurn).DistinctBy(tier => tier.RotationKey).OrderBy(tier => tier.RotationKey, StringComparer.Ordinal)];
}

public enum TierMethod { Auction, Priority, Weighted, RoundRobin, Even, Percent }

public enum TierPricing { FirstPrice, SecondPrice }

public sealed class TierModel
{
    /// <summary>Its place in the walk.</summary>
    public required int Index { get; init; }
    public required string Name { get; init; }
    /// <summary>Trees asked on the way to this tier, outermost first; empty for the tree's own tiers.</summary>
    public IReadOnlyList<GroupModel> Groups { get; init; } = [];
    /// <summary>Second price: so much more than what just beats the best losing bid.</summary>
    public Money Increment { get; init; }
    /// <summary>Even and percent: how far they look back.</summary>
    public TimeSpan Over { get; init; } = TimeSpan.FromHours(24);
    public required TierMethod Method { get; init; }
    public required TierPricing Pricing { get; init; }
    public PriceModel? Floor { get; init; }
    public TimeSpan? Deadline { get; init; }
    public required int Copies { get; init; }
    /// <summary>In the catalog's order; for <c>all</c> those that no earlier tier asked, by id.</summary>
    public required IReadOnlyList<CampaignModel> Campaigns { get; init; }
    /// <summary>Parallel to <see cref="Campaigns"/>.</summary>
    public required IReadOnlyList<int> Weights { get; init; }
    /// <summary>
    /// Stable name of its rotation, by which the sales of even and percent tiers are counted too: tree/tier where it is written, the same wherever
    /// that tree is asked. A group has one rotation, whichever trees ask it.
    /// </summary>
    public required string RotationKey { get; init; }

    /// <summary>Whether its campaigns have turns, which an offer takes.</summary>
    public bool IsByTurn => Method is TierMethod.Weighted or TierMethod.RoundRobin;
    /// <summary>Whether the order is by what was sold lately.</summary>
    public bool IsByShare => Method is TierMethod.Even or TierMethod.Percent;

    // Made at the first walk: two threads may make it twice, to the same effect.
    private TierPlan? plan;
    internal TierPlan Plan => plan ??= TierPlan.Of(this);
}
