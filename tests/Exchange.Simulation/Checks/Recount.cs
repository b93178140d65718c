using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Grains.Leads;
using Exchange.Simulation.Store;
using Exchange.Simulation.World;

namespace Exchange.Simulation.Checks;

/// <summary>
/// Counts again, from the leads alone and without a look at what the copies say they took: every cap that is in force, in the window of each sale; who
/// the person was; what the publisher was promised.
/// </summary>
internal static class Recount
{
    public static void Check(SimWorld world)
    {
        var database = world.Database;
        foreach (var row in database.Counters.All.GroupBy(row => row.LimitId))
            if (database.Counters.LimitOf(row.Key, out var isActive) is { Kind: LimitKind.Cap, IsTake: true } limit && isActive) Cap(world, limit);
        Persons(world);
        Promises(world);
        foreach (var same in database.Leads.Where(lead => lead.OfferUntilMs == 0).GroupBy(lead => lead.Publisher + Convert.ToHexString(lead.PostHash)))
            if (same.Count() > 1) world.Violates("I4", $"{string.Join(", ", same.Select(lead => lead.Id))} were made by one request");
    }

    private static void Cap(SimWorld world, LimitModel limit)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var lead in world.Database.Leads)
            foreach (var copy in lead.Copies)
            {
                if (!copy.IsOpen || !IsOf(limit, lead, copy) || limit.CountsKept && copy.State == CopyState.Reversed) continue;
                var key = limit.KeyAt(copy.AtMs / 1000, out _, limit.Each is null ? null : FieldOf(lead, "state"));
                counts[key] = counts.GetValueOrDefault(key) + limit.AmountOf(copy.Price, copy.Payout);
            }
        // A cap that began after an erasure could not ask whose lead it was: all its values together have to be right.
        if (limit.Each is not null && world.Database.HasForgotten)
        {
            var taken = world.Database.Counters.All.Where(row => row.LimitId == limit.Id).Sum(row => row.Taken);
            if (taken != counts.Values.Sum()) world.Violates("I1", $"{limit.Id} says {taken}, its leads make {counts.Values.Sum()}");
            return;
        }
        foreach (var row in world.Database.Counters.All)
        {
            if (row.LimitId != limit.Id) continue;
            counts.Remove(row.Key, out var count);
            if (count != row.Taken) world.Violates("I1", $"{row.Key} says {row.Taken}, its leads make {count}");
        }
        foreach (var (key, count) in counts) world.Violates("I1", $"{key} is not there, its leads make {count}");
    }

    /// <summary>Where a vertical sells a person once, nobody was sold twice.</summary>
    private static void Persons(SimWorld world)
    {
        if (!Markets.SellsPersonsOnce(world.Plan.Market)) return;
        foreach (var same in world.Database.Leads.Where(lead => lead.OfferUntilMs == 0 && lead.Copies.Exists(copy => copy.IsOpen)).GroupBy(lead => FieldOf(lead, "phone")))
            if (same.Count() > 1) world.Violates("I2 persons", $"{string.Join(", ", same.Select(lead => lead.Id))} are one person");
    }

    /// <summary>The publisher gets exactly what it was promised, from the first buyer or the next.</summary>
    private static void Promises(SimWorld world)
    {
        foreach (var lead in world.Database.Leads)
        {
            if (!world.Database.Pings.TryGetValue(lead.Id, out var ping)) continue;
            foreach (var copy in lead.Copies)
                if (copy.IsOpen && Array.Find(ping.Offers, offer => offer.OfferId == copy.OfferId) is { } offer && offer.Payout != copy.Payout)
                    world.Violates("I6", $"{lead.Id}.{copy.No} pays {copy.Payout}, promised was {offer.Payout}");
        }
    }

    internal static string? FieldOf(LeadEntry lead, string field) =>
        lead.Known.Length == 0 ? null : LeadPayload.Read(SimVault.Instance.Open(lead.Id, lead.Known)).Fields.GetValueOrDefault(field);

    private static bool IsOf(LimitModel limit, LeadEntry lead, CopyEntry copy) => limit.Scope switch
    {
        CapScope.Publisher => lead.Publisher == limit.Owner,
        CapScope.Campaign => copy.Campaign == limit.Owner,
        CapScope.Buyer => copy.Buyer == limit.Owner,
        _ => copy.Trees.Contains(limit.Owner),
    };
}
