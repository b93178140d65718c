namespace Exchange.Engine.Audit.Checks;

/// <summary>No more buyers have a lead, or may still have it, than were allowed; an exclusive one has it alone; no company has it twice.</summary>
public sealed class CopiesAllowed() : AuditCheck("I2", "copies as allowed, exclusive alone, one per company")
{
    public override void See(LeadFacts lead)
    {
        if (lead.Lead is null) return;
        Looked++;
        var open = 0;
        var exclusive = false;
        var companies = new HashSet<string>(StringComparer.Ordinal);
        foreach (var copy in lead.Copies)
        {
            if (!copy.IsOpen) continue;
            open++;
            exclusive |= copy.Exclusive;
            Require(companies.Add(copy.Company), lead.CopyId(copy.No).ToString(), $"the company {copy.Company} has another copy");
        }
        Require(open <= lead.Lead.MaxCopies, lead.Id.ToString(), $"{open} copies, {lead.Lead.MaxCopies} allowed");
        Require(!exclusive || open == 1, lead.Id.ToString(), $"an exclusive copy is one of {open}");
    }
}
