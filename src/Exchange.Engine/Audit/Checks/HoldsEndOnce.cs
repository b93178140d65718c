using Exchange.Engine.Ledger;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// A hold ends in exactly one way, and until then somebody goes on with it: of a copy whose buyer was called a delivery waits and is due, or it is
/// in doubt and given up for the operator. A lead that is unsold holds nothing, and only what was never called expires.
/// </summary>
public sealed class HoldsEndOnce() : AuditCheck("I12", "holds end once; open ones have somebody who goes on")
{
    public override void See(LeadFacts lead)
    {
        if (lead.Lead is null) return;
        foreach (var copy in lead.Copies)
        {
            Looked++;
            var name = lead.CopyId(copy.No).ToString();
            Require(copy.State is >= CopyState.Held and <= CopyState.Reversed, name, $"is in no known state ({(int)copy.State})");
            Require(!copy.IsHold || lead.Lead.State != LeadState.Unsold, name, $"is {copy.State}, its lead is unsold");
            Require(copy.State != CopyState.Expired || !copy.Called, name, $"expired though its buyer was called");
            Require(copy.Called || copy.State is not (CopyState.InDoubt or CopyState.Captured or CopyState.Reversed), name, $"is {copy.State} and its buyer was never called");
            Require(copy.State != CopyState.Held || copy.Called || !lead.Lead.Posted, name, $"is held and nobody was called though the lead was posted");
            // A test's copy has nobody who could answer.
            if (copy is { IsHold: true, Called: true } && !lead.Id.IsTest)
                Require(lead.Deliveries.Any(delivery => delivery.CopyNo == copy.No && GoesOn(copy, delivery)), name, $"is {copy.State} and nothing will ask its buyer");
        }
    }

    private static bool GoesOn(CopyFact copy, in DeliveryFact delivery) =>
        delivery is { State: DeliveryFactState.Waiting, IsDue: true } || copy.State == CopyState.InDoubt && delivery.State is DeliveryFactState.Dead or DeliveryFactState.Cancelled;
}
