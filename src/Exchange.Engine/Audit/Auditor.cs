using Exchange.Engine.Audit.Checks;

namespace Exchange.Engine.Audit;

/// <summary>
/// Reads all facts of one moment once and says of each invariant whether it holds. The same checks judge the simulator, the crash harness and a
/// running installation.
/// </summary>
public static class Auditor
{
    /// <summary>Fresh checks, in the order of the invariants.</summary>
    public static IReadOnlyList<AuditCheck> Checks() =>
    [
        new CountersEqualSales(), new LimitsHold(), new LimitsFollowCatalog(),
        new CopiesAllowed(), new OpenCopiesEqualRows(),
        new AnswersSayTheRows(), new RequestsPointToLeads(), new OneOutcome(),
        new LedgerMatchesCopies(), new LedgerSumsToZero(), new BalancesEqualMoney(),
        new HoldsEndOnce(), new RowsAreNumbered(), new ReturnsMatchCopies(),
        new DeliveriesAccountedFor(), new SoldCopiesAreListed(), new PostbacksTellOutcomes(), new NothingHangsLoose(),
    ];

    public static AuditReport Run(IAuditFacts facts) => Run(facts, Checks());

    public static AuditReport Run(IAuditFacts facts, IReadOnlyList<AuditCheck> checks)
    {
        foreach (var check in checks) check.NowMs = facts.NowMs;
        foreach (var counter in facts.Counters()) foreach (var check in checks) check.See(counter);
        foreach (var limit in facts.Limits()) foreach (var check in checks) check.See(limit);
        foreach (var booking in facts.Bookings()) foreach (var check in checks) check.See(booking);
        foreach (var lead in facts.Leads()) foreach (var check in checks) check.See(lead);
        foreach (var request in facts.Requests()) foreach (var check in checks) check.See(request);
        foreach (var sequence in facts.Sequences()) foreach (var check in checks) check.See(sequence);
        foreach (var account in facts.Accounts()) foreach (var check in checks) check.See(account);
        return new([.. checks.Select(check => check.Result())]);
    }
}
