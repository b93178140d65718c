namespace Exchange.Engine.Audit.Checks;

/// <summary>Copies, bookings, deliveries, postbacks and persons belong to a lead that is there; deliveries to a copy of it.</summary>
public sealed class NothingHangsLoose() : AuditCheck("I16", "every row belongs to a lead")
{
    public override void See(LeadFacts lead)
    {
        Looked++;
        Require(
            lead.Lead is not null, lead.Id.ToString(),
            $"is not there, but {lead.Copies.Count} copies, {lead.Transfers.Count} bookings, {lead.Deliveries.Count} deliveries, {lead.Postbacks.Count} postbacks and {lead.Persons} persons are");
        foreach (var delivery in lead.Deliveries)
            Require(lead.Copies.Any(copy => copy.No == delivery.CopyNo), lead.CopyId(delivery.CopyNo).ToString(), $"a delivery of a copy that is not there");
        Require(lead.Persons == 0 || !lead.Id.IsTest, lead.Id.ToString(), $"is a test and claims {lead.Persons} persons");
    }
}
