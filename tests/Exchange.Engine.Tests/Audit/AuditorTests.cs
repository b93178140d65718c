using Exchange.Engine.Audit;
using Exchange.Engine.Audit.Checks;
using Exchange.Engine.Caps;
using Exchange.Engine.Ledger;
using Exchange.Engine.Postbacks;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Audit;

/// <summary>Each check: nothing to find where all is well, and something where one thing was broken.</summary>
public sealed class AuditorTests
{
    private const long LongAfter = (Limits.CounterDays + 60) * 86_400_000L;
    private static readonly Money Micro = new(1);

    private static readonly (Type Check, string What, Func<MemoryFacts, MemoryFacts> Break)[] Broken =
    [
        (typeof(CountersEqualSales), "a sale that took no cap", facts => facts.WithCopy(GoodFacts.Sold, 1, copy => copy with { Takes = copy.Takes.Skip(1).ToList() })),
        (typeof(CountersEqualSales), "a cap that counts too many", facts => facts.WithCounter(GoodFacts.AcmeDay, counter => counter with { Used = counter.Used + 1 })),
        (typeof(CountersEqualSales), "a hold that was never given back", facts => facts.WithCounter(GoodFacts.AcmeDay, counter => counter with { Held = counter.Held + 1 })),
        (typeof(CountersEqualSales), "a hold that is gone while its copy is held", facts => facts.WithCounter(GoodFacts.AcmeMoney, counter => counter with { Held = 0 })),
        (typeof(CountersEqualSales), "a cap that forgot what was sold before it", facts => facts.WithCounter(GoodFacts.BestDay, counter => counter with { Used = 1 })),
        (typeof(CountersEqualSales), "an old row that counts less than its copies", facts => facts.WithCounter(GoodFacts.AcmeDay, counter => counter with { Used = 1, Seeded = null })),
        (typeof(CountersEqualSales), "a sale of a counter that is not there", facts => facts.WithoutCounter(GoodFacts.BestDay)),
        (typeof(CountersEqualSales), "a hold of a counter that went with its window", facts => facts.WithoutCounter(GoodFacts.AcmeDay) with { NowMs = GoodFacts.At + LongAfter }),
        (typeof(LimitsHold), "a cap that broke", facts => facts.WithCounter(GoodFacts.AcmeDay, counter => counter with { Limit = 4 })),
        (typeof(LimitsHold), "a lowered cap that sold on", facts => facts.WithCounter(GoodFacts.BestDay, counter => counter with { Used = 3 })),
        (typeof(LimitsHold), "a buyer who owes more than its credit", facts => facts.WithCounter(GoodFacts.AcmeMoney, counter => counter with { Limit = Money.Parse("30.00").Micros })),
        (typeof(LimitsHold), "a count below zero", facts => facts.WithCounter(GoodFacts.AcmeDay, counter => counter with { Held = -1 })),
        (typeof(LimitsHold), "a gate that counts", facts => facts.WithCounter(GoodFacts.Gate, counter => counter with { Used = 1 })),
        (typeof(LimitsFollowCatalog), "a gate of an old catalog that stands open", facts => facts.WithCounter(GoodFacts.OldGate, counter => counter with { Limit = 0 })),
        (typeof(LimitsFollowCatalog), "a paused campaign that stands open", facts => facts.WithCounter(GoodFacts.Gate, counter => counter with { Catalog = [-1] })),
        (typeof(LimitsFollowCatalog), "a window that did not follow its cap", facts => facts.WithCounter(GoodFacts.AcmeDay, counter => counter with { Catalog = [15, 20] })),
        (typeof(LimitsFollowCatalog), "a gate without its row", facts => facts with { AllLimits = [facts.AllLimits[0] with { HasCounter = false }] }),
        (typeof(LimitsFollowCatalog), "a balance without its row", facts => facts with { AllLimits = [facts.AllLimits[1] with { HasCounter = false }] }),
        (typeof(CopiesAllowed), "more copies than allowed", facts => facts.WithRow(GoodFacts.Doubt, row => row with { MaxCopies = 1 })),
        (typeof(CopiesAllowed), "an exclusive copy beside another", facts => facts.WithCopy(GoodFacts.Doubt, 2, copy => copy with { Exclusive = true })),
        (typeof(CopiesAllowed), "two copies of one company", facts => facts.WithCopy(GoodFacts.Doubt, 2, copy => copy with { Company = "acme" })),
        (typeof(OpenCopiesEqualRows), "a lead that counts a copy too few", facts => facts.WithRow(GoodFacts.Sold, row => row with { OpenCopies = 0 })),
        (typeof(OpenCopiesEqualRows), "a lead that forgot that it is exclusive", facts => facts.WithRow(GoodFacts.Sold, row => row with { OpenExclusive = false })),
        (typeof(AnswersSayTheRows), "a sale without a recorded answer", facts => facts.WithRow(GoodFacts.Sold, row => row with { Answer = null })),
        (typeof(AnswersSayTheRows), "an answer that cannot be read", facts => facts.WithRow(GoodFacts.Sold, row => row with { Answer = row.Answer! with { State = null } })),
        (typeof(AnswersSayTheRows), "a no that was answered yes", facts => facts.WithRow(GoodFacts.Unsold, row => row with { Answer = row.Answer! with { State = LeadState.Sold } })),
        (typeof(AnswersSayTheRows), "another payout than the rows'", facts => facts.WithRow(GoodFacts.Sold, row => row with { Answer = row.Answer! with { Payout = Micro } })),
        (typeof(AnswersSayTheRows), "another payout to come", facts => facts.WithRow(GoodFacts.Doubt, row => row with { Answer = row.Answer! with { Pending = Money.Zero } })),
        (typeof(RequestsPointToLeads), "a key of nothing", facts => facts with { AllRequests = [.. facts.AllRequests, new("search", GoodFacts.Id(50))] }),
        (typeof(RequestsPointToLeads), "a key of another publisher's lead", facts => facts with { AllRequests = [new("other", GoodFacts.Id(GoodFacts.Sold))] }),
        (typeof(OneOutcome), "a lead that is there twice", facts => facts with { AllLeads = [facts.AllLeads[0], .. facts.AllLeads] }),
        (typeof(OneOutcome), "an unsold lead with a sale", facts => facts.WithRow(GoodFacts.Sold, row => row with { State = LeadState.Unsold })),
        (typeof(OneOutcome), "a sold lead without one", facts => facts.WithRow(GoodFacts.Unsold, row => row with { State = LeadState.Sold })),
        (typeof(OneOutcome), "a doubt that was forgotten", facts => facts.WithCopy(GoodFacts.Held, 1, copy => copy with { State = CopyState.InDoubt })),
        (typeof(LedgerMatchesCopies), "a sale that nobody paid", facts => facts.WithTransfers(GoodFacts.Sold, _ => [])),
        (typeof(LedgerMatchesCopies), "a sale that was booked twice", facts => facts.WithTransfers(GoodFacts.Sold, booked => [.. booked, .. booked])),
        (typeof(LedgerMatchesCopies), "a micro too much for the house", facts => facts.WithTransfers(GoodFacts.Sold, booked => [booked[0], booked[1] with { Amount = booked[1].Amount + Micro }])),
        (typeof(LedgerMatchesCopies), "a payout to another publisher", facts => facts.WithTransfers(GoodFacts.Sold, booked => [booked[0] with { Credit = "publisher:other" }, booked[1]])),
        (typeof(LedgerMatchesCopies), "a voided copy that was booked", facts => facts.WithTransfers(GoodFacts.Unsold, _ => facts.AllLeads[GoodFacts.Sold].Transfers)),
        (typeof(LedgerMatchesCopies), "a refund of half", facts => facts.WithTransfers(GoodFacts.Returned, booked => booked.SkipLast(1))),
        (typeof(LedgerMatchesCopies), "a refund twice", facts => facts.WithTransfers(GoodFacts.Returned, booked => [.. booked, booked[^1]])),
        (typeof(LedgerMatchesCopies), "a refund of what was not given back", facts => facts.WithCopy(GoodFacts.Returned, 1, copy => copy with { State = CopyState.Captured })),
        (typeof(LedgerMatchesCopies), "a booking of no copy", facts => facts.WithTransfers(GoodFacts.Refused, _ => facts.AllLeads[GoodFacts.Sold].Transfers)),
        (typeof(LedgerMatchesCopies), "a test that cost money", facts => facts.WithTransfers(GoodFacts.Test, _ => facts.AllLeads[GoodFacts.Sold].Transfers)),
        (typeof(LedgerMatchesCopies), "money that others pass on by a sale", facts => facts.WithTransfers(GoodFacts.Sold, booked => [.. booked, new(1, "payout", "publisher:other", "publisher:third", Micro)])),
        (typeof(LedgerMatchesCopies), "money that goes out by a sale", facts => facts.WithTransfers(GoodFacts.Sold, booked => [.. booked, new(1, "payout", "publisher:other", "bank", Micro)])),
        (typeof(LedgerMatchesCopies), "money that went out for no lead", facts => facts with { AllBookings = [.. facts.AllBookings, new(0, "fund", "publisher:search", "bank", Micro)] }),
        (typeof(LedgerMatchesCopies), "money paid in that is called something else", facts => facts with { AllBookings = [facts.AllBookings[0] with { Kind = "payout" }] }),
        (typeof(LedgerSumsToZero), "nothing booked", facts => facts with { AllBookings = [new(0, "fund", "bank", "buyer:acme", Money.Zero)] }),
        (typeof(LedgerSumsToZero), "an account that pays itself", facts => facts with { AllBookings = [new(0, "fund", "bank", "bank", Micro)] }),
        (typeof(LedgerSumsToZero), "an account of nobody", facts => facts with { AllBookings = [new(0, "fund", "bank", "buyer:", Micro)] }),
        (typeof(LedgerSumsToZero), "an account that is said to have a micro more", facts => facts with { AllAccounts = [.. facts.Accounts().Select((account, i) => i == 1 ? account with { Balance = account.Balance + Micro } : account)] }),
        (typeof(LedgerSumsToZero), "an account that is not told of", facts => facts with { AllAccounts = [.. facts.Accounts().Skip(1)] }),
        (typeof(LedgerSumsToZero), "an account without bookings that has something", facts => facts with { AllAccounts = [.. facts.Accounts(), new("publisher:none", Micro)] }),
        (typeof(BalancesEqualMoney), "money that nobody paid in", facts => facts.WithCounter(GoodFacts.AcmeMoney, counter => counter with { Limit = counter.Limit + 1 })),
        (typeof(BalancesEqualMoney), "money that was paid in and is not there", facts => facts with { AllBookings = [.. facts.AllBookings, .. facts.AllBookings] }),
        (typeof(BalancesEqualMoney), "credit that the catalog does not give", facts => facts.WithCounter(GoodFacts.BestMoney, counter => counter with { Catalog = [0] })),
        (typeof(BalancesEqualMoney), "spent and not booked", facts => facts.WithTransfers(GoodFacts.Sold, _ => [])),
        (typeof(BalancesEqualMoney), "a buyer who pays and has no row", facts => facts.WithoutCounter(GoodFacts.BestMoney)),
        (typeof(HoldsEndOnce), "a hold that nobody goes on with", facts => facts.WithDeliveries(GoodFacts.Held)),
        (typeof(HoldsEndOnce), "a hold whose buyer is never asked again", facts => facts.WithDeliveries(GoodFacts.Held, new DeliveryFact(1, DeliveryFactState.Waiting, false, false))),
        (typeof(HoldsEndOnce), "a hold that was given up without a doubt", facts => facts.WithDeliveries(GoodFacts.Held, new DeliveryFact(1, DeliveryFactState.Dead, false, false))),
        (typeof(HoldsEndOnce), "an unsold lead that still holds", facts => facts.WithRow(GoodFacts.Held, row => row with { State = LeadState.Unsold })),
        (typeof(HoldsEndOnce), "a called copy that expired", facts => facts.WithCopy(GoodFacts.OfferOver, 1, copy => copy with { Called = true })),
        (typeof(HoldsEndOnce), "a sale to a buyer who was never told", facts => facts.WithCopy(GoodFacts.Sold, 1, copy => copy with { Called = false })),
        (typeof(HoldsEndOnce), "a posted lead whose offer is still only held", facts => facts.WithRow(GoodFacts.Offered, row => row with { Posted = true })),
        (typeof(HoldsEndOnce), "a state that is none", facts => facts.WithCopy(GoodFacts.Sold, 1, copy => copy with { State = (CopyState)9 })),
        (typeof(DeliveriesAccountedFor), "a sale that is never delivered", facts => facts.WithDeliveries(GoodFacts.Sold)),
        (typeof(DeliveriesAccountedFor), "a sold copy that is never due", facts => facts.WithDeliveries(GoodFacts.Sold, new DeliveryFact(1, DeliveryFactState.Waiting, false, false))),
        (typeof(DeliveriesAccountedFor), "a loser who will be sent the lead", facts => facts.WithDeliveries(GoodFacts.Unsold, new DeliveryFact(1, DeliveryFactState.Waiting, false, true))),
        (typeof(DeliveriesAccountedFor), "a loser with the lead in its inbox", facts => facts.WithDeliveries(GoodFacts.Unsold, new DeliveryFact(2, DeliveryFactState.Waiting, true, false))),
        (typeof(DeliveriesAccountedFor), "a state that is none", facts => facts.WithDeliveries(GoodFacts.Sold, new DeliveryFact(1, (DeliveryFactState)9, false, false))),
        (typeof(SoldCopiesAreListed), "a sale that its buyer never sees", facts => facts.WithListed(GoodFacts.Sold)),
        (typeof(SoldCopiesAreListed), "a sale that its buyer sees twice", facts => facts.WithListed(GoodFacts.Sold, new ListedFact(1, "acme"), new ListedFact(1, "acme"))),
        (typeof(SoldCopiesAreListed), "a doubt in its buyer's list", facts => facts.WithListed(GoodFacts.Doubt, new ListedFact(1, "acme"), new ListedFact(2, "best"))),
        (typeof(SoldCopiesAreListed), "a sale in another buyer's list", facts => facts.WithListed(GoodFacts.Sold, new ListedFact(1, "best"))),
        (typeof(SoldCopiesAreListed), "a place of no copy", facts => facts.WithListed(GoodFacts.Refused, new ListedFact(1, "acme"))),
        (typeof(SoldCopiesAreListed), "a test in a list", facts => facts.WithListed(GoodFacts.Test, new ListedFact(1, "acme"))),
        (typeof(SoldCopiesAreListed), "a sale whose first wait is over, and nobody sees it",
            facts => facts.WithListed(GoodFacts.Sold).WithDeliveries(GoodFacts.Sold, new DeliveryFact(1, DeliveryFactState.Waiting, false, true), new DeliveryFact(1, DeliveryFactState.Waiting, false, true) { Waits = true })),
        (typeof(ReturnsMatchCopies), "a copy that came back and nobody gave it", facts => facts.WithReturns(GoodFacts.Returned)),
        (typeof(ReturnsMatchCopies), "a copy that came back though it was refused", facts => facts.WithReturns(GoodFacts.Returned, new ReturnFact(1, ReturnFactState.Refused, false, GoodFacts.At))),
        (typeof(ReturnsMatchCopies), "a return that is booked and its copy sold", facts => facts.WithReturns(GoodFacts.Sold, new ReturnFact(1, ReturnFactState.Accepted, true, GoodFacts.At))),
        (typeof(ReturnsMatchCopies), "a return that was accepted and forgotten", facts => facts.WithReturns(GoodFacts.Sold, new ReturnFact(1, ReturnFactState.Accepted, false, GoodFacts.At - 601_000))),
        (typeof(ReturnsMatchCopies), "a return of what was not sold", facts => facts.WithReturns(GoodFacts.Unsold, new ReturnFact(1, ReturnFactState.Requested, false, 0))),
        (typeof(ReturnsMatchCopies), "a return of no copy", facts => facts.WithReturns(GoodFacts.Refused, new ReturnFact(1, ReturnFactState.Requested, false, 0))),
        (typeof(ReturnsMatchCopies), "a state that is none", facts => facts.WithReturns(GoodFacts.Sold, new ReturnFact(1, (ReturnFactState)9, false, 0))),
        (typeof(PostbacksTellOutcomes), "a sale that is told and was none", facts => facts.WithLead(GoodFacts.Held, lead => lead with { Postbacks = [GoodFacts.Told(PostbackEvent.Sold, 1)] })),
        (typeof(PostbacksTellOutcomes), "a sale of no copy", facts => facts.WithLead(GoodFacts.Sold, lead => lead with { Postbacks = [GoodFacts.Told(PostbackEvent.Sold, 2)] })),
        (typeof(PostbacksTellOutcomes), "a no that is told of a sold lead", facts => facts.WithLead(GoodFacts.Sold, lead => lead with { Postbacks = [GoodFacts.Told(PostbackEvent.Unsold, 0)] })),
        (typeof(PostbacksTellOutcomes), "a return that never came", facts => facts.WithLead(GoodFacts.Sold, lead => lead with { Postbacks = [GoodFacts.Told(PostbackEvent.Returned, 1)] })),
        (typeof(PostbacksTellOutcomes), "a state that is none", facts => facts.WithLead(GoodFacts.Sold, lead => lead with { Postbacks = [GoodFacts.Told(PostbackEvent.Sold, 1) with { State = DeliveryFactState.Failed }] })),
        (typeof(NothingHangsLoose), "a postback of no lead", facts => facts.WithLead(GoodFacts.Refused, lead => lead with { Lead = null, Postbacks = [GoodFacts.Told(PostbackEvent.Unsold, 0)] })),
        (typeof(RowsAreNumbered), "a row that went", facts => facts.WithSequence(sequence => sequence with { Rows = 7, Distinct = 7 })),
        (typeof(RowsAreNumbered), "a number twice", facts => facts.WithSequence(sequence => sequence with { Distinct = 7 })),
        (typeof(RowsAreNumbered), "a number that was never given", facts => facts.WithSequence(sequence => sequence with { Given = 7 })),
        (typeof(RowsAreNumbered), "the last row that went", facts => facts.WithSequence(sequence => sequence with { Given = 9 })),
        (typeof(RowsAreNumbered), "a number below one", facts => facts.WithSequence(sequence => sequence with { First = 0 })),
        (typeof(NothingHangsLoose), "copies without their lead", facts => facts.WithLead(GoodFacts.Sold, lead => lead with { Lead = null })),
        (typeof(NothingHangsLoose), "a delivery of no copy", facts => facts.WithDeliveries(GoodFacts.Refused, new DeliveryFact(1, DeliveryFactState.Failed, false, false))),
        (typeof(NothingHangsLoose), "a test that remembers somebody", facts => facts.WithLead(GoodFacts.Test, lead => lead with { Persons = 1 })),
    ];

