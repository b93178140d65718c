using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;

namespace Exchange.Engine.Tests.PingTrees;

/// <summary>
/// The walk once more, slow and plain: no index, every set of shared bids tried, every price tried step by step, money in decimals. Only the draw
/// among equals is taken from the walk under test (<c>order</c>: where a bid stands there); its fairness has its own test.
/// </summary>
internal sealed class NaiveWalk(Market market, decimal share, decimal minMargin, decimal step)
{
    internal sealed record Bid(int Tier, Wants Of, bool Exclusive, decimal Money, decimal Floor)
    {
        public string Company => Of.Company ?? Of.Id;
        public decimal Factor => 1 - decimal.Parse(Of.Handicap.TrimEnd('%'), System.Globalization.CultureInfo.InvariantCulture) / 100;
        public decimal Rank => Money * Factor;
    }

    private readonly Dictionary<(int Tier, string Campaign), int> claims = [];

    public (string Told, List<string> Turns) Run(PingInput ping, Func<Bid, int> order)
    {
        var before = new Dictionary<(int, string), int>(claims);
        var copies = Math.Min(market.Copies ?? market.Tiers.Max(tier => tier.Copies), ping.MaxCopies);
        var sold = new List<(Bid Bid, decimal Price)>();
        var soldIn = new List<Group>();
        var turns = new List<string>();
        bool noBid = false, belowFloor = false, anyBid = false;
        for (var t = 0; t < market.Tiers.Length; t++)
        {
            var tier = market.Tiers[t];
            var byTurn = tier.Method is TierMethod.Weighted or TierMethod.RoundRobin;
            var bids = new List<Bid>();
            if (tier.Group is { } asked && (asked.Paused || asked.State is not null && asked.State != ping.Values[0].Text)) continue;
            foreach (var id in tier.Campaigns)
            {
                var wants = market.Campaigns.Single(campaign => campaign.Id == id);
                if ((byTurn || tier.Method == TierMethod.Percent) && wants.Weight == 0) continue;
                if (wants.Paused || wants.State is not null && wants.State != ping.Values[0].Text) continue;
                foreach (var exclusive in new[] { true, false })
                {
                    if (wants.Sharing == (exclusive ? Sharing.Shared : Sharing.Exclusive)) continue;
                    var text = exclusive || wants.SharedBid is null ? wants.Bid : wants.SharedBid;
                    if (text is null && wants.SharedBid is not null) text = wants.SharedBid;
                    decimal? money = text is null ? null : Math.Floor(Parse(text) / step) * step;
                    if (wants.DayLeads is { } leads && leads - market.Used.GetValueOrDefault($"c:{id}:leads:day") < 1) continue;
                    if (wants.Balance is { } balance && Parse(balance) < (money ?? 0)) continue;
                    if (exclusive && ping.SoldElsewhereCopies > 0) continue;
                    if (money is not { } bid) { noBid = true; continue; }
                    var written = Math.Max(tier.Floor is null ? 0 : Parse(tier.Floor), tier.Group?.Floor is { } outer ? Parse(outer) : 0);
                    var floor = Math.Ceiling(written / step) * step;
                    if (bid < floor || bid - Payout(bid) < minMargin) { belowFloor = true; continue; }
                    for (var p = 0m; p <= bid; p += step) if (p - Payout(p) >= minMargin) { floor = Math.Max(floor, p); break; }
                    bids.Add(new(t, wants, exclusive, bid, floor));
                }
            }
            anyBid |= bids.Count > 0;
            var most = Math.Min(tier.Copies, copies - sold.Count);
            if (tier.Group is { } within) most = Math.Min(most, within.Copies - soldIn.Count(group => group == within));
            var soldBefore = sold.Count;
            if (most <= 0 || sold.Any(copy => copy.Bid.Exclusive)) continue;
            bool Free(Bid bid) => bid.Exclusive ? sold.Count == 0 : !sold.Any(copy => copy.Bid.Company == bid.Company);
            if (tier.Method == TierMethod.Auction) sold.AddRange(Auction([.. bids.Where(Free).OrderByDescending(bid => bid.Rank).ThenBy(order)], most, tier));
            else if (!byTurn)
            {
                foreach (var id in tier.Method == TierMethod.Priority ? tier.Campaigns : ByShare(t, tier, bids, order))
                {
                    if (most == 0 || sold.Any(copy => copy.Bid.Exclusive)) break;
                    var best = bids.Where(bid => bid.Of.Id == id && Free(bid)).OrderByDescending(bid => bid.Money).ThenByDescending(bid => bid.Exclusive).FirstOrDefault();
                    if (best is null) continue;
                    sold.Add((best, best.Money));
                    most--;
                }
            }
            else
            {
                var served = new List<string>();
                while (most-- > 0 && !sold.Any(copy => copy.Bid.Exclusive))
                {
                    var open = tier.Campaigns.Where(id => served.Contains(id) || bids.Any(bid => bid.Of.Id == id && Free(bid))).ToList();
                    if (open.All(served.Contains)) break;
                    var winner = Turn(t, tier, open, served);
                    var best = bids.Where(bid => bid.Of.Id == winner && Free(bid)).OrderByDescending(bid => bid.Money).ThenByDescending(bid => bid.Exclusive).First();
                    sold.Add((best, best.Money));
                    served.Add(winner);
                    turns.Add($"{t}{winner}");
                }
            }
            if (tier.Group is { } sellsIn) soldIn.AddRange(Enumerable.Repeat(sellsIn, sold.Count - soldBefore));
        }
        if (!anyBid) return (belowFloor ? "all_below_floor" : noBid ? "no_bids" : "no_eligible_campaign", []);
        var payout = sold.Sum(copy => Payout(copy.Price));
        if (payout < Parse(ping.MinPayout.ToString()))
        {
            claims.Clear();
            foreach (var (key, claim) in before) claims[key] = claim;
            return ("min_payout", []);
        }
        return (string.Join(", ", sold.Select(copy => $"{copy.Bid.Of.Id} {(copy.Bid.Exclusive ? "x" : "s")} {copy.Price:0.00##} {Payout(copy.Price):0.00##}")), turns);
    }

