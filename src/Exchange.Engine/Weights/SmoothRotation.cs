using System.Globalization;
using System.Threading;

namespace Exchange.Engine.Weights;

/// <summary>
/// Smooth weighted round robin over campaign ids: every open campaign's claim grows by its weight, the largest claim takes the turn
/// and pays the sum of the open weights. Weights 5/1/1 give a a b a c a a, and so on; equal weights are a round robin.
/// Who is not open neither gains nor loses a claim. Weight 0 never has a turn. Ties: the first in the order given.
/// Thread-safe; one object per tier and process. Source of the algorithm: nginx, ngx_http_upstream_round_robin.c.
/// </summary>
public sealed class SmoothRotation
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Place> places = new(StringComparer.Ordinal);

    /// <summary>Takes a turn and gives the campaign that has it; null if nobody is open with a weight.</summary>
    /// <param name="open">The campaigns that could have this turn, in the catalog's order, each once.</param>
    /// <param name="served">
    /// Those of them that have a copy of this lead already. They cannot have another, but earn on, or who comes after them would be served
    /// more often than its share; a claim of one that is served every time does not pile up.
    /// </param>
    public string? Take(IReadOnlyList<(string Id, int Weight)> open, IReadOnlyList<string>? served = null)
    {
        lock (gate)
        {
            ForgetIfWeightsChanged(open);
            long total = 0;
            Place? best = null;
            string? winner = null;
            for (var i = 0; i < open.Count; i++)
            {
                var (id, weight) = open[i];
                if (weight <= 0) continue;
                total += weight;
                var place = PlaceOf(id, weight);
                if (served is not null && served.Contains(id))
                {
                    place.Claim = Math.Min(place.Claim + weight, Math.Max(place.Claim, 0));
                    continue;
                }
                place.Claim += weight;
                if (best is null || place.Claim > best.Claim) { best = place; winner = id; }
            }
            if (best is not null) best.Claim -= total;
            return winner;
        }
    }

    /// <summary>A campaign's claim now, for <see cref="Restore"/>.</summary>
    internal long ClaimOf((string Id, int Weight) campaign)
    {
        lock (gate) return places.TryGetValue(campaign.Id, out var place) && place.Weight == campaign.Weight ? place.Claim : 0;
    }

    /// <summary>Undoes a turn: exact only if nobody else took one since, which the caller sees to.</summary>
    internal void Restore((string Id, int Weight) campaign, long claim)
    {
        lock (gate)
            if (campaign.Weight > 0) PlaceOf(campaign.Id, campaign.Weight).Claim = claim;
    }

    /// <summary>Moves a claim that was earned under this weight; one of another weight is another claim and stays.</summary>
    internal void Move((string Id, int Weight) campaign, long by)
    {
        lock (gate)
            if (places.TryGetValue(campaign.Id, out var place) && place.Weight == campaign.Weight) place.Claim += by;
    }

    /// <summary>Who would have the turn, without taking it.</summary>
    public string? Peek(IReadOnlyList<(string Id, int Weight)> open)
    {
        lock (gate)
        {
            var forgotten = WeightsChanged(open);
            var best = long.MinValue;
            string? winner = null;
            for (var i = 0; i < open.Count; i++)
            {
                var (id, weight) = open[i];
                if (weight <= 0) continue;
                var claim = weight + (!forgotten && places.TryGetValue(id, out var place) ? place.Claim : 0);
                if (winner is null || claim > best) { best = claim; winner = id; }
            }
            return winner;
        }
    }

    /// <summary>Drops the claims of campaigns that have left the tier; one that comes back starts without any.</summary>
    public void Keep(IReadOnlySet<string> ids)
    {
        lock (gate)
            foreach (var id in places.Keys.ToArray())
                if (!ids.Contains(id)) places.Remove(id);
    }

    /// <summary>
    /// The claims, to be kept across restarts. Keys are <c>id:weight</c>, so that a claim earned under another weight is known as such.
    /// </summary>
    public IReadOnlyDictionary<string, long> Export()
    {
        lock (gate)
            return places.ToDictionary(
                entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Key}:{entry.Value.Weight}"), entry => entry.Value.Claim, StringComparer.Ordinal);
    }

    /// <summary>Replaces all claims by exported ones. Keys that are none are passed over.</summary>
    public void Import(IReadOnlyDictionary<string, long> claims)
    {
        lock (gate)
        {
            places.Clear();
            foreach (var (key, claim) in claims)
            {
                var colon = key.LastIndexOf(':');
                if (colon > 0 && int.TryParse(key.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var weight))
                    places[key[..colon]] = new Place { Claim = claim, Weight = weight };
            }
        }
    }

    /// <summary>
    /// Claims are counted in weights: a claim of 900 from a day when the weights were in the hundreds would mean hundreds of turns once they
    /// are 1 and 1. So a changed weight starts everybody afresh.
    /// </summary>
    private void ForgetIfWeightsChanged(IReadOnlyList<(string Id, int Weight)> open)
    {
        if (WeightsChanged(open)) places.Clear();
    }

    private bool WeightsChanged(IReadOnlyList<(string Id, int Weight)> open)
    {
        for (var i = 0; i < open.Count; i++)
            if (open[i].Weight > 0 && places.TryGetValue(open[i].Id, out var place) && place.Weight != open[i].Weight) return true;
        return false;
    }

    private Place PlaceOf(string id, int weight)
    {
        if (!places.TryGetValue(id, out var place)) places[id] = place = new Place { Weight = weight };
        return place;
    }

    private sealed class Place
    {
        public long Claim { get; set; }
        public required int Weight { get; init; }
    }
}
