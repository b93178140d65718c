using Exchange.Engine.Audit;

namespace Exchange.Engine.Tests.Audit;

/// <summary>Facts that are written down.</summary>
internal sealed record MemoryFacts(
    IReadOnlyList<CounterFact> AllCounters, IReadOnlyList<TransferFact> AllBookings, IReadOnlyList<LeadFacts> AllLeads,
    IReadOnlyList<RequestFact> AllRequests, IReadOnlyList<SequenceFact> AllSequences) : IAuditFacts
{
    public IEnumerable<CounterFact> Counters() => AllCounters;
    public IEnumerable<TransferFact> Bookings() => AllBookings;
    public IEnumerable<LeadFacts> Leads() => AllLeads;
    public IEnumerable<RequestFact> Requests() => AllRequests;
    public IEnumerable<SequenceFact> Sequences() => AllSequences;

    public MemoryFacts WithCounter(int place, Func<CounterFact, CounterFact> change) =>
        this with { AllCounters = [.. AllCounters.Select((counter, i) => i == place ? change(counter) : counter)] };

    public MemoryFacts WithLead(int place, Func<LeadFacts, LeadFacts> change) =>
        this with { AllLeads = [.. AllLeads.Select((lead, i) => i == place ? change(lead) : lead)] };

    public MemoryFacts WithRow(int place, Func<LeadFact, LeadFact> change) => WithLead(place, lead => lead with { Lead = change(lead.Lead!) });

    public MemoryFacts WithCopy(int place, int no, Func<CopyFact, CopyFact> change) =>
        WithLead(place, lead => lead with { Copies = [.. lead.Copies.Select(copy => copy.No == no ? change(copy) : copy)] });

    public MemoryFacts WithTransfers(int place, Func<IReadOnlyList<TransferFact>, IEnumerable<TransferFact>> change) =>
        WithLead(place, lead => lead with { Transfers = [.. change(lead.Transfers)] });

    public MemoryFacts WithDeliveries(int place, params DeliveryFact[] deliveries) => WithLead(place, lead => lead with { Deliveries = deliveries });

    public MemoryFacts WithSequence(Func<SequenceFact, SequenceFact> change) =>
        this with { AllSequences = [.. AllSequences.Select((sequence, i) => i == 0 ? change(sequence) : sequence)] };
}
