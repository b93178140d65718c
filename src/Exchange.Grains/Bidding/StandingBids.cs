using System.Collections.Concurrent;
using System.Text;
using Exchange.Delivery.Bidders;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;
using Exchange.Grains.Cluster;

namespace Exchange.Grains.Bidding;

/// <summary>
/// Standing bids of connected buyers: prices by rule for their live campaigns, answered without a call. Memory of the silo that took them, and told to all;
/// they end with the last stream of their endpoint there, or with that silo. One spend limit for all silos, exact but for what they offer within the moment that
/// their news takes. The campaign's caps and its buyer's balance bind in any case.
/// </summary>
public sealed class StandingBids(FieldParsers parsers, ISilos silos, TimeProvider time)
{
    /// <summary>Of a price as sent.</summary>
    private const int MostChars = 20_000;
    /// <summary>More than are settled between two messages. What is beyond counts as on offer until its time is over.</summary>
    private const int MostEnded = 10_000;

    // Changes are made under the gate, looks are not.
    private readonly Lock gate = new();
    private readonly ConcurrentDictionary<string, StandingBid> standing = new(StringComparer.Ordinal);
    private readonly List<EndedOffer> ended = [];
    private long version;

    /// <summary>Another number when what was set here has changed.</summary>
    public long Version => Interlocked.Read(ref version);

    /// <summary>Sets or replaces, wherever it was set before; errors (paths within <c>price_json</c>) leave what stood.</summary>
    public IReadOnlyList<InputError> Set(CatalogModel model, string buyer, string endpoint, string campaign, string priceJson, Money limit, DateTimeOffset? until)
    {
        var errors = new ConfigErrors();
        if (Owned(model, buyer, endpoint, campaign, errors) is not { } owned) return errors.Errors;
        ConfigNode? written = null;
        if (priceJson.Length > MostChars) errors.Add("price_json", ConfigCodes.OutOfRange, "A standing bid's price is at most 20,000 characters.");
        else if ((written = ConfigJson.Parse(Encoding.UTF8.GetBytes(priceJson), errors)) is not null && !errors.Any) StandingPrice.Compile(written, model, owned, parsers, errors);
        if (limit < Money.Zero) errors.Add("spend_limit_micros", ConfigCodes.OutOfRange, "A spend limit is not negative.");
        if (until <= time.GetUtcNow()) errors.Add("until", ConfigCodes.OutOfRange, "This moment is over.");
        if (errors.Any || written is null) return errors.Errors;
        Put(new(campaign, buyer, endpoint, priceJson, limit.Micros, until?.ToUnixTimeMilliseconds() ?? long.MaxValue, 0), written);
        return [];
    }

    public IReadOnlyList<InputError> Withdraw(CatalogModel model, string buyer, string endpoint, string campaign)
    {
        var errors = new ConfigErrors();
        if (Owned(model, buyer, endpoint, campaign, errors) is null) return errors.Errors;
        // One that was set elsewhere ends there when that silo hears of something newer.
        if (standing.ContainsKey(campaign)) Put(new(campaign, buyer, endpoint, null, 0, long.MaxValue, 0), null);
        return [];
    }

    /// <summary>A stream of this endpoint has closed: if it was the last one here, what was set here ends.</summary>
    public void End(string buyer, string endpoint, BidderLine line)
    {
        // Under the gate: whoever set something before it had a stream by then, and one that opens now keeps what stands.
        lock (gate)
        {
            if (line.IsOpen) return;
            foreach (var (campaign, bid) in standing)
                if (bid.Owner == silos.Self.Number && bid.Told.Buyer == buyer && bid.Told.Endpoint == endpoint) standing.TryRemove(campaign, out _);
            version++;
        }
    }

    /// <summary>What stands for a campaign and this ping, for each sharing; null: nothing stands, its bidder is asked.</summary>
    public LiveBid[]? Find(CatalogModel model, CampaignModel campaign, PingInput ping, Sharing[] sharings)
    {
        if (standing.IsEmpty || !standing.TryGetValue(campaign.Id, out var found)) return null;
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (found.UntilMs <= nowMs || !silos.IsAlive(found.Owner))
        {
            standing.TryRemove(new(campaign.Id, found));
            return null;
        }
        if (found.PriceIn(model, campaign, parsers) is not { } price) return null;
        var subject = ping.ToSubject();
        var bids = new LiveBid[sharings.Length];
        for (var i = 0; i < bids.Length; i++)
        {
            subject.Sharing = sharings[i];
            var quote = price.Quote(subject);
            var reason = quote.Price is { } bid && !found.Affords(bid, nowMs) ? Reason.NoBid : quote.Reason;
            bids[i] = new(campaign, sharings[i], reason)
            {
                StandingSince = found.Told.SetAtTicks, Price = reason == Reason.None ? quote.Price : null, UntilMs = found.UntilMs == long.MaxValue ? 0 : found.UntilMs,
                Said = reason == Reason.NoBid && quote.Price is not null ? "its standing bid has spent its limit" : null,
            };
        }
        return bids;
    }

