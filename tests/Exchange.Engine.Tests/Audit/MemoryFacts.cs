using Exchange.Engine.Audit;
using Exchange.Engine.Values;

namespace Exchange.Engine.Tests.Audit;

/// <summary>Facts that are written down.</summary>
internal sealed record MemoryFacts(
    IReadOnlyList<CounterFact> AllCounters, IReadOnlyList<TransferFact> AllBookings, IReadOnlyList<LeadFacts> AllLeads,
    IReadOnlyList<RequestFact> AllRequests, IReadOnlyList<SequenceFact> AllSequences) : IAuditFacts
{
    public long NowMs { get; init; }
    public IReadOnlyList<LimitFact> AllLimits { get; init; } = [];
    /// <summary>Null: as the bookings say.</summary>
    public IReadOnlyList<AccountFact>? AllAccounts { get; init; }

    public IEnumerable<CounterFact> Counters() => AllCounters;
    public IEnumerable<LimitFact> Limits() => AllLimits;
    public IEnumerable<TransferFact> Bookings() => AllBookings;
    public IEnumerable<LeadFacts> Leads() => AllLeads;
    public IEnumerable<RequestFact> Requests() => AllRequests;
    public IEnumerable<SequenceFact> Sequences() => AllSequences;

    public IEnumerable<AccountFact> Accounts() => AllAccounts ?? [.. AllBookings.Concat(AllLeads.SelectMany(static lead => lead.Transfers))
        .SelectMany(static booking => ((string, Money)[])[(booking.Credit, booking.Amount), (booking.Debit, Money.Zero - booking.Amount)])
        .GroupBy(static side => side.Item1, StringComparer.Ordinal).Select(static sides => new AccountFact(sides.Key, sides.Aggregate(Money.Zero, static (sum, side) => sum + side.Item2)))];

    public MemoryFacts WithCounter(int place, Func<CounterFact, CounterFact> change) =>
        this with { AllCounters = [.. AllCounters.Select((counter, i) => i == place ? change(counter) : counter)] };

    public MemoryFacts WithoutCounter(int place) => this with { AllCounters = [.. AllCounters.Where((_, i) => i != place)] };

    public MemoryFacts WithLead(int place, Func<LeadFacts, LeadFacts> change) =>
        this with { AllLeads = [.. AllLeads.Select((lead, i) => i == place ? change(lead) : lead)] };

    public MemoryFacts WithRow(int place, Func<LeadFact, LeadFact> change) => WithLead(place, lead => lead with { Lead = change(lead.Lead!) });

    public MemoryFacts WithCopy(int place, int no, Func<CopyFact, CopyFact> change) =>
        WithLead(place, lead => lead with { Copies = [.. lead.Copies.Select(copy => copy.No == no ? change(copy) : copy)] });

    public MemoryFacts WithTransfers(int place, Func<IReadOnlyList<TransferFact>, IEnumerable<TransferFact>> change) =>
        WithLead(place, lead => lead with { Transfers = [.. change(lead.Transfers)] });

    public MemoryFacts WithDeliveries(int place, params DeliveryFact[] deliveries) => WithLead(place, lead => lead with { Deliveries = deliveries });

    public MemoryFacts WithListed(int place, params ListedFact[] listed) => WithLead(place, lead => lead with { Listed = listed });

    public MemoryFacts WithReturns(int place, params ReturnFact[] returns) => WithLead(place, lead => lead with { Returns = returns });

    public MemoryFacts WithSequence(Func<SequenceFact, SequenceFact> change) =>
        this with { AllSequences = [.. AllSequences.Select((sequence, i) => i == 0 ? change(sequence) : sequence)] };
}
