using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Storage;

/// <summary>What the items of one batch did to copies and persons, to be told after the commit.</summary>
internal sealed class CommitNews
{
    private readonly List<SoldCount> copies = [];
    private readonly List<KnownPerson> persons = [];

    /// <summary>How much there is now; <see cref="Forget"/> goes back to it.</summary>
    public (int Copies, int Persons) Mark => (copies.Count, persons.Count);

    public void Started(LeadId lead, NewCopy copy, long atMs)
    {
        if (!lead.IsTest && copy.Tier.Length > 0) copies.Add(new(copy.Tier, copy.Campaign, atMs, 1));
    }

    public void Fell(LeadId lead, string tier, string campaign, long heldAtMs)
    {
        if (!lead.IsTest && tier.Length > 0) copies.Add(new(tier, campaign, heldAtMs, -1));
    }

    public void Person(string scope, byte[] hmac, long atMs) => persons.Add(new(scope, hmac, atMs));

    /// <summary>What another batch, or an item of its own, did.</summary>
    public void Add(CommitNews more)
    {
        copies.AddRange(more.copies);
        persons.AddRange(more.persons);
    }

    public void Forget((int Copies, int Persons) mark)
    {
        copies.RemoveRange(mark.Copies, copies.Count - mark.Copies);
        persons.RemoveRange(mark.Persons, persons.Count - mark.Persons);
    }

    /// <summary>The news, once; null if there is none.</summary>
    public SoldNews? Take()
    {
        if (copies.Count == 0 && persons.Count == 0) return null;
        var news = new SoldNews([.. copies], [.. persons]);
        Forget(default);
        return news;
    }
}
