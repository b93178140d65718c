using Exchange.Engine.Ledger;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// Every sold copy is on its way, waits in an inbox, arrived, or is visibly given up; of a copy that fell out nothing waits any more, so that nobody
/// but its buyer ever gets a lead.
/// </summary>
public sealed class DeliveriesAccountedFor() : AuditCheck("I16", "deliveries accounted for, none to losers")
{
    public override void See(LeadFacts lead)
    {
        if (lead.Lead is null) return;
        foreach (var copy in lead.Copies)
        {
            var count = 0;
            var name = lead.CopyId(copy.No).ToString();
            foreach (var delivery in lead.Deliveries)
            {
                if (delivery.CopyNo != copy.No) continue;
                Looked++;
                count++;
                Require(delivery.State is >= DeliveryFactState.Waiting and <= DeliveryFactState.Cancelled, name, $"has a delivery in no known state ({(int)delivery.State})");
                if (delivery.State != DeliveryFactState.Waiting) continue;
                Require(copy.IsOpen || copy.State == CopyState.Reversed, name, $"is {copy.State} and a delivery waits");
                Require(copy.State != CopyState.Captured || delivery.Pulled || delivery.IsDue, name, $"is sold and its delivery is never due");
            }
            if (copy.IsSold && !lead.Id.IsTest) Require(count > 0, name, $"is sold and has no delivery");
        }
    }
}
