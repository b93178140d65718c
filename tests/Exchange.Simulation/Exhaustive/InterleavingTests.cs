using System.Globalization;
using Exchange.Engine;
using Exchange.Engine.Audit;
using Exchange.Engine.Audit.Checks;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Values;
using Exchange.Simulation.Checks;
using Exchange.Simulation.Scheduling;
using Exchange.Simulation.Store;
using Exchange.Storage;
using Shouldly;
using Xunit.Abstractions;

namespace Exchange.Simulation.Exhaustive;

/// <summary>
/// Small and complete: two silos with three operations on one hold between them, in every order, each commit known or sent again because its reply
/// was lost. Nothing is left to chance.
/// </summary>
public sealed class InterleavingTests(ITestOutputHelper output)
{
    private static readonly Money Price = Money.Parse("10.00");
    private static readonly Money Payout = Money.Parse("8.00");

    private enum Op { Capture, Void, Expire, Call, Doubt, VoidAndHoldNext }

    private static readonly Op[] Ops = Enum.GetValues<Op>();

    private static readonly LimitModel[] Limits =
    [
        new() { Ordinal = 0, Kind = LimitKind.Cap, Id = "c:a:leads:day:UTC", Reason = Reason.CapDay, Scope = CapScope.Campaign, Owner = "a", Limit = 1, Period = new DayPeriod(), Zone = TimeZoneInfo.Utc },
        new() { Ordinal = 1, Kind = LimitKind.Balance, Id = "bal:a", Reason = Reason.Balance, Scope = CapScope.Buyer, Owner = "a", Limit = 10_000_000 },
        new() { Ordinal = 2, Kind = LimitKind.Balance, Id = "bal:b", Reason = Reason.Balance, Scope = CapScope.Buyer, Owner = "b", Limit = 10_000_000 },
    ];

    [Fact]
    public void Hold_OverEveryOrderOfThreeOperationsByTwoSilos_EndsExactlyOnce()
    {
        var runs = 0;
        foreach (var called in (bool[])[false, true])
            foreach (var first in Ops)
                foreach (var second in Ops)
                    foreach (var third in Ops)
                        // Which silo has which operation, in its own order.
                        for (var owners = 0; owners < 8; owners++)
                        {
                            Op[] all = [first, second, third];
                            Queue<Op> Of(int silo) => new(all.Where((_, i) => (owners >> i & 1) == silo));
                            Walk(called, [.. Of(0)], [.. Of(1)], [], ref runs);
                        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{runs} orders"));
        runs.ShouldBeGreaterThan(20_000);
    }

    /// <summary>Depth first: whose commit arrives next, and whether it arrives a second time.</summary>
    private static void Walk(bool called, Op[] here, Op[] there, List<(Op Op, bool Again)> order, ref int runs)
    {
        if (here.Length + there.Length == 0)
        {
            runs++;
            Play(called, order);
            return;
        }
        foreach (var again in (bool[])[false, true])
        {
            if (here.Length > 0) Walk(called, here[1..], there, [.. order, (here[0], again)], ref runs);
            if (there.Length > 0) Walk(called, here, there[1..], [.. order, (there[0], again)], ref runs);
        }
    }

    private static void Play(bool called, List<(Op Op, bool Again)> order)
    {
        var database = new SimDatabase();
        database.ApplyCatalog(new CatalogApply([], "admin", null, Limits), SimLoop.StartMs);
        var lead = LeadId.Create(SimLoop.StartMs, 1, false, 1);
        Apply(Begin(lead, called)).Code.ShouldBe(VerdictCode.Done);
        var ends = 0;
        foreach (var (op, again) in order)
        {
            var verdict = Apply(ItemOf(lead, op));
            if (verdict.Code == VerdictCode.Done && op is not (Op.Call or Op.Doubt)) ends++;
            // The commit was there, its reply was not: the same again finds itself or what came of it, and changes nothing.
            if (again) Apply(ItemOf(lead, op)).Code.ShouldNotBe(VerdictCode.Done, string.Join(", ", order));
        }
        var row = database.Find(lead)!;
        var told = string.Join(", ", order) + (called ? " after a call" : " before any call");
        ends.ShouldBeLessThanOrEqualTo(1, told);
        (row.Copies[0].State is CopyState.Captured or CopyState.Voided or CopyState.Expired).ShouldBe(ends == 1, told);
        var report = Auditor.Run(new SimFacts(database), [new CountersEqualSales(), new LimitsHold(), new CopiesAllowed(), new OpenCopiesEqualRows(), new LedgerMatchesCopies(), new BalancesEqualMoney(), new OneOutcome()]);
        report.Checks.Where(check => check.Found > 0).Select(check => check.Name + ": " + check.Findings[0].What).ShouldBeEmpty(told);

        Verdict Apply(JournalItem item) => database.Apply(item, "silo", new News());
    }

    private static JournalItem Begin(LeadId lead, bool called) => new()
    {
        Lead = lead, AtMs = SimLoop.StartMs, State = LeadState.Open, Starts = [Copy(1, "a")],
        New = new NewLead("p", "auto", null, false, 1, called ? [1] : [], [], 1) { OfferUntilMs = called ? 0 : SimLoop.StartMs + 1 },
    };

    private static NewCopy Copy(int no, string buyer) => new(
        no, "1", buyer, buyer, buyer, true, CopyMove.Hold, Price, Payout,
        [.. Limits.Where(limit => limit.Owner == buyer).Select(limit => new Take(limit.KeyAt(SimLoop.StartMs / 1000, out _), limit.AmountOf(Price, Payout), limit.Id, limit.Reason))], [], []);

    private static JournalItem ItemOf(LeadId lead, Op op)
    {
        var (move, state) = op switch
        {
            Op.Capture => (CopyMove.Capture, LeadState.Sold),
            Op.Expire => (CopyMove.Expire, LeadState.Unsold),
            Op.Call => (CopyMove.Call, LeadState.Open),
            Op.Doubt => (CopyMove.Doubt, LeadState.InDoubt),
            Op.VoidAndHoldNext => (CopyMove.Void, LeadState.Open),
            _ => (CopyMove.Void, LeadState.Unsold),
        };
        return new()
        {
            Lead = lead, AtMs = SimLoop.StartMs + 1, State = state, Seen = [], Starts = op == Op.VoidAndHoldNext ? [Copy(2, "b")] : [],
            Ends = [new(1, move, Reason.None, move == CopyMove.Capture ? [new("payout", "buyer:a", "publisher:p", Payout), new("margin", "buyer:a", "house", Price - Payout)] : [])],
        };
    }
}
