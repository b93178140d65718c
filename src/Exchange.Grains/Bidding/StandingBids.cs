using System.Collections.Concurrent;
using System.Text;
using Exchange.Engine;
using Exchange.Engine.Catalog;
using Exchange.Engine.Fields;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Pricing;
using Exchange.Engine.Values;

namespace Exchange.Grains.Bidding;

/// <summary>
/// Standing bids of connected buyers: prices by rule for their live campaigns, answered here without a call. Memory of this silo: they are sent again when a
/// stream is opened anew, and each silo counts what was offered and sold by itself. The campaign's caps and its buyer's balance bind in any case.
/// </summary>
public sealed class StandingBids(FieldParsers parsers, TimeProvider time)
{
    /// <summary>Of a price as sent.</summary>
    private const int MostChars = 20_000;

    private readonly ConcurrentDictionary<string, Standing> standing = new(StringComparer.Ordinal);

    /// <summary>What stands for one campaign.</summary>
    private sealed class Standing(ConfigNode written, Money limit, long untilMs)
    {
        // What is on offer counts as spent until its time is over.
        private readonly Dictionary<LeadId, (Money Price, long UntilMs)> offered = [];
        private (CatalogModel Model, PriceModel? Price)? compiled;
        private Money spent;

        public long UntilMs => untilMs;

        public PriceModel? PriceIn(CatalogModel model, CampaignModel campaign, FieldParsers parsers)
        {
            lock (offered)
            {
                // Fields may have other places in another catalog version.
                if (compiled is not { } known || !ReferenceEquals(known.Model, model)) compiled = known = (model, StandingPrice.Compile(written, model, campaign, parsers, new ConfigErrors()));
                return known.Price;
            }
        }

        public bool Affords(Money price, long nowMs)
        {
            if (limit == Money.Zero) return true;
            lock (offered)
            {
                foreach (var (id, offer) in offered) if (offer.UntilMs < nowMs) offered.Remove(id);
                return offered.Values.Aggregate(spent + price, (sum, offer) => sum + offer.Price) <= limit;
            }
        }

        public void Offered(LeadId ping, Money price, long until)
        {
            if (limit == Money.Zero) return;
            lock (offered) offered[ping] = (price, until);
        }

        public void Ended(LeadId lead, Money? price)
        {
            if (limit == Money.Zero) return;
            lock (offered)
            {
                offered.Remove(lead);
                if (price is { } paid) spent += paid;
            }
        }
    }

    /// <summary>Sets or replaces; errors (paths within <c>price_json</c>) leave what stood.</summary>
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
        standing[campaign] = new(written, limit, until?.ToUnixTimeMilliseconds() ?? long.MaxValue);
        return [];
    }

    public IReadOnlyList<InputError> Withdraw(CatalogModel model, string buyer, string endpoint, string campaign)
    {
        var errors = new ConfigErrors();
        if (Owned(model, buyer, endpoint, campaign, errors) is not null) standing.TryRemove(campaign, out _);
        return errors.Errors;
    }

    /// <summary>What stands for a campaign and this ping, for each sharing; null: nothing stands, its bidder is asked.</summary>
    public LiveBid[]? Find(CatalogModel model, CampaignModel campaign, PingInput ping, Sharing[] sharings)
    {
        if (standing.IsEmpty || !standing.TryGetValue(campaign.Id, out var found)) return null;
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (found.UntilMs <= nowMs)
        {
            standing.TryRemove(new(campaign.Id, found));
            return null;
        }
        // The catalog changed so that it is no price any more.
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
                Price = reason == Reason.None ? quote.Price : null, UntilMs = found.UntilMs == long.MaxValue ? 0 : found.UntilMs,
                Said = reason == Reason.NoBid && quote.Price is not null ? "its standing bid has spent its limit" : null,
            };
        }
        return bids;
    }

    public void Offered(PingRecord record)
    {
        foreach (var offer in record.Offers)
        {
            var bid = record.Bids[offer.BidIndex];
            if (offer.Best && bid.Live is not null && standing.TryGetValue(bid.Campaign, out var found)) found.Offered(record.Id, offer.Price, record.ExpiresAtMs);
        }
    }

    /// <summary>A lead is settled, sold or not.</summary>
    public void Sold(LeadSale sale)
    {
        if (standing.IsEmpty || sale.Test) return;
        foreach (var slot in sale.Slots)
        {
            var bid = sale.BidAt(slot.BidIndex);
            if (bid.Live is not null && standing.TryGetValue(bid.Campaign, out var found)) found.Ended(sale.Id, slot.State == SlotState.Captured ? slot.Price : null);
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
