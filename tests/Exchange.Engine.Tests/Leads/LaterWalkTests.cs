using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Leads;

/// <summary>What comes after the ping's own ranks: a reauction, the tree for what is unsold.</summary>
public sealed class LaterWalkTests
{
    // At 80 %, second price: a (12.50) is offered at 11.00, the publisher is promised 8.80. c's 9.50 cannot pay that.
    private static Market Three(bool reauction, Tier[]? unsold = null) => new()
    {
        Campaigns =
        [
            new("a", "12.50") { OnAccept = true, DayLeads = 50 }, new("b", "11.00") { OnAccept = true, DayLeads = 50 }, new("c", "9.50") { OnAccept = true },
            new("late", "15.00") { OnAccept = true, DayLeads = 50 }, new("x", "4.00") { OnAccept = true }, new("y", "3.00") { Sharing = Sharing.Shared }, new("z", "2.50") { Sharing = Sharing.Shared },
        ],
        Tiers = [new(TierMethod.Auction, "a", "b", "c", "late") { Pricing = TierPricing.SecondPrice, Floor = "5.00" }],
        Reauction = reauction, UnsoldTiers = unsold,
    };

    private static (LeadRun Run, NaiveJournal Journal) Begin(Market market)
    {
        // One campaign has no room at the ping; at the post it may have.
        market.Used["c:late:leads:day"] = 50;
        var ping = Market.Ping();
        var journal = new NaiveJournal(market.Model);
        return (new LeadRun(market, journal, Market.Record(ping, market.Run(ping))), journal);
    }

