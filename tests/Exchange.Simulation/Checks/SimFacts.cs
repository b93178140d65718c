using Exchange.Engine.Audit;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Grains.Intake;
using Exchange.Simulation.Scheduling;
using Exchange.Simulation.Store;
using Exchange.Storage;

namespace Exchange.Simulation.Checks;

/// <summary>The rows of a world as the auditor reads any installation's.</summary>
internal sealed class SimFacts(SimDatabase database) : IAuditFacts
{
    /// <summary>A world lives for minutes: nothing in it is old.</summary>
    public long NowMs => SimLoop.StartMs;

    public IEnumerable<CounterFact> Counters()
    {
        foreach (var row in database.Counters.All)
        {
            var limit = database.Counters.LimitOf(row.LimitId, out var isActive)!;
            yield return new(row.Id, limit.Kind, row.LimitId, row.WindowStart, row.Row.Limit, row.Row.Used, row.Row.Held)
            {
                Over = row.Over, Seeded = row.Seeded,
                Catalog = isActive ? [limit.Kind == LimitKind.Cap ? limit.RowLimitIn(new(row.WindowStart, long.MaxValue)) : limit.Limit] : null,
            };
        }
    }

    public IEnumerable<LimitFact> Limits() => database.Counters.InForce.Where(static limit => limit.Kind != LimitKind.Cap)
        .Select(limit => new LimitFact(limit.Kind, limit.Id, database.Counters.All.Exists(row => row.Key == limit.Id)));

    public IEnumerable<TransferFact> Bookings() => database.Fundings.Select(funding => FactOf(0, funding.Transfer));

    /// <summary>Nothing is closed here: an account has what its bookings come to.</summary>
    public IEnumerable<AccountFact> Accounts() => database.Fundings.Select(static funding => funding.Transfer).Concat(database.Leads.SelectMany(static lead => lead.Transfers).Select(static transfer => transfer.Transfer))
        .SelectMany(static booking => ((string, long)[])[(booking.Credit, booking.Amount.Micros), (booking.Debit, -booking.Amount.Micros)])
        .GroupBy(static side => side.Item1, StringComparer.Ordinal).Select(static sides => new AccountFact(sides.Key, new(sides.Sum(static side => side.Item2))));

    public IEnumerable<LeadFacts> Leads() => database.Leads.OrderBy(lead => lead.Id).Select(lead => new LeadFacts(
        lead.Id,
        new(lead.Publisher, lead.State, lead.MaxCopies, lead.OpenCopies, lead.OpenExclusive, lead.OfferUntilMs == 0, AnswerOf(lead)) { Waits = lead.Wait?.DueAtMs is not null },
        [.. lead.Copies.Select(copy => new CopyFact(
            copy.No, copy.Campaign, copy.Buyer, copy.Company, copy.Exclusive, copy.State, copy.Price, copy.Payout, copy.IsCalled, copy.AtMs,
            [.. copy.Takes.Select(take => new TakeFact(take.Counter.Id, take.Amount))]))],
        [.. lead.Transfers.Select(transfer => FactOf(transfer.CopyNo, transfer.Transfer))],
        [.. lead.Deliveries.Select(delivery => new DeliveryFact(
            delivery.Copy.No, (DeliveryFactState)delivery.Status, delivery.Pulled, !delivery.Pulled && delivery.DueAtMs != NewDelivery.NeverDue))],
        database.Persons.CountOf(lead.Id))
    {
        Postbacks = [.. lead.Postbacks.Select(postback => new PostbackFact(postback.Event, postback.No, DeliveryFactState.Waiting))],
        Returns = [.. database.Returns.Where(row => row.Copy.Lead == lead.Id).Select(row => new ReturnFact(row.Copy.No, (ReturnFactState)row.Status, row.IsBooked, row.DecidedAtMs ?? 0))],
    });

    public IEnumerable<RequestFact> Requests() => database.Requests.Select(request => new RequestFact(request.Key.Publisher, request.Value.Lead));

    public IEnumerable<SequenceFact> Sequences() => [];

    private static TransferFact FactOf(int copy, Transfer transfer) => new(copy, transfer.Kind, transfer.Debit, transfer.Credit, transfer.Amount);

    private static AnswerFact? AnswerOf(LeadEntry lead)
    {
        if (lead.Answer is not { } recorded) return null;
        var answer = LeadAnswer.FromJson(recorded);
        return new(answer.State, answer.Payout, answer.PayoutPending);
    }
}
