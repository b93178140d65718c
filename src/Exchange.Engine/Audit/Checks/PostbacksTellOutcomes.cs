using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// No publisher is told what did not happen: a postback belongs to a copy that was sold or came back, or to a lead that nobody took. Which leads must have one
/// is not asked: what a publisher wanted to hear of is the catalog's of that moment.
/// </summary>
public sealed class PostbacksTellOutcomes() : AuditCheck("I16", "postbacks tell what happened")
{
    public override void See(LeadFacts lead)
    {
        foreach (var postback in lead.Postbacks)
        {
            Looked++;
            var name = new PostbackId(lead.Id, postback.Event, postback.CopyNo).ToString();
            Require(postback.State is DeliveryFactState.Waiting or DeliveryFactState.Delivered or DeliveryFactState.Dead or DeliveryFactState.Cancelled, name,
                $"is in no known state ({(int)postback.State})");
            CopyFact? copy = null;
            foreach (var each in lead.Copies) if (each.No == postback.CopyNo) copy = each;
            Require(postback.Event switch
            {
                PostbackEvent.Sold => copy is { IsSold: true },
                PostbackEvent.Returned => copy is { State: CopyState.Reversed },
                PostbackEvent.Unsold => lead.Lead is { State: LeadState.Unsold } && postback.CopyNo == PostbackId.NoCopy,
                _ => false,
            }, name, $"tells what did not happen: the lead is {lead.Lead?.State.ToString() ?? "not there"}, the copy {copy?.State.ToString() ?? "not there"}");
        }
    }
}
