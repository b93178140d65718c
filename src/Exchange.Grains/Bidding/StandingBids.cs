using System.Collections.Concurrent;
using System.Collections.Immutable;
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
/// their news takes: it is weighed when a ping is bid on, where the ping's best offers are counted, and anew when a lead is sold to a lower rank. Offers that were
/// made stand. The campaign's caps and its buyer's balance bind in any case.
/// </summary>
public sealed class StandingBids(FieldParsers parsers, ISilos silos, TimeProvider time)
{
    /// <summary>Of a price as sent.</summary>
    private const int MostChars = 20_000;
    /// <summary>More than are settled between two messages. What is beyond counts as on offer until its time is over.</summary>
    private const int MostEnded = 10_000;

    /// <summary>
    /// How long a copy that is held counts if nobody says what became of it; who says it later counts the sale nevertheless.
    /// </summary>
    private const long HeldForMs = 3_600_000;

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
        // One that was set elsewhere, heard of here or not, ends there when that silo hears of something newer.
        Put(new(campaign, buyer, endpoint, null, 0, long.MaxValue, 0), null);
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
        if (IsOver(found, nowMs))
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
            var reason = quote.Price is { } bid && bid > found.Left(default, nowMs) ? Reason.NoBid : quote.Reason;
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

    /// <summary>What each of the standing bids among these may still spend on a lead, by campaign; who stands no more is not among them.</summary>
    public IReadOnlyDictionary<string, Money> Left(LiveBid[] said, LeadId lead)
    {
        if (!Array.Exists(said, bid => bid.StandingSince != 0)) return ImmutableDictionary<string, Money>.Empty;
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        var left = new Dictionary<string, Money>(StringComparer.Ordinal);
        foreach (var bid in said)
            if (bid.StandingSince != 0 && standing.TryGetValue(bid.Of.Id, out var found) && Stands(found, bid, nowMs)) left[bid.Of.Id] = found.Left(lead, nowMs);
        return left;
    }

    /// <summary>
    /// Before a lead's item is made durable: what it holds counts from now on, so that two leads do not spend the same. False: one of its lower ranks does not
    /// fit any more; it is to be decided again.
    /// </summary>
    public bool TryHold(InFlight item)
    {
        if (item.Plan.Test) return true;
        var nowMs = time.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 0; i < item.IfDone.Slots.Length; i++)
        {
            var slot = item.IfDone.Slots[i];
            if (!Counts(slot)) continue;
            var bid = item.IfDone.BidAt(slot.BidIndex);
            if (bid.Of.Bid.Live is null) continue;
            var isOffer = item.Plan.IsBestOffer(slot.BidIndex);
            var isWeighed = bid.Live is { StandingSince: not 0 } && !isOffer && item.Plan.Slots[i].State == SlotState.Proposed;
            if (!standing.TryGetValue(bid.Campaign, out var found) || isWeighed && !Stands(found, bid.Live!, nowMs))
            {
                if (isWeighed) return false;
                continue;
            }
            if (!found.TryHold(item.Plan.Id, slot.Price, isWeighed, nowMs + HeldForMs, nowMs, out var isNew)) return false;
            // Counted here from now on, and no more where the offer was made.
            if (isNew && isOffer) End(bid.Campaign, item.Plan.Id);
        }
        return true;
    }

    private static bool Counts(Slot slot) => slot.State is SlotState.Held or SlotState.InDoubt or SlotState.Captured;

    /// <summary>The item was not made durable and will not be: what it was to hold is on offer as before, or free.</summary>
    public void NotHeld(InFlight item)
    {
        if (item.Plan.Test) return;
        for (var i = 0; i < item.IfDone.Slots.Length; i++)
        {
            var slot = item.IfDone.Slots[i];
            if (!Counts(slot) || i < item.Plan.Slots.Length && Counts(item.Plan.Slots[i])) continue;
            if (!standing.TryGetValue(item.IfDone.BidAt(slot.BidIndex).Campaign, out var found)) continue;
            if (item.Plan.IsBestOffer(slot.BidIndex)) found.Offered(item.Plan.Id, slot.Price, item.Plan.Rounds[0].Record.ExpiresAtMs);
            else found.Ended(item.Plan.Id, null);
        }
    }

    /// <summary>A lead is settled here, sold or not, whoever made its offer.</summary>
    public void Sold(LeadSale sale)
    {
        if (standing.IsEmpty || sale.Test) return;
        foreach (var round in sale.Rounds)
            for (var i = 0; i < round.Record.Bids.Length; i++)
            {
                var (bid, place) = (round.Record.Bids[i], round.First + i);
                if (bid.Of.Bid.Live is null || !standing.TryGetValue(bid.Campaign, out var found)) continue;
                var slot = sale.Slots.FirstOrDefault(slot => slot.BidIndex == place);
                // Ranks that it was not sold to may have been held on the way.
                if (found.Ended(sale.Id, slot is { State: SlotState.Captured } ? slot.Price : null)) continue;
                if (slot is not null || sale.IsBestOffer(place)) End(bid.Campaign, sale.Id);
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

    /// <summary>Whoever counts it as on offer hears of it.</summary>
    private void End(string campaign, LeadId lead)
    {
        lock (gate) if (ended.Count < MostEnded) ended.Add(new(campaign, lead.ToGuid()));
    }

    private bool IsOver(StandingBid bid, long nowMs) => bid.UntilMs <= nowMs || !silos.IsAlive(bid.Owner);

    /// <summary>Whether it still stands as it was when it bid.</summary>
    private bool Stands(StandingBid now, LiveBid bid, long nowMs) => now.Told.SetAtTicks == bid.StandingSince && !now.IsWithdrawn && !IsOver(now, nowMs);

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
