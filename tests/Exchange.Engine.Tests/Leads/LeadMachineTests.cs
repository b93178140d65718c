using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Leads;

public sealed class LeadMachineTests
{
    // The example of the price rules: at 80 %, bids 12.50, 11.00, 9.50 under second price: offered 8.80 at 11.00.
    private static Market Three(bool onAccept, long? firstDayLeads = null) => new()
    {
        Campaigns =
        [
            new("a", "12.50") { OnAccept = onAccept, DayLeads = firstDayLeads },
            new("b", "11.00") { OnAccept = onAccept },
            new("c", "9.50") { OnAccept = onAccept },
        ],
        Tiers = [new(TierMethod.Auction, "a", "b", "c") { Pricing = TierPricing.SecondPrice, Floor = "5.00" }],
    };

    private static (LeadRun Run, NaiveJournal Journal) Begin(Market market)
    {
        var ping = Market.Ping();
        var journal = new NaiveJournal(market.Model);
        return (new LeadRun(market, journal, Market.Record(ping, market.Run(ping))), journal);
    }

    [Fact]
    public void Post_SoldOnPost_IsOneItemAndNobodyIsCalled()
    {
        var (run, journal) = Begin(Three(onAccept: false));
        run.Post();
        run.Tell().ShouldBe("a 11.00 8.80 Captured");
        run.Called.ShouldBeEmpty();
        journal.Transfers.ShouldBe([new("payout", "buyer:a", "publisher:p", Money.Parse("8.80")), new("margin", "buyer:a", "house", Money.Parse("2.20"))]);
    }

    [Theory]
    // the promise is 8.80: a lower price counts if it pays that
    [InlineData("10.00", "10.00")]
    [InlineData("8.80", "8.80")]
    [InlineData("8.79", "11.00")]
    [InlineData("0.00", "11.00")]
    [InlineData("11.00", "11.00")]
    [InlineData("12.00", "11.00")]
    public void Accepted_AtAnotherPrice_PaysIt_IfItIsLowerAndThePromiseSurvives(string named, string paid)
    {
        var (run, journal) = Begin(Three(onAccept: true));
        run.Post();
        run.Answer(1, BuyerAnswer.Accepted, Money.Parse(named));
        run.Tell().ShouldBe($"a {paid} 8.80 Captured");
        var margin = Money.Parse(paid) - Money.Parse("8.80");
        journal.Transfers.ShouldBe([new("payout", "buyer:a", "publisher:p", Money.Parse("8.80")), .. margin > Money.Zero ? [new Transfer("margin", "buyer:a", "house", margin)] : Array.Empty<Transfer>()]);
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
        journal.Used["bal:a"].ShouldBe(Money.Parse(paid).Micros);
    }

    [Theory]
    // answers in turn            who was asked   what became of it
    [InlineData("yes", "a", "a 11.00 8.80 Captured")]
    [InlineData("no yes", "a b", "b 11.00 8.80 Captured")]
    [InlineData("no no", "a b", "b 11.00 8.80 Lost all_rejected")]
    [InlineData("duplicate yes", "a b", "b 11.00 8.80 Captured")]
    [InlineData("unknown", "a", "a 11.00 8.80 InDoubt")]
    [InlineData("unknown unknown yes", "a", "a 11.00 8.80 Captured")]
    [InlineData("unknown duplicate", "a", "a 11.00 8.80 InDoubt")]
    [InlineData("unknown no yes", "a b", "b 11.00 8.80 Captured")]
    [InlineData("later", "a", "a 11.00 8.80 Held")]
    [InlineData("later yes", "a", "a 11.00 8.80 Captured")]
    public void Post_SoldOnAccept_FollowsTheBuyersAnswers(string answers, string asked, string outcome)
    {
        var (run, journal) = Begin(Three(onAccept: true));
        run.Post();
        foreach (var answer in answers.Split(' '))
        {
            run.Answer(answer switch
            {
                "yes" => BuyerAnswer.Accepted, "no" => BuyerAnswer.Refused, "duplicate" => BuyerAnswer.Duplicate, "later" => BuyerAnswer.Later, _ => BuyerAnswer.Unknown,
            });
        }
        run.Tell().ShouldBe(outcome);
        string.Join(' ', run.Called).ShouldBe(asked);
        var sold = run.Sale.State == LeadState.Sold;
        journal.Transfers.Where(transfer => transfer.Credit == "publisher:p").Sum(transfer => transfer.Amount.Micros).ShouldBe(sold ? Money.Parse("8.80").Micros : 0);
        var held = run.Sale.State is LeadState.InDoubt or LeadState.Pending;
        journal.Held.Values.Sum().ShouldBe(held ? 1 + Money.Parse("8.80").Micros + Money.Parse("11.00").Micros : 0);
    }

    [Fact]
    public void Post_FirstIsCappedMeanwhile_TheNextPaysThePromise()
    {
        var market = Three(onAccept: false, firstDayLeads: 5);
        var (run, journal) = Begin(market);
        journal.SetLimit("c:a:leads:day", 0);
        run.Post();
        run.Tell().ShouldBe("b 11.00 8.80 Captured");
        run.Sale.Slots[0].LostBy.ShouldBe(Reason.CapDay);
        PassedOver(run, journal).ShouldBe(["a 11.00 cap_day"]);
    }

