using System.Collections.Concurrent;
using Exchange.Engine;
using Exchange.Engine.Caps;
using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Values;
using Exchange.Grains.Limits;
using Exchange.Grains.Memory;
using Orleans;

namespace Exchange.Grains.SoftHolds;

/// <summary>
/// Asks for soft holds where they matter: where the offers that are out, times the share of them that this publisher posts, reach what a limit has
/// left. Everywhere else a ping calls no grain.
/// </summary>
public sealed class SoftHoldDesk(LiveView live, PostRates rates, IGrainFactory grains, TimeProvider time)
{
    /// <summary>How long a soft hold lasts that nobody posts.</summary>
    private const long LongestMs = 60_000;
    private const long Certain = 1_000_000;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentDictionary<string, Outstanding> campaigns = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<LeadId, Backed> backed = new();
    // The campaigns of each ping whose offer is out: neither posted nor over, nor a minute old.
    private readonly ConcurrentDictionary<LeadId, string[]> offered = new();
    // By the moment at which each is over: offers of short lives end before older ones. Under its own lock.
    private readonly PriorityQueue<LeadId, long> ends = new();

    private sealed class Outstanding
    {
        public long Count;
    }

    private sealed record Backed(List<(LimitModel Limit, Cell Cell, long Amount)> Amounts, List<ISoftHoldGrain> Grains);

    /// <summary>
    /// Null: backed. Else the limit whose rest is promised to others: what this silo promised the live view shows as held, so that another walk passes
    /// the campaign over; what other silos promised it does not.
    /// </summary>
    /// <param name="expiresAtMs">When nobody can post it any more.</param>
    /// <param name="direct">Its post follows at once.</param>
    public async ValueTask<SoftHoldRefusal?> BackAsync(
        LeadId ping, CatalogModel model, PublisherModel publisher, Subject subject, PingOutcome outcome, DateTimeOffset now, long expiresAtMs, bool direct)
    {
        var nowMs = now.ToUnixTimeMilliseconds();
        var untilMs = Math.Min(nowMs + LongestMs, expiresAtMs);
        var perMillion = rates.PerMillion(publisher.Id);
        Backed? mine = null;
        var asked = new List<string>(1);
        foreach (var offer in outcome.Offers)
        {
            if (!offer.Best || !model.Campaigns.TryGetValue(outcome.Bids[offer.BidIndex].Campaign, out var campaign)) continue;
            asked.Add(campaign.Id);
            var count = Interlocked.Increment(ref campaigns.GetOrAdd(campaign.Id, static _ => new()).Count);
            // A direct post itself is sure of its place; the others that are out are what they are.
            var expected = direct ? (count - 1) * live.Silos() * perMillion / Certain + 1 : count * live.Silos() * perMillion / Certain;
            foreach (var limit in campaign.Takes)
            {
                if (limit.Kind == LimitKind.Gate || limit.Soft || !limit.Counts(subject)) continue;
                var value = limit.ValueOf(subject);
                var amount = limit.AmountOf(offer.Price, offer.Payout);
                var left = live.ReadHard(limit, nowMs / 1000, value).Left;
                if (left >= long.MaxValue / 8 || amount <= 0 || expected < left / amount) continue;
                ISoftHoldGrain grain = limit.Scope == CapScope.Campaign
                    ? grains.GetGrain<ICampaignGrain>(GrainMemoryNames.Campaign(limit.Owner))
                    : grains.GetGrain<IBuyerGrain>(GrainMemoryNames.Buyer(limit.Owner));
                bool? granted;
                try
                {
                    granted = await grain.TrySoftHold(new(ping.ToGuid(), value is null ? limit.Id : $"{limit.Id}={value}", amount, left, untilMs)).AsTask().WaitAsync(Patience, time);
                }
                // Also the silo it was on is gone, or its memory cannot be read.
                catch (Exception fault) when (fault is not OutOfMemoryException)
                {
                    // No word, or none in time: the offer is made without; the rows are the fence.
                    granted = null;
                    // It may be granted yet: given back with the others, or the grain would keep it from the next ping for a minute.
                    mine ??= new([], []);
                    mine.Grains.Add(grain);
                }
                if (granted == false)
                {
                    if (mine is not null) Drop(ping, mine);
                    Count(asked, -1);
                    return new(campaign, limit, value, amount);
                }
                if (granted == true)
                {
                    mine ??= new([], []);
                    mine.Grains.Add(grain);
                    if (live.SoftHold(limit, value, amount) is { } cell) mine.Amounts.Add((limit, cell, amount));
                }
            }
        }
        if (mine is not null) backed[ping] = mine;
        offered[ping] = [.. asked];
        lock (ends) ends.Enqueue(ping, untilMs);
        return null;
    }

    /// <summary>The offer was posted: the rows hold what it takes, and it is not out any more. Again: nothing happens.</summary>
    public void Release(LeadId ping)
    {
        if (offered.TryRemove(ping, out var asked)) Count(asked, -1);
        if (backed.TryRemove(ping, out var mine)) Drop(ping, mine);
    }

    /// <summary>Called about once a second: offers that were never posted give back what they had.</summary>
    public void Sweep(long nowMs)
    {
        while (true)
        {
            LeadId over;
            lock (ends)
            {
                if (!ends.TryPeek(out over, out var untilMs) || untilMs > nowMs) return;
                ends.Dequeue();
            }
            Release(over);
        }
    }

    /// <summary>Offers of a campaign that are out now, made by this silo; the others are taken to have as many.</summary>
    public long OutstandingOf(string campaign) => campaigns.TryGetValue(campaign, out var outstanding) ? Interlocked.Read(ref outstanding.Count) : 0;

    private void Count(IEnumerable<string> ids, long by)
    {
        foreach (var id in ids) if (campaigns.TryGetValue(id, out var outstanding)) Interlocked.Add(ref outstanding.Count, by);
    }

    private void Drop(LeadId ping, Backed mine)
    {
        // From the counter it was promised on: one that has left the catalog and come back is another.
        foreach (var (limit, cell, amount) in mine.Amounts) live.EndSoftHold(limit, cell, amount);
        foreach (var grain in mine.Grains) grain.Release(ping.ToGuid()).AsTask().Ignore();
    }
}

/// <summary>A limit that backs no further offer of a campaign.</summary>
public sealed record SoftHoldRefusal(CampaignModel Campaign, LimitModel Limit, string? Value, long Amount);
