using System.Collections.Frozen;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Schedules;
using Exchange.Engine.Tests.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Engine.Tests.PingTrees;

/// <summary>A campaign of a test's market. Its buyer bears its id; buyers of one company are told by <see cref="Company"/>.</summary>
internal sealed record Wants(string Id, string? Bid)
{
    public Sharing Sharing { get; init; } = Sharing.Exclusive;
    /// <summary>What an <c>either</c> bids for a shared copy.</summary>
    public string? SharedBid { get; init; }
    public string? Company { get; init; }
    public int Weight { get; init; } = 1;
    public string Handicap { get; init; } = "0%";
    /// <summary>Charged its own bid under second price too.</summary>
    public bool PaysBid { get; init; }
    /// <summary>The bid's maximum, above which it declines.</summary>
    public string? DeclinesAbove { get; init; }
    /// <summary>Instead of the bids: a price as the catalog can write it.</summary>
    public PriceModel? Price { get; init; }
    public string? State { get; init; }
    public bool Paused { get; init; }
    public bool BuyerPaused { get; init; }
    /// <summary>The buyer's answer makes the sale.</summary>
    public bool OnAccept { get; init; }
    public PublisherSet Publishers { get; init; } = PublisherSet.All;
    public long? DayLeads { get; init; }
    public string? DaySpend { get; init; }
    public string? Balance { get; init; }
    public string? Seller { get; init; }
    public ConsentLevel Consent { get; init; }
    public Schedule? Schedule { get; init; }
    /// <summary>Where several campaigns have one buyer; limits of the buyer are then those of the first.</summary>
    public string? Buyer { get; init; }
    /// <summary><c>buyer</c> or <c>campaign</c>: who may have a person (by phone) only once in 30 days.</summary>
    public string? DuplicateOf { get; init; }
    /// <summary>A day's leads of one state only.</summary>
    public (string State, long Leads)? StateLeads { get; init; }
    /// <summary>A day's leads of each state.</summary>
    public long? EachStateLeads { get; init; }
}

internal sealed record Tier(TierMethod Method, params string[] Campaigns)
{
    public TierPricing Pricing { get; init; }
    public string? Floor { get; init; }
    public string? ExclusiveFloor { get; init; }
    public string Increment { get; init; } = "0.00";
    public int Copies { get; init; } = 1;
    /// <summary>The tree asked whose tier this is; tiers of one group stand in one tree.</summary>
    public Group? Group { get; init; }
}

/// <summary>A tree that a tier asks.</summary>
internal sealed record Group(string Tree)
{
    public int Copies { get; init; } = 20;
    public string? Floor { get; init; }
    public bool Paused { get; init; }
    public string? State { get; init; }
}

/// <summary>A small catalog of one vertical <c>v</c> with a choice <c>state</c>, one publisher <c>p</c> and one tree.</summary>
internal sealed class Market : ILiveView
{
    private static readonly EndpointModel Crm = new("crm", ConnectorKind.Native, null, null, TimeSpan.FromSeconds(10));
    private static readonly EndpointModel Inbox = new("inbox", ConnectorKind.Inbox, null, null, TimeSpan.FromSeconds(10));

    public required Wants[] Campaigns { get; init; }
    public required Tier[] Tiers { get; init; }
    public PayoutModel Payout { get; init; } = PayoutModel.Share(new(800_000));
    public Condition PublisherFilter { get; init; } = Condition.Always;
    public long PublisherLeads { get; init; } = long.MaxValue;
    public string? PublisherSpend { get; init; }
    public int? Copies { get; init; }
    public bool OffersAll { get; init; }
    public string Step { get; init; } = "0.01";
    public bool Reauction { get; init; }
    /// <summary>A second tree, <c>rest</c>, for what the first leaves unsold.</summary>
    public Tier[]? UnsoldTiers { get; init; }
    /// <summary>A day's leads of the first tree.</summary>
    public long? TreeLeads { get; init; }
    /// <summary>Used so far, by limit id; what is not here is untouched.</summary>
    public Dictionary<string, long> Used { get; } = [];
    /// <summary>Sold within the look-back, by tier key and campaign.</summary>
    public Dictionary<(string Tier, string Campaign), long> Sold { get; } = [];
    public long SoldBy(TierModel tier, CampaignModel campaign, long nowMs) => Sold.GetValueOrDefault((tier.RotationKey, campaign.Id));
    public TierRotations Rotations { get; } = new();
    public static DateTimeOffset Now { get; } = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    private CatalogModel? model;
    public CatalogModel Model => model ??= Build();