    [Fact]
    public void Post_FirstIsSold_NobodyWasPassedOver()
    {
        var (run, journal) = Begin(Three(onAccept: true));
        run.Post();
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Accepted);
        run.Tell().ShouldBe("b 11.00 8.80 Captured");
        // Its copy tells why the first one has it not.
        PassedOver(run, journal).ShouldBeEmpty();
    }

    [Fact]
    public void BetweenTwoRanks_WhoMayNotHaveTheLead_IsTold_WhoComesLaterIsNot()
    {
        var market = new Market
        {
            Campaigns =
            [
                new("a", "10.00") { OnAccept = true }, new("b", "11.00") { OnAccept = true, Consent = ConsentLevel.Proof }, new("c", "10.00") { OnAccept = true },
                new("d", "10.00") { OnAccept = true, Consent = ConsentLevel.Proof },
            ],
            Tiers = [new(TierMethod.Priority, "a", "b", "c", "d")],
        };
        var (run, journal) = Begin(market);
        run.WithoutProof().Post();
        PassedOver(run, journal).ShouldBeEmpty();
        run.Answer(BuyerAnswer.Refused);
        run.Called.ShouldBe(["a", "c"]);
        PassedOver(run, journal).ShouldBe(["b 11.00 consent_missing"]);
        run.Answer(BuyerAnswer.Unknown);
        run.Answer(BuyerAnswer.Refused);
        run.Tell().ShouldBe("c 10.00 8.00 Lost all_rejected");
        PassedOver(run, journal).ShouldBe(["b 11.00 consent_missing", "d 10.00 consent_missing"]);
    }

    /// <summary>Between the two ranks stand b, which refused its copy, and c, which has one; neither may have the lead any more.</summary>
    [Fact]
    public void BetweenTwoRanks_WhoHasOrHadACopy_IsToldByIt()
    {
        Wants Of(string name, string bid, ConsentLevel consent = ConsentLevel.None) => new(name, bid) { Sharing = Sharing.Shared, OnAccept = true, Consent = consent };
        var market = new Market
        {
            Campaigns = [Of("a", "20.00"), Of("b", "20.00", ConsentLevel.Proof), Of("c", "20.00", ConsentLevel.Proof), Of("d", "20.00", ConsentLevel.Proof), Of("e", "20.00")],
            Tiers = [new(TierMethod.Priority, "a", "b", "c", "d", "e") { Copies = 2 }],
        };
        var (run, journal) = Begin(market);
        run.Post();
        run.Answer(2, BuyerAnswer.Refused);
        run.Tell().ShouldBe("a 20.00 16.00 Held | c 20.00 16.00 Held");
        run.WithoutProof().Answer(1, BuyerAnswer.Refused);
        run.Tell().ShouldBe("e 20.00 16.00 Held | c 20.00 16.00 Held");
        run.Called.ShouldBe(["a", "b", "c", "e"]);
        PassedOver(run, journal).ShouldBe(["d 20.00 consent_missing"]);
    }

    [Fact]
    public void PublisherIsFull_BeforeTheNextCopy_WhatIsSoldStands_AndTheNextIsTold()
    {
        var market = new Market
        {
            Campaigns =
            [
                new("a", "27.00") { Sharing = Sharing.Shared, OnAccept = true }, new("b", "24.00") { Sharing = Sharing.Shared },
                new("c", "27.00") { Sharing = Sharing.Shared, OnAccept = true },
            ],
            Tiers = [new(TierMethod.Priority, "a", "b", "c") { Copies = 2 }],
        };
        var (run, journal) = Begin(market);
        run.Post();
        run.Tell().ShouldBe("a 27.00 21.60 Held | b 24.00 19.20 Captured");
        journal.SetLimit("p:p:leads:day", 1);
        run.Answer(BuyerAnswer.Refused);
        run.Tell().ShouldBe("c 27.00 21.60 Lost | b 24.00 19.20 Captured");
        run.Called.ShouldBe(["a"]);
        PassedOver(run, journal).ShouldBe(["c 27.00 publisher_cap"]);
    }

    /// <summary>What the rows tell: "campaign price reason" in the order of the items.</summary>
    private static string[] PassedOver(LeadRun run, NaiveJournal journal) =>
        [.. journal.Leads[run.Sale.Id].PassedOver.Select(passed => $"{passed.Campaign} {passed.Price} {passed.Reason.Wire()}")];

    [Fact]
    public void Post_PublisherIsFull_IsUnsoldForThatReasonAndNobodyElseIsTried()
    {
        var (run, journal) = Begin(Three(onAccept: true));
        journal.SetLimit("p:p:leads:day", 0);
        run.Post();
        run.Tell().ShouldBe("a 11.00 8.80 Lost publisher_cap");
        run.Called.ShouldBeEmpty();
        journal.Leads[run.Sale.Id].State.ShouldBe(LeadState.Unsold);
    }

    [Fact]
    public void Refusal_NextRankIsFullMeanwhile_TheOneAfterIsAskedInTheSameVoid()
    {
        var market = new Market
        {
            Campaigns = [new("a", "10.00") { OnAccept = true }, new("b", "10.00") { OnAccept = true, DayLeads = 9 }, new("c", "10.00") { OnAccept = true }],
            Tiers = [new(TierMethod.Priority, "a", "b", "c")],
        };
        var (run, journal) = Begin(market);
        run.Post();
        journal.SetLimit("c:b:leads:day", 0);
        run.Answer(BuyerAnswer.Refused);
        run.Called.ShouldBe(["a", "c"]);
        run.Answer(BuyerAnswer.Accepted);
        run.Tell().ShouldBe("c 10.00 8.00 Captured");
        PassedOver(run, journal).ShouldBe(["b 10.00 cap_day"]);
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
    }

    [Fact]
    public void SharedCopies_OneRefuses_TheOthersStand()
    {
        var market = new Market
        {
            Campaigns =
            [
                new("a", "27.00") { Sharing = Sharing.Shared, OnAccept = true }, new("b", "24.00") { Sharing = Sharing.Shared },
                new("c", "21.00") { Sharing = Sharing.Shared, OnAccept = true },
            ],
            Tiers = [new(TierMethod.Auction, "a", "b", "c") { Copies = 3 }],
        };
        var (run, journal) = Begin(market);
        run.Post();
        run.Called.ShouldBe(["a", "c"]);
        run.Answer(run.Sale.Slots[0].CopyNo, BuyerAnswer.Refused);
        run.Answer(run.Sale.Slots[2].CopyNo, BuyerAnswer.Unknown);
        run.Tell().ShouldBe("a 27.00 21.60 Lost | b 24.00 19.20 Captured | c 21.00 16.80 InDoubt");
        run.Sale.State.ShouldBe(LeadState.Sold);
        run.Answer(BuyerAnswer.Accepted);
        run.Sale.IsSettled.ShouldBeTrue();
        journal.Leads[run.Sale.Id].Copies.Values.Count(copy => copy.State == CopyState.Captured).ShouldBe(2);
    }

    [Fact]
    public void Refused_BeforeAnythingIsHeld_IsRecordedAsThatNo()
    {
        var (run, journal) = Begin(Three(onAccept: true));
        run.Post(Reason.Suppressed);
        run.Tell().ShouldBe("a 11.00 8.80 Lost suppressed");
        (journal.Leads[run.Sale.Id].State, journal.Leads[run.Sale.Id].Reason).ShouldBe((LeadState.Unsold, Reason.Suppressed));
        journal.Held.Values.Concat(journal.Used.Values).ShouldAllBe(amount => amount == 0);
    }

    [Fact]
    public void Answer_AfterTheCopyEnded_ChangesNothing()
    {
        var (run, _) = Begin(Three(onAccept: true));
        run.Post();
        run.Answer(BuyerAnswer.Accepted);
        var before = run.Tell();
        run.Answer(1, BuyerAnswer.Refused);
        run.Tell().ShouldBe(before);
        run.Called.ShouldBe(["a"]);
    }

    [Fact]
    public void Test_TakesNothingAndReachesNobody()
    {
        var market = Three(onAccept: true);
        var ping = Market.Ping() with { Test = true };
        var journal = new NaiveJournal(market.Model);
        var run = new LeadRun(market, journal, Market.Record(ping, market.Run(ping)));
        run.Post();
        run.Tell().ShouldBe("a 11.00 8.80 Captured");
        run.Called.ShouldBeEmpty();
        journal.Transfers.ShouldBeEmpty();
        journal.Used.Values.Concat(journal.Held.Values).ShouldAllBe(amount => amount == 0);
    }

    [Fact]
    public void TestOver_EndsWhatIsHeld_AsksNobodyElse_AndLeavesADoubt()
    {
        // Where a test's buyer is to be pending or in doubt, its copies are held without anybody being asked.
        var (pending, doubtful) = (Test(LeadState.Pending), Test(LeadState.InDoubt));
        pending.Tell().ShouldBe("a 11.00 8.80 Held");
        pending.TestOver();
        pending.Tell().ShouldBe("a 11.00 8.80 Lost expired");
        pending.Sale.Slots[0].LostBy.ShouldBe(Reason.Expired);
        pending.Called.ShouldBeEmpty();
        pending.TestOver();
        pending.Tell().ShouldBe("a 11.00 8.80 Lost expired");

        doubtful.Answer(1, BuyerAnswer.Unknown);
        doubtful.TestOver();
        doubtful.Tell().ShouldBe("a 11.00 8.80 InDoubt");

        static LeadRun Test(LeadState comesTo)
        {
            var market = Three(onAccept: true);
            var ping = Market.Ping() with { Test = true };
            var run = new LeadRun(market, new NaiveJournal(market.Model), Market.Record(ping, market.Run(ping))).ComingTo(comesTo);
            run.Post();
            return run;
        }
    }
}