    /// <summary>Offers were made. What was asked for a moment before it stood is none of its own.</summary>
    public void Offered(PingRecord record)
    {
        foreach (var offer in record.Offers)
        {
            var bid = record.Bids[offer.BidIndex];
            if (offer.Best && bid.Live is { } live && standing.TryGetValue(bid.Campaign, out var found) && live.StandingSince == found.Told.SetAtTicks) found.Offered(record.Id, offer.Price, record.ExpiresAtMs);
        }
    }

    /// <summary>A lead is settled here, sold or not, whoever made its offer.</summary>
    public void Sold(LeadSale sale)
    {
        if (standing.IsEmpty || sale.Test) return;
        foreach (var slot in sale.Slots)
        {
            var bid = sale.BidAt(slot.BidIndex);
            if (bid.Live is null || !standing.TryGetValue(bid.Campaign, out var found)) continue;
            if (found.Ended(sale.Id, slot.State == SlotState.Captured ? slot.Price : null)) continue;
            lock (gate) if (ended.Count < MostEnded) ended.Add(new(bid.Campaign, sale.Id.ToGuid()));
        }
    }

    /// <summary>What was set here and holds.</summary>
    internal StandingNews[] SetHere() => [.. standing.Values.Where(bid => bid.Owner == silos.Self.Number).Select(bid => bid.Told)];

    /// <summary>Sums of this silo that have changed since they were told; with <paramref name="all"/> everything that is known.</summary>
    internal SpendNews[] TakeSpent(bool all)
    {
        if (standing.IsEmpty) return [];
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var spent = new List<SpendNews>();
        foreach (var bid in standing.Values) bid.TakeSpent(all, nowMs, spent);
        return [.. spent];
    }

    /// <summary>Offers of other silos that were settled here since the last time.</summary>
    internal EndedOffer[] TakeEnded()
    {
        lock (gate)
        {
            if (ended.Count == 0) return [];
            EndedOffer[] taken = [.. ended];
            ended.Clear();
            return taken;
        }
    }

    /// <summary>Another silo tells all that was set there and holds.</summary>
    internal void Hear(ushort silo, StandingNews[] told)
    {
        lock (gate)
        {
            foreach (var news in told)
            {
                if (standing.TryGetValue(news.Campaign, out var known))
                {
                    if ((known.Told.SetAtTicks, known.Owner).CompareTo((news.SetAtTicks, silo)) >= 0) continue;
                    if (known.Owner == silos.Self.Number) version++;
                }
                var written = news.PriceJson is { } json ? ConfigJson.Parse(Encoding.UTF8.GetBytes(json), new ConfigErrors()) : null;
                standing[news.Campaign] = new(news, written, silo, silos.Self.Number);
            }
            foreach (var (campaign, bid) in standing)
                if (bid.Owner == silo && !Array.Exists(told, news => news.Campaign == campaign && news.SetAtTicks == bid.Told.SetAtTicks)) standing.TryRemove(campaign, out _);
        }
    }

    /// <summary>Another silo tells what was spent, and which of this silo's offers are on offer no more.</summary>
    internal void Hear(SpendNews[] spent, EndedOffer[] gone)
    {
        foreach (var news in spent) if (standing.TryGetValue(news.Campaign, out var found)) found.Hear(news);
        foreach (var offer in gone) if (standing.TryGetValue(offer.Campaign, out var found)) found.Ended(LeadId.FromGuid(offer.Lead), null);
    }

    private void Put(StandingNews bid, ConfigNode? written)
    {
        lock (gate)
        {
            var before = standing.TryGetValue(bid.Campaign, out var known) ? known.Told.SetAtTicks : 0;
            standing[bid.Campaign] = new(bid with { SetAtTicks = Math.Max(time.GetUtcNow().UtcTicks, before + 1) }, written, silos.Self.Number, silos.Self.Number);
            version++;
        }
    }

    private static CampaignModel? Owned(CatalogModel model, string buyer, string endpoint, string campaign, ConfigErrors errors)
    {
        // Another's campaign does not exist for it.
        if (!model.Campaigns.TryGetValue(campaign, out var found) || found.Buyer.Id != buyer) errors.Add("campaign", ConfigCodes.UnknownId, "You have no such campaign.");
        else if (found.Bid.Live?.Name != endpoint) errors.Add("campaign", ConfigCodes.Conflict, "This campaign's bid is not live at this endpoint.");
        else return found;
        return null;
    }
}
