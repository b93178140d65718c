namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// A sold copy stands once in the list of what its buyer bought, or it was paid for and nobody sees it; not yet while all its deliveries wait. Nothing else stands there.
/// </summary>
public sealed class SoldCopiesAreListed() : AuditCheck("I16", "sold copies in their buyers' lists, once")
{
    public override void See(LeadFacts lead)
    {
        if (lead.Listed is not { } listed) return;
        foreach (var copy in lead.Copies)
        {
            Looked++;
            var name = lead.CopyId(copy.No).ToString();
            var places = listed.Count(place => place.CopyNo == copy.No);
            if (!copy.IsSold || lead.Id.IsTest) Require(places == 0, name, $"is {copy.State} and stands in a list");
            else if (places == 0) Require(lead.Deliveries.All(delivery => delivery.CopyNo != copy.No || delivery.Waits), name, $"is {copy.State} and stands in no list");
            else Require(places == 1, name, $"stands {places} times in a list");
        }
        foreach (var place in listed)
            Require(lead.Copies.Any(copy => copy.No == place.CopyNo && copy.Buyer == place.Buyer), lead.CopyId(place.CopyNo).ToString(), $"stands in the list of {place.Buyer}, who has no such copy");
    }
}