    public static TheoryData<string, string> WaysToBreak
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (check, what, _) in Broken) data.Add(check.Name, what);
            return data;
        }
    }

    [Fact]
    public void Audit_WhereAllIsWell_FindsNothingAndLooksAtEverything()
    {
        var report = Auditor.Run(GoodFacts.All());

        report.Checks.SelectMany(check => check.Findings).ShouldBeEmpty();
        report.IsClean.ShouldBeTrue();
        report.Checks.ShouldAllBe(check => check.Looked > 0);
    }

    [Theory]
    [MemberData(nameof(WaysToBreak))]
    public void Check_WhereOneThingIsBroken_FindsIt(string check, string what)
    {
        var (_, _, broken) = Broken.Single(row => row.Check.Name == check && row.What == what);

        var report = Auditor.Run(broken(GoodFacts.All()), [Auditor.Checks().Single(one => one.GetType().Name == check)]);

        report.IsClean.ShouldBeFalse();
        report.Checks[0].Findings.ShouldNotBeEmpty();
    }

    [Fact]
    public void Checks_All_AreBrokenByTheTable() =>
        Auditor.Checks().Select(check => check.GetType()).ShouldBe(Broken.Select(row => row.Check).Distinct(), ignoreOrder: true);

    [Fact]
    public void LoweredLimit_BelowWhatStood_IsNotedAndNoFinding()
    {
        var report = Auditor.Run(GoodFacts.All(), [new LimitsHold()]);

        report.IsClean.ShouldBeTrue();
        report.Checks[0].Notes.ShouldHaveSingleItem().Subject.ShouldStartWith("c:best-west");
    }

    [Fact]
    public void Return_JustAccepted_IsNotedAndNoFinding()
    {
        var report = Auditor.Run(GoodFacts.All().WithReturns(GoodFacts.Sold, new ReturnFact(1, ReturnFactState.Accepted, false, GoodFacts.At)), [new ReturnsMatchCopies()]);

        report.IsClean.ShouldBeTrue();
        report.Checks[0].Notes.ShouldHaveSingleItem().Subject.ShouldBe(GoodFacts.All().AllLeads[GoodFacts.Sold].CopyId(1).ToString());
    }

    [Fact]
    public void Sale_WhoseDeliveriesAllWait_IsInNoListYet()
    {
        var facts = GoodFacts.All().WithListed(GoodFacts.Sold).WithDeliveries(GoodFacts.Sold, new DeliveryFact(1, DeliveryFactState.Waiting, false, true) { Waits = true });

        Auditor.Run(facts, [new SoldCopiesAreListed()]).IsClean.ShouldBeTrue();
    }

    [Fact]
    public void Sale_OfACounterThatWentLongAfterItsWindow_IsNoFinding()
    {
        var facts = GoodFacts.All().WithoutCounter(GoodFacts.BestDay) with { NowMs = GoodFacts.At + LongAfter };

        Auditor.Run(facts, [new CountersEqualSales()]).IsClean.ShouldBeTrue();
    }

    [Fact]
    public void CapByValue_ThatBroke_IsNamedWithoutTheValue()
    {
        var facts = GoodFacts.All().WithCounter(GoodFacts.AcmeDay, counter => counter with { Limit = 0, LimitId = "c:acme-west:leads:day:UTC:by:email" });

        Auditor.Run(facts, [new LimitsHold()]).Checks[0].Findings[0].Subject.ShouldBe("c:acme-west:leads:day:UTC:by:email@1780000000");
    }

    /// <summary>Numbers of counters that housekeeping removed are given again.</summary>
    [Fact]
    public void Take_OfACounterThatIsYounger_IsNotItsOwn()
    {
        var facts = GoodFacts.All();
        var old = facts.WithCounter(GoodFacts.AcmeDay, counter => counter with { WindowStart = counter.WindowStart + 86_400, Used = 0, Held = 0 });

        Auditor.Run(old, [new CountersEqualSales()]).IsClean.ShouldBeTrue();
        facts.AllCounters[GoodFacts.AcmeDay].Kind.ShouldBe(LimitKind.Cap);
    }

    [Fact]
    public void Findings_OfMany_AreCountedAndTheFirstShown()
    {
        var facts = GoodFacts.All();
        var many = facts with { AllRequests = [.. Enumerable.Range(0, 1000).Select(i => new RequestFact("search", GoodFacts.Id(100 + i)))] };

        var result = Auditor.Run(many, [new RequestsPointToLeads()]).Checks[0];

        (result.Looked, result.Found, result.Findings.Count).ShouldBe((1000, 1000, Limits.FindingsPerCheck));
    }
}