    [Fact]
    public void AllRefuse_CampaignsAreAskedAnew_AndPayExactlyThePromise()
    {
        var (run, journal) = Begin(Three(reauction: true));
        run.Post();
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Refused);
        run.Called.ShouldBe(["a", "b", "late"]);
        run.Answer(BuyerAnswer.Accepted);
        // Whoever fell out counts no more: the best losing bid is c's 9.50; the promise asks for 11.00.
        run.Tell().ShouldBe("late 11.00 8.80 Captured");
        run.Walks.ShouldBe(1);
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
    }

    [Fact]
    public void AllRefuse_WithoutReauction_IsUnsold()
    {
        var (run, _) = Begin(Three(reauction: false));
        run.Post();
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Refused);
        run.Tell().ShouldBe("b 11.00 8.80 Lost all_rejected");
        run.Walks.ShouldBe(0);
    }

    [Fact]
    public void ReauctionRefusesToo_IsNotRepeated()
    {
        var (run, journal) = Begin(Three(reauction: true));
        run.Post();
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Refused);
        run.Called.ShouldBe(["a", "b", "late"]);
        run.Tell().ShouldBe("late 11.00 8.80 Lost all_rejected");
        run.Walks.ShouldBe(1);
        journal.Leads[run.Sale.Id].State.ShouldBe(LeadState.Unsold);
    }

    [Fact]
    public void PostAfterTheOffersEnd_IsSoldByWhoeverBidsNow_AtThePromise()
    {
        var (run, journal) = Begin(Three(reauction: true));
        journal.SetLimit("c:a:leads:day", 0);
        run.AfterItsEnd().Post();
        run.Answer(BuyerAnswer.Accepted);
        run.Called.ShouldBe(["late"]);
        run.Tell().ShouldBe("late 11.00 8.80 Captured");
    }

    [Fact]
    public void PostAfterTheOffersEnd_NobodyPaysThePromise_IsExpired()
    {
        var (run, journal) = Begin(Three(reauction: true));
        foreach (var id in (string[])["a", "b", "late"]) journal.SetLimit($"c:{id}:leads:day", 0);
        run.AfterItsEnd().Post();
        run.Called.ShouldBeEmpty();
        run.Tell().ShouldEndWith("Lost expired");
        journal.Leads[run.Sale.Id].Reason.ShouldBe(Reason.Expired);
    }

    [Fact]
    public void NobodyTakesIt_TheTreeForWhatIsUnsoldSellsIt_AtItsOwnPayout()
    {
        var (run, journal) = Begin(Three(reauction: false, [new(TierMethod.Auction, "x"), new(TierMethod.Auction, "y", "z") { Copies = 2 }]));
        run.Post();
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Refused);
        run.Called.ShouldBe(["a", "b", "x"]);
        run.Answer(BuyerAnswer.Accepted);
        run.Tell().ShouldBe("b 11.00 8.80 Lost | x 4.00 3.20 Captured");
        run.Sale.State.ShouldBe(LeadState.Sold);
        var sold = journal.Leads[run.Sale.Id].Copies[3];
        (sold.Made.OfferId, sold.Made.Trees.Single(), sold.Made.Tier).ShouldBe(("101", "rest", "rest/t0"));
    }

    [Fact]
    public void UnsoldTreesWinnerRefuses_ItsNextRankKeepsThatPromise()
    {
        var (run, _) = Begin(Three(reauction: false, [new(TierMethod.Priority, "x", "late")]));
        run.Post();
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Refused);
        run.Called.ShouldBe(["a", "b", "x", "late"]);
        run.Answer(BuyerAnswer.Accepted);
        run.Tell().ShouldBe("b 11.00 8.80 Lost | late 15.00 3.20 Captured");
    }

    [Theory]
    [InlineData("3.20", "x 4.00 3.20 Held")]
    [InlineData("3.21", "Lost all_rejected")]
    public void UnsoldTree_PaysNotLessThanThePostAsksFor(string minPayout, string end)
    {
        var (run, _) = Begin(Three(reauction: false, [new(TierMethod.Auction, "x")]));
        run.AskingFor(minPayout).Post();
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Refused);
        run.Tell().ShouldEndWith(end);
    }

    [Fact]
    public void UnsoldTree_MaySellSharedCopies_InOneItemWithTheVoid()
    {
        var (run, journal) = Begin(Three(reauction: false, [new(TierMethod.Auction, "y", "z") { Copies = 2 }]));
        run.Post();
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Refused);
        run.Tell().ShouldBe("b 11.00 8.80 Lost | y 3.00 2.40 Captured | z 2.50 2.00 Captured");
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
    }

    [Fact]
    public void WhoRefused_IsNotAskedAgainInTheUnsoldTree()
    {
        var (run, _) = Begin(Three(reauction: false, [new(TierMethod.Priority, "a", "b", "c")]));
        run.Post();
        run.Answer(BuyerAnswer.Refused);
        run.Answer(BuyerAnswer.Refused);
        run.Called.ShouldBe(["a", "b", "c"]);
        run.Tell().ShouldBe("b 11.00 8.80 Lost | c 9.50 7.60 Held");
    }

    [Fact]
    public void PublisherIsFull_NoFurtherTreeIsAsked()
    {
        var (run, journal) = Begin(Three(reauction: true, [new(TierMethod.Auction, "x")]));
        journal.SetLimit("p:p:leads:day", 0);
        run.Post();
        run.Tell().ShouldEndWith("Lost publisher_cap");
        run.Walks.ShouldBe(0);
    }

    [Fact]
    public void DirectPostWithoutAnOffer_GoesToTheUnsoldTree_ElseItsOwnReasonIsTold()
    {
        foreach (var sells in (bool[])[true, false])
        {
            var market = Three(reauction: false, [new(TierMethod.Auction, "x")]);
            foreach (var id in (string[])["a", "b", "c", "late"]) market.Used[$"bal:{id}"] = long.MaxValue;
            var (run, journal) = Begin(market);
            if (!sells) journal.SetLimit("bal:x", 0);
            run.Post(Reason.NoEligibleCampaign);
            run.Tell().ShouldBe(sells ? "x 4.00 3.20 Held" : " no_eligible_campaign");
        }
    }

    [Fact]
    public void Refusals_NeverCallMoreThanTheBound()
    {
        var many = Enumerable.Range(0, 30).Select(i => $"m{i:00}").ToArray();
        var market = new Market
        {
            Campaigns = [.. many.Select(id => new Wants(id, "10.00") { OnAccept = true })], Tiers = [new(TierMethod.Priority, many[..15])],
            UnsoldTiers = [new(TierMethod.Priority, many[15..])], Reauction = true,
        };
        var ping = Market.Ping();
        var journal = new NaiveJournal(market.Model);
        var run = new LeadRun(market, journal, Market.Record(ping, market.Run(ping)));
        run.Post();
        while (run.Sale.State == LeadState.Pending) run.Answer(BuyerAnswer.Refused);
        run.Called.Count.ShouldBe(Limits.CallsPerPost);
        run.Sale.State.ShouldBe(LeadState.Unsold);
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
    }
}