    public LimitReading Read(LimitModel limit, long unixSeconds, string? value = null) => new(limit.Limit, Used.GetValueOrDefault(limit.Id), 0);

    public static PingInput Ping(string state = "CA") => new()
    {
        Publisher = "p", Vertical = "v", Values = [new(state, 0)], Now = Now, Seed = 7,
    };

    public PingOutcome Run(PingInput? ping = null) => PingWalk.Run(Model, ping ?? Ping(), this, Rotations);

    public static PingRecord Record(PingInput ping, PingOutcome outcome) => new()
    {
        Id = LeadId.Create(ping.Now.ToUnixTimeMilliseconds(), 1, ping.Test, 5), AtMs = ping.Now.ToUnixTimeMilliseconds(), Publisher = ping.Publisher,
        Vertical = ping.Vertical, Tree = outcome.Tree, SubId = ping.SubId, Channel = ping.Channel, CatalogVersion = 3, Seed = ping.Seed,
        MinPayout = ping.MinPayout, MaxCopies = ping.MaxCopies, SoldElsewhereCopies = ping.SoldElsewhereCopies,
        SoldElsewhereSellers = ping.SoldElsewhereSellers, Values = ping.Values, Bids = outcome.Bids, Offers = outcome.Offers, Notes = outcome.Notes,
        Turns = outcome.Turns, Shares = outcome.Shares, Persons = ping.Persons, ExpiresAtMs = ping.Now.ToUnixTimeMilliseconds() + 300_000, Outcome = outcome.Outcome,
    };

    public static string Tell(PingOutcome outcome) => outcome.Outcome != Reason.None
        ? outcome.Outcome.Wire()
        : string.Join(", ", outcome.Offers.Select(offer => $"{outcome.Bids[offer.BidIndex].Campaign} {offer.Price}{(offer.Best ? "" : " (also)")}"));

    private CatalogModel Build()
    {
        var fields = new FieldSet([new FieldSchema { Name = "state", Type = FieldType.Text, Ordinal = 0, Ping = FieldUse.Required }]);
        var context = new ConditionContext
        {
            Fields = fields, Place = ConditionPlace.Filter, Zone = TimeZoneInfo.Utc, Parsers = new((_, _) => null, _ => null), List = _ => null,
        };
        var limits = new List<LimitModel>();
        var buyers = new Dictionary<string, BuyerModel>();
        var campaigns = Campaigns.Select((wants, ordinal) => BuildCampaign(wants, ordinal, context, limits, buyers)).ToArray();
        var byId = campaigns.ToFrozenDictionary(campaign => campaign.Id);
        var publisher = new PublisherModel
        {
            Id = "p", Name = "p", Status = EntryStatus.Active,
            Verticals = new Dictionary<string, PublisherVertical> { ["v"] = new(PublisherFilter, Payout) }.ToFrozenDictionary(),
            Gate = Limit(limits, LimitKind.Gate, "open:publisher:p:0", Reason.PublisherPaused, CapScope.Publisher, "p", 0),
            Caps =
            [
                Limit(limits, LimitKind.Cap, "p:p:leads:day", Reason.PublisherCap, CapScope.Publisher, "p", PublisherLeads),
                Limit(limits, LimitKind.Cap, "p:p:spend:day", Reason.PublisherCap, CapScope.Publisher, "p",
                    PublisherSpend is null ? long.MaxValue : Money.Parse(PublisherSpend).Micros, CapMetric.Spend),
            ],
        };
        var groups = Tiers.Select(tier => tier.Group).OfType<Group>().Distinct().ToDictionary(group => group, group => new GroupModel
        {
            Tree = group.Tree, Status = group.Paused ? EntryStatus.Paused : EntryStatus.Active, Copies = group.Copies,
            Floor = group.Floor is null ? null : PriceModel.Fixed(Money.Parse(group.Floor)),
            When = group.State is null ? null : ConditionCompiler.Compile(StateIs(group.State), context, new ConfigErrors()),
        });
        var tree = BuildTree("main", Tiers, groups, byId, limits, UnsoldTiers is null ? null : "rest",
            TreeLeads is { } treeLeads ? [Limit(limits, LimitKind.Cap, "t:main:leads:day", Reason.CapDay, CapScope.Tree, "main", treeLeads)] : []);
        // What a group asks stands in the tiers; its own tree has but a gate.
        TreeModel[] asked = [.. groups.Keys.DistinctBy(group => group.Tree).Select(group => BuildTree(group.Tree, [], groups, byId, limits, null, []))];
        TreeModel[] trees = UnsoldTiers is null ? [tree, .. asked] : [tree, BuildTree("rest", UnsoldTiers, groups, byId, limits, null, []), .. asked];
        var vertical = new VerticalModel
        {
            Id = "v", Fields = fields, PingTtl = TimeSpan.FromMinutes(5), PingDeadline = TimeSpan.FromSeconds(3), PostDeadline = TimeSpan.FromSeconds(20),
            PostChanges = PostChanges.Refuse, Consent = ConsentLevel.None, Suppressed = FrozenSet<string>.Empty, Campaigns = campaigns,
            Index = EligibilityIndex.Build([.. campaigns.Select(IndexedFilter.Of)]), Trees = trees,
        };
        return new CatalogModel
        {
            Version = 3, Currency = "USD", Zone = TimeZoneInfo.Utc, PriceStep = Money.Parse(Step),
            Verticals = new Dictionary<string, VerticalModel> { ["v"] = vertical }.ToFrozenDictionary(),
            Publishers = new Dictionary<string, PublisherModel> { ["p"] = publisher }.ToFrozenDictionary(),
            Buyers = buyers.ToFrozenDictionary(), Campaigns = CampaignsById.Of([.. byId.Values.OrderBy(each => each.Id, StringComparer.Ordinal)]), Trees = trees.ToFrozenDictionary(each => each.Id), Limits = limits,
        };
    }

