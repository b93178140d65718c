using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Storage;

namespace Exchange.Simulation.Store;

/// <summary>What one commit changed, for the live views.</summary>
internal sealed class News
{
    private readonly List<SoldCount> copies = [];
    private readonly List<KnownPerson> persons = [];

    public void Started(LeadId lead, CopyEntry copy)
    {
        if (!lead.IsTest && copy.Tier.Length > 0) copies.Add(new(copy.Tier, copy.Campaign, copy.AtMs, 1));
    }

    public void Fell(LeadId lead, JudgedCopy copy)
    {
        if (!lead.IsTest && copy.Tier.Length > 0) copies.Add(new(copy.Tier, copy.Campaign, copy.AtMs, -1));
    }

    public void Person(string scope, byte[] hmac, long atMs) => persons.Add(new(scope, hmac, atMs));

    public SoldNews? Sold => copies.Count + persons.Count == 0 ? null : new(copies, persons);
}
