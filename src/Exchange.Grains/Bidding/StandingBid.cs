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
    // What is on offer, and what is held for a lead, counts as spent until its time is over.
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
    public bool IsWithdrawn => price is null;

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

    /// <summary>What may still be spent on this lead or ping; what is counted for it already is left out.</summary>
    public Money Left(LeadId lead, long nowMs)
    {
        if (limit == Money.Zero) return Money.MaxValue;
        lock (gate) return LeftNow(lead, nowMs);
    }

    public void Offered(LeadId ping, Money bid, long untilMs)
    {
        if (limit == Money.Zero) return;
        lock (gate) Count(ping, bid, untilMs);
    }

    /// <summary>Counts what is to be held for a lead, in place of what was counted for it. False: it has no room, and nothing changed.</summary>
    /// <param name="isWeighed">False: it counts whether there is room or not.</param>
    /// <param name="isNew">Nothing was counted for this lead here.</param>
    public bool TryHold(LeadId lead, Money price, bool isWeighed, long untilMs, long nowMs, out bool isNew)
    {
        isNew = false;
        if (limit == Money.Zero) return true;
        lock (gate)
        {
            if (isWeighed && price > LeftNow(lead, nowMs)) return false;
            isNew = !Count(lead, price, untilMs);
            return true;
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
    private Money LeftNow(LeadId lead, long nowMs)
    {
        Sweep(nowMs);
        var left = limit - spent - onOffer;
        if (offered.TryGetValue(lead, out var own)) left += own.Price;
        foreach (var other in elsewhere.Values) left -= new Money(other.SpentMicros + (other.OnOfferUntilMs >= nowMs ? other.OnOfferMicros : 0));
        return left;
    }

    /// <summary>Whether something was counted for this lead before. The gate is held.</summary>
    private bool Count(LeadId lead, Money price, long untilMs)
    {
        var was = Forget(lead);
        offered[lead] = (price, untilMs);
        onOffer += price;
        return was;
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