    private TreeModel BuildTree(string id, Tier[] tiers, Dictionary<Group, GroupModel> groups, IReadOnlyDictionary<string, CampaignModel> byId, List<LimitModel> limits, string? unsold, LimitModel[] caps) => new()
    {
        Id = id, Vertical = "v", Status = EntryStatus.Active, Publishers = PublisherSet.All, IsGroup = id != "main", Copies = Copies ?? tiers.Max(tier => (int?)tier.Copies) ?? 1,
        OffersAll = OffersAll, Reauction = Reauction, UnsoldTree = unsold, Caps = caps,
        Gate = Limit(limits, LimitKind.Gate, $"open:tree:{id}:0", Reason.NoTree, CapScope.Tree, id, 0),
        Tiers = [.. tiers.Select((tier, index) => new TierModel
        {
            Groups = tier.Group is null ? [] : [groups[tier.Group]],
            Index = index, Name = $"t{index}", Method = tier.Method, Pricing = tier.Pricing, Copies = tier.Copies, RotationKey = $"{id}/t{index}", Floor = FloorOf(tier), Increment = Money.Parse(tier.Increment),
            Campaigns = [.. tier.Campaigns.Select(campaign => byId[campaign])], Weights = [.. tier.Campaigns.Select(campaign => byId[campaign].Weight)],
        })],
    };

    private static PriceModel? FloorOf(Tier tier) => tier.ExclusiveFloor is { } exclusive
        ? new([new(When.Exclusive, Money.Parse(exclusive))], tier.Floor is null ? null : Money.Parse(tier.Floor))
        : tier.Floor is null ? null : PriceModel.Fixed(Money.Parse(tier.Floor));

