using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Grains.Bidding;

/// <summary>
/// What stands for one campaign, wherever it was set, and what was spent under it: each silo counts what it offered and sold itself and tells its sums, and
/// everybody adds them up. For many threads.
/// </summary>
internal sealed class StandingBid(StandingNews told, ConfigNode? price, ushort owner, ushort self)
{
    private readonly Lock gate = new();
    // What is on offer counts as spent until its time is over.
    private readonly Dictionary<LeadId, (Money Price, long UntilMs)> offered = [];
    private readonly Dictionary<ushort, SpendNews> elsewhere = [];
    private readonly Money limit = new(told.LimitMicros);
    private (CatalogModel Model, PriceModel? Price)? compiled;
    private Money spent;
    private Money onOffer;
    private SpendNews mine = new(told.Campaign, owner, told.SetAtTicks, self, 0, 0, 0, 0);

    /// <summary>As it is told to other silos.</summary>
    public StandingNews Told => told;
    public ushort Owner => owner;
    public long UntilMs => told.UntilMs;

    /// <summary>Null: it was withdrawn, or the catalog changed so that it is no price any more.</summary>
    public PriceModel? PriceIn(CatalogModel model, CampaignModel campaign, FieldParsers parsers)
    {
        if (price is null) return null;
        lock (gate)
        {
            // Fields may have other places in another catalog version.
            if (compiled is not { } known || !ReferenceEquals(known.Model, model)) compiled = known = (model, StandingPrice.Compile(price, model, campaign, parsers, new ConfigErrors()));
            return known.Price;
        }
    }

    public bool Affords(Money bid, long nowMs)
    {
        if (limit == Money.Zero) return true;
        lock (gate)
        {
            Sweep(nowMs);
            var sum = spent + onOffer + bid;
            foreach (var other in elsewhere.Values) sum += new Money(other.SpentMicros + (other.OnOfferUntilMs >= nowMs ? other.OnOfferMicros : 0));
            return sum <= limit;
        }
    }

    public void Offered(LeadId ping, Money bid, long untilMs)
    {
        if (limit == Money.Zero) return;
        lock (gate)
        {
            Forget(ping);
            offered[ping] = (bid, untilMs);
            onOffer += bid;
        }
    }

    /// <summary>False: it was not offered by this silo, whose own sums tell of it.</summary>
    /// <param name="paid">Null: it was not sold, or another silo counts it.</param>
    public bool Ended(LeadId lead, Money? paid)
    {
        if (limit == Money.Zero) return true;
        lock (gate)
        {
            if (paid is { } more) spent += more;
            return Forget(lead);
        }
    }

    public void Hear(in SpendNews news)
    {
        if (news.Owner != owner || news.SetAtTicks != told.SetAtTicks || news.Silo == self) return;
        lock (gate) if (!elsewhere.TryGetValue(news.Silo, out var known) || known.Version < news.Version) elsewhere[news.Silo] = news;
    }

    /// <summary>Adds this silo's sums where they changed since they were told; to <paramref name="all"/> of what is known, whoever spent it.</summary>
    public void TakeSpent(bool all, long nowMs, List<SpendNews> to)
    {
        if (limit == Money.Zero) return;
        lock (gate)
        {
            Sweep(nowMs);
            var changed = mine.SpentMicros != spent.Micros || mine.OnOfferMicros != onOffer.Micros;
            if (changed)
            {
                var until = offered.Count == 0 ? 0 : offered.Values.Max(offer => offer.UntilMs);
                mine = mine with { Version = mine.Version + 1, SpentMicros = spent.Micros, OnOfferMicros = onOffer.Micros, OnOfferUntilMs = until };
            }
            if (changed || all && mine.Version > 0) to.Add(mine);
            if (all) to.AddRange(elsewhere.Values);
        }
    }

    /// <summary>The gate is held.</summary>
    private void Sweep(long nowMs)
    {
        foreach (var (id, offer) in offered) if (offer.UntilMs < nowMs) Forget(id);
    }

    private bool Forget(LeadId id)
    {
        if (!offered.Remove(id, out var offer)) return false;
        onOffer -= offer.Price;
        return true;
    }
}
