using Exchange.Engine.Ledger;
using Exchange.Engine.Values;

namespace Exchange.Engine.Audit.Checks;

/// <summary>
/// A ping has one lead and a lead one outcome, the one that its copies make: sold if one is, else in doubt, else open while one is held or the lead waits before a tree is asked, else unsold.
/// </summary>
public sealed class OneOutcome() : AuditCheck("I5", "one outcome per ping, the one of its copies")
{
    private LeadId? last;

    public override void See(LeadFacts lead)
    {
        Require(last is null || last.Value.CompareTo(lead.Id) < 0, lead.Id.ToString(), $"is there twice or out of order");
        last = lead.Id;
        if (lead.Lead is null) return;
        Looked++;
        var state = lead.Lead.State == LeadState.Pending ? LeadState.Open : lead.Lead.State;
        var copies = Of(lead.Copies, lead.Lead.Waits);
        Require(!lead.Lead.Waits || copies == LeadState.Open && !lead.Copies.Any(static copy => copy.IsOpen), lead.Id.ToString(), $"waits and has an open copy");
        Require(state == copies, lead.Id.ToString(), $"is {lead.Lead.State}, its copies make it {copies}");
    }

    private static LeadState Of(IReadOnlyList<CopyFact> copies, bool waits) =>
        copies.Any(static copy => copy.IsSold) ? LeadState.Sold
        : copies.Any(static copy => copy.State == CopyState.InDoubt) ? LeadState.InDoubt
        : copies.Any(static copy => copy.State == CopyState.Held) || waits ? LeadState.Open
        : LeadState.Unsold;
}
