using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Intake;

namespace Exchange.Grains.Leads;

/// <summary>The world as one lead's steps see it: the catalog and live state of each moment, and the lead as that catalog reads it.</summary>
/// <param name="values">By ordinal of the vertical's fields at the ping.</param>
/// <param name="at">When it came: what conditions on its fields are asked about. Those of a later step are asked about the moment of that step.</param>
public sealed class SaleWorld(LeadServices services, PingRecord record, CatalogModel atPing, FieldValue[] values, LeadPayload payload, DateTimeOffset at)
{
    private Subject? newest;
    private CatalogModel? newestModel;

    /// <summary>What live bidders said: at the ping, or when the lead's auction came.</summary>
    public LiveBid[] LiveBids { get; set; } = record.LiveBids;

    public CatalogModel AtPing => atPing;
    public FieldValue[] Values => values;
    /// <summary>As the catalog of the ping reads it.</summary>
    public Subject Subject { get; } = SubjectOf(record, values, at);

    public SaleContext Context(DateTimeOffset now)
    {
        var current = services.Catalog.Current;
        return new()
        {
            Current = current, NowMs = now.ToUnixTimeMilliseconds(), Subject = SubjectIn(current), NamedSellers = payload.Consent?.Sellers ?? [],
            HasProof = PostRules.IsProof(payload.Consent), StandingLeft = StandingLeft(), Walk = wish => Walk(current, wish, now),
        };
    }

    /// <summary>Conditions of another catalog version read the fields by its places.</summary>
    private Subject SubjectIn(CatalogModel model)
    {
        if (model.Version == atPing.Version || !model.Verticals.TryGetValue(record.Vertical, out var vertical)) return Subject;
        if (!ReferenceEquals(newestModel, model))
        {
            newest = SubjectOf(record, PostRules.ValuesOf(vertical, payload, services.Parsers, PostRules.Today(at, model.Zone)), at);
            newestModel = model;
        }
        return newest!;
    }

    private Walked? Walk(CatalogModel model, WalkWish wish, DateTimeOffset now) =>
        InputOf(model, wish, now) is { } ping ? new(model, SubjectIn(model).At(now), PingWalk.Run(model, ping, services.Live, services.Rotations)) : null;

    /// <summary>A later walk of this lead as a walk reads it; null: the catalog of this moment does not have the tree or the vertical.</summary>
    public PingInput? InputOf(CatalogModel model, WalkWish wish, DateTimeOffset now)
    {
        if (!model.Verticals.ContainsKey(record.Vertical) || !model.Trees.ContainsKey(wish.Tree)) return null;
        if (!model.Publishers.TryGetValue(record.Publisher, out var publisher) || !publisher.Verticals.ContainsKey(record.Vertical)) return null;
        return new()
        {
            Publisher = record.Publisher, Vertical = record.Vertical, SubId = record.SubId, Channel = record.Channel, Values = SubjectIn(model).Values, Now = now,
            Seed = wish.Seed, MinPayout = wish.MinPayout, MaxCopies = wish.MaxCopies, SoldElsewhereCopies = record.SoldElsewhereCopies,
            SoldElsewhereSellers = record.SoldElsewhereSellers, LiveBids = LiveBidsIn(model, now), Test = record.Id.IsTest, Tree = wish.Tree, Without = wish.Without, NamedSellers = payload.Consent?.Sellers ?? [],
        };
    }

    /// <summary>Live bidders are not asked again for each walk; what they said counts as long as it stands and may be spent.</summary>
    private LiveBid[] LiveBidsIn(CatalogModel model, DateTimeOffset now)
    {
        if (LiveBids.Length == 0) return [];
        var nowMs = now.ToUnixTimeMilliseconds();
        var left = StandingLeft();
        return [.. LiveBids.Where(bid => !bid.IsOver(nowMs) && MaySpend(bid) && model.Campaigns.ContainsKey(bid.Of.Id)).Select(bid => bid with { Of = model.Campaigns[bid.Of.Id] })];

        bool MaySpend(LiveBid bid) => bid is { StandingSince: 0 } or { Price: null } || record.Id.IsTest || left.TryGetValue(bid.Of.Id, out var most) && bid.Price <= most;
    }

    private IReadOnlyDictionary<string, Money> StandingLeft() => services.Standing.Left(LiveBids, record.Id);

    private static Subject SubjectOf(PingRecord record, FieldValue[] values, DateTimeOffset at) => new()
    {
        Vertical = record.Vertical, Publisher = record.Publisher, SubId = record.SubId, Channel = record.Channel, Values = values, Now = at,
    };
}
