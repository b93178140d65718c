namespace Exchange.Engine.Audit.Checks;

/// <summary>The lead's own count of its open copies, which refuses the next one, is what its copies say.</summary>
public sealed class OpenCopiesEqualRows() : AuditCheck("I2", "a lead's count of open copies = its copies")
{
    public override void See(LeadFacts lead)
    {
        if (lead.Lead is not { } row) return;
        Looked++;
        var open = lead.Copies.Count(copy => copy.IsOpen);
        var exclusive = lead.Copies.Any(copy => copy is { IsOpen: true, Exclusive: true });
        Require(row.OpenCopies == open, lead.Id.ToString(), $"says {row.OpenCopies} open copies, has {open}");
        Require(row.OpenExclusive == exclusive, lead.Id.ToString(), $"says exclusive {row.OpenExclusive}, has {exclusive}");
    }
}