    /// <summary>Who has the least of what its share of all sales and this one would be.</summary>
    private IEnumerable<string> ByShare(int t, Tier tier, List<Bid> bids, Func<Bid, int> order)
    {
        var ids = bids.Select(bid => bid.Of.Id).Distinct().ToList();
        decimal Weight(string id) => tier.Method == TierMethod.Even ? 1 : market.Campaigns.Single(campaign => campaign.Id == id).Weight;
        decimal Sold(string id) => market.Sold.GetValueOrDefault(($"main/t{t}", id));
        var (all, weights) = (ids.Sum(Sold) + 1, ids.Sum(Weight));
        return ids.OrderByDescending(id => Weight(id) * all - Sold(id) * weights).ThenBy(id => order(bids.First(bid => bid.Of.Id == id)));
    }

    private string Turn(int t, Tier tier, List<string> open, List<string> served)
    {
        int WeightOf(string id) => tier.Method == TierMethod.RoundRobin ? 1 : market.Campaigns.Single(campaign => campaign.Id == id).Weight;
        foreach (var id in open)
        {
            var claim = claims.GetValueOrDefault((t, id));
            claims[(t, id)] = served.Contains(id) ? Math.Min(claim + WeightOf(id), Math.Max(claim, 0)) : claim + WeightOf(id);
        }
        var can = open.Except(served).ToList();
        var winner = can.First(id => can.All(other => claims[(t, other)] <= claims[(t, id)]));
        claims[(t, winner)] -= open.Sum(WeightOf);
        return winner;
    }

    private List<(Bid, decimal)> Auction(List<Bid> ranked, int copies, Tier tier)
    {
        var exclusive = ranked.FirstOrDefault(bid => bid.Exclusive);
        var set = BestSet(ranked, copies);
        if (exclusive is null && set.Count == 0) return [];
        List<Bid> winners = exclusive is not null && exclusive.Rank >= set.Sum(bid => bid.Rank) ? [exclusive] : set;
        if (tier.Pricing == TierPricing.FirstPrice) return [.. winners.Select(bid => (bid, bid.Money))];
        var others = ranked.Where(bid => winners.All(winner => winner.Company != bid.Company)).ToList();
        if (others.Count == 0) return [.. winners.Select(bid => (bid, bid.Floor > 0 && !bid.Of.PaysBid ? bid.Floor : bid.Money))];
        // The best losing side counts as if it had bid the increment more.
        decimal? Beaten(decimal? rank) => rank + Parse(tier.Increment);
        var nextExclusive = Beaten(others.Where(bid => bid.Exclusive).Max(bid => (decimal?)bid.Rank));
        if (winners[0].Exclusive)
        {
            var sharedTotal = Beaten(others.Any(bid => !bid.Exclusive) ? BestSet(others, copies).Sum(bid => bid.Rank) : null);
            return [(winners[0], winners[0].Of.PaysBid ? winners[0].Money : Pays(winners[0], Math.Max(nextExclusive ?? 0, sharedTotal ?? 0)))];
        }
        var leftOut = Beaten(others.Where(bid => !bid.Exclusive).Max(bid => (decimal?)bid.Rank)) ?? 0;
        // Prices change only where a level is a whole step of some winner's money.
        var levels = winners.SelectMany(bid => Enumerable.Range(0, (int)(bid.Money / step) + 1).Select(k => k * step * bid.Factor))
            .Append(leftOut).Where(level => level >= leftOut).Order();
        var prices = winners.Select(bid => (Bid: bid, Price: bid.Money)).ToList();
        foreach (var level in levels)
        {
            var tried = winners.Select(bid => (Bid: bid, Price: Pays(bid, level))).ToList();
            if (tried.Sum(copy => copy.Price * copy.Bid.Factor) < (nextExclusive ?? 0)) continue;
            prices = tried;
            break;
        }
        return [.. prices.Select(copy => copy.Bid.Of.PaysBid ? (copy.Bid, copy.Bid.Money) : copy)];
    }

    private decimal Pays(Bid bid, decimal rank)
    {
        for (var price = bid.Floor; price < bid.Money; price += step) if (price * bid.Factor >= rank) return price;
        return bid.Money;
    }

    private static List<Bid> BestSet(List<Bid> ranked, int copies)
    {
        var shared = ranked.Where(bid => !bid.Exclusive).ToList();
        List<Bid> best = [];
        // From the last subset to the first, so that among equals the one that stands before in rank is kept.
        for (var subset = 0; subset < 1 << shared.Count; subset++)
        {
            var set = shared.Where((_, i) => (subset >> (shared.Count - 1 - i) & 1) == 1).ToList();
            if (set.Count > copies || set.DistinctBy(bid => bid.Company).Count() < set.Count) continue;
            if (set.Sum(bid => bid.Rank) > best.Sum(bid => bid.Rank) || set.Sum(bid => bid.Rank) == best.Sum(bid => bid.Rank) && set.Count >= best.Count) best = set;
        }
        return best;
    }

    private decimal Payout(decimal price) => Math.Round(price * share / step, MidpointRounding.ToEven) * step;

    private static decimal Parse(string text) => decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