    private static CampaignModel BuildCampaign(Wants wants, int ordinal, ConditionContext context, List<LimitModel> limits, Dictionary<string, BuyerModel> buyers)
    {
        var errors = new ConfigErrors();
        var filter = wants.State is null ? null : StateIs(wants.State);
        var gate = Limit(limits, LimitKind.Gate, $"open:{wants.Id}:0", Reason.CampaignPaused, CapScope.Campaign, wants.Id, 0);
        if (!buyers.TryGetValue(wants.Buyer ?? wants.Id, out var buyer)) buyers[wants.Buyer ?? wants.Id] = buyer = BuildBuyer(wants, wants.Buyer ?? wants.Id, limits);
        var caps = new List<LimitModel>();
        if (wants.DayLeads is { } leads) caps.Add(Limit(limits, LimitKind.Cap, $"c:{wants.Id}:leads:day", Reason.CapDay, CapScope.Campaign, wants.Id, leads));
        if (wants.DaySpend is { } spend)
            caps.Add(Limit(limits, LimitKind.Cap, $"c:{wants.Id}:spend:day", Reason.CapDay, CapScope.Campaign, wants.Id, Money.Parse(spend).Micros, CapMetric.Spend));
        if (wants.StateLeads is { } inState)
            caps.Add(Limit(limits, LimitKind.Cap, $"c:{wants.Id}:leads:day:when:{inState.State}", Reason.CapDay, CapScope.Campaign, wants.Id, inState.Leads,
                when: ConditionCompiler.Compile(StateIs(inState.State), context, errors)));
        if (wants.EachStateLeads is { } each)
            caps.Add(Limit(limits, LimitKind.Cap, $"c:{wants.Id}:leads:day:by:state", Reason.CapDay, CapScope.Campaign, wants.Id, each, each: new("state", new Dictionary<string, int> { ["v"] = 0 })));
        var rules = wants.SharedBid is not null && wants.Bid is not null ? new PriceRule[] { new(When.Exclusive, Money.Parse(wants.Bid)) } : [];
        var otherwise = wants.SharedBid ?? wants.Bid;
        var bid = wants.Price ?? new PriceModel(rules, otherwise is null ? null : Money.Parse(otherwise))
        {
            PaysBid = wants.PaysBid, Max = wants.DeclinesAbove is null ? null : Money.Parse(wants.DeclinesAbove), OverMax = OverMax.Decline,
        };
        var campaign = new CampaignModel
        {
            Ordinal = ordinal, Id = wants.Id, Name = wants.Id, Buyer = buyer, Vertical = "v",
            Status = wants.Paused ? EntryStatus.Paused : EntryStatus.Active, Publishers = wants.Publishers,
            Filter = ConditionCompiler.Compile(filter, context, errors), PostFilter = Condition.Always, Bid = bid, Sharing = wants.Sharing,
            Schedule = wants.Schedule, Weight = wants.Weight,
            Handicap = Percent.TryParse(wants.Handicap, out var handicap) ? handicap : throw new FormatException(wants.Handicap),
            Consent = wants.Consent, Delivery = wants.OnAccept
                ? new(SoldWhen.OnAccept, false, [new(Crm, null, null)], TimeSpan.FromHours(24)) { Inbox = Inbox }
                : new(SoldWhen.OnPost, false, [new(Inbox, null, null)], TimeSpan.FromHours(24)) { Inbox = Inbox }, Gate = gate, Caps = caps,
            Duplicate = wants.DuplicateOf is null ? null : new(TimeSpan.FromDays(30), wants.DuplicateOf == "buyer", [Phone]),
            Takes = [gate, buyer.Gate, .. caps, buyer.Balance],
        };
        return errors.Any ? throw new InvalidOperationException(errors.Errors[0].Message) : campaign;
    }

    /// <summary>Comes with the post only.</summary>
    private static FieldSchema Phone { get; } = new() { Name = "phone", Type = FieldType.Phone, Ordinal = 1, Post = FieldUse.Required, Pii = true };

    private static ConfigMap StateIs(string state) => new("", 0, [new("field", new ConfigText("", 0, "state")), new("is", new ConfigText("", 0, state))]);

    private static BuyerModel BuildBuyer(Wants wants, string id, List<LimitModel> limits) => new()
    {
        Id = id, Name = id, Status = wants.BuyerPaused ? EntryStatus.Paused : EntryStatus.Active, Company = wants.Company ?? id,
        Seller = wants.Seller is null ? null : new(wants.Seller, null, null),
        Gate = Limit(limits, LimitKind.Gate, $"open:buyer:{id}:0", Reason.BuyerPaused, CapScope.Buyer, id, 0), Caps = [],
        Balance = Limit(limits, LimitKind.Balance, $"bal:{id}", Reason.Balance, CapScope.Buyer, id, wants.Balance is null ? long.MaxValue : Money.Parse(wants.Balance).Micros),
        Endpoints = FrozenDictionary<string, EndpointModel>.Empty,
    };

    private static LimitModel Limit(
        List<LimitModel> limits, LimitKind kind, string id, Reason reason, CapScope scope, string owner, long limit, CapMetric metric = CapMetric.Leads,
        Condition? when = null, CapDimension? each = null)
    {
        var made = new LimitModel
        {
            Ordinal = limits.Count, Kind = kind, Id = id, Reason = reason, Scope = scope, Owner = owner, Limit = limit, Metric = metric,
            Period = kind == LimitKind.Cap ? CapPeriods.Find("day") : null, Zone = TimeZoneInfo.Utc,
            When = when is null ? null : new Dictionary<string, Condition> { ["v"] = when }, Each = each,
        };
        limits.Add(made);
        return made;
    }
}
