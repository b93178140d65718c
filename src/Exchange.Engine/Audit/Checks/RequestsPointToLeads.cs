using Exchange.Engine.Values;

namespace Exchange.Engine.Audit.Checks;

/// <summary>Every idempotency key leads to a lead of its own publisher, so that a repeat finds what was answered, for ever.</summary>
public sealed class RequestsPointToLeads() : AuditCheck("I4", "idempotency keys lead to their leads")
{
    // In the order of ids: 24 bytes a lead.
    private readonly List<LeadId> leads = [];
    private readonly List<int> owners = [];
    private readonly Dictionary<string, int> publishers = new(StringComparer.Ordinal);

    public override void See(LeadFacts lead)
    {
        if (lead.Lead is null) return;
        leads.Add(lead.Id);
        owners.Add(Number(lead.Lead.Publisher));
    }

    public override void See(RequestFact request)
    {
        Looked++;
        var place = leads.BinarySearch(request.Lead);
        if (place < 0) Find(request.Lead.ToString(), $"a key of {request.Publisher} leads to a lead that is not there");
        else Require(owners[place] == Number(request.Publisher), request.Lead.ToString(), $"a key of {request.Publisher} leads to another publisher's lead");
    }

    private int Number(string publisher)
    {
        if (!publishers.TryGetValue(publisher, out var number)) publishers.Add(publisher, number = publishers.Count);
        return number;
    }
}
