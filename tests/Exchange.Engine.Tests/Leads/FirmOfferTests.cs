using Exchange.Engine.Catalog;
using Exchange.Engine.Filters;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Leads;

/// <summary>Offers that are held at the ping: their post finds them whatever happened meanwhile, and nothing stays held.</summary>
public sealed class FirmOfferTests
{
    private static ulong leads;

    private static Market Two(bool onAccept = false, string? duplicateOf = null) => new()
    {
        Campaigns = [new("a", "12.50") { OnAccept = onAccept, DayLeads = 1, DuplicateOf = duplicateOf }, new("b", "11.00") { OnAccept = onAccept, DayLeads = 5 }],
        Tiers = [new(TierMethod.Auction, "a", "b") { Pricing = TierPricing.SecondPrice, Floor = "5.00" }],
    };

    private static LeadRun Begin(Market market, NaiveJournal journal, params string[] offers)
    {
        var ping = Market.Ping();
        return new LeadRun(market, journal, Market.Record(ping, market.Run(ping)) with { Id = LeadId.Create(Market.Now.ToUnixTimeMilliseconds(), 1, false, ++leads) }, offers);
    }

    [Fact]
    public void Hold_TakesPlacesAndMoney_TheSecondPingsHoldIsRefused()
    {
        var market = Two();
        var journal = new NaiveJournal(market.Model);
        Begin(market, journal).HoldAtPing().Code.ShouldBe(VerdictCode.Done);
        journal.Held.Where(pair => pair.Value > 0).Select(pair => $"{pair.Key.Split(':')[0]} {pair.Value}").Order(StringComparer.Ordinal).ShouldBe(["bal 11000000", "cap 1", "cap 1", "cap 8800000"]);
        var second = Begin(market, journal).HoldAtPing();
        second.Code.ShouldBe(VerdictCode.Refused);
        journal.Transfers.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Post_FindsItsCopy_ThoughTheCapWasLoweredMeanwhile(bool onAccept)
    {
        var market = Two(onAccept);
        var journal = new NaiveJournal(market.Model);
        var run = Begin(market, journal);
        run.HoldAtPing();
        journal.SetLimit("c:a:leads:day", 0);
        run.Post();
        if (onAccept)
        {
            run.Called.ShouldBe(["a"]);
            run.Answer(BuyerAnswer.Accepted);
        }
        run.Tell().ShouldBe("a 11.00 8.80 Captured");
        journal.Leads[run.Sale.Id].Copies.Count.ShouldBe(1);
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
        journal.Transfers.Sum(transfer => transfer.Amount.Micros).ShouldBe(Money.Parse("11.00").Micros);
    }

    [Fact]
    public void Post_BuyerRefuses_GoesOnToTheNextRank()
    {
        var market = Two(onAccept: true);
        var journal = new NaiveJournal(market.Model);
        var run = Begin(market, journal);
        run.HoldAtPing();
        run.Post();
        run.Answer(BuyerAnswer.Refused);
        run.Called.ShouldBe(["a", "b"]);
        run.Answer(BuyerAnswer.Accepted);
        run.Tell().ShouldBe("b 11.00 8.80 Captured");
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
    }

    [Fact]
    public void Post_BuyerHasThePerson_FreesThatCopyAndGoesOn()
    {
        var market = Two(duplicateOf: "buyer");
        var journal = new NaiveJournal(market.Model);
        var before = Begin(market, journal).Of(1);
        before.Post();
        journal.SetLimit("c:a:leads:day", 9);
        var run = Begin(market, journal).Of(1);
        run.HoldAtPing();
        run.Post();
        run.Tell().ShouldBe("b 11.00 8.80 Captured");
        run.Sale.Slots[0].LostBy.ShouldBe(Reason.BuyerHasLead);
        journal.Leads[run.Sale.Id].Copies.Select(copy => $"{copy.Value.Made.Campaign} {copy.Value.State}").ShouldBe(["a Voided", "b Captured"]);
    }

    [Fact]
    public void Post_IsRefused_FreesWhatWasHeld()
    {
        var market = Two();
        var journal = new NaiveJournal(market.Model);
        var run = Begin(market, journal);
        run.HoldAtPing();
        run.Post(Reason.Suppressed);
        (journal.Leads[run.Sale.Id].State, journal.Leads[run.Sale.Id].Reason).ShouldBe((LeadState.Unsold, Reason.Suppressed));
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
    }

    [Fact]
    public void Post_IsRefused_AndItsPersonWasReceivedBefore_FreesWhatWasHeldOnce()
    {
        var market = Two();
        var journal = new NaiveJournal(market.Model);
        Begin(market, journal).Received(7).Post(Reason.Suppressed);
        journal.SetLimit("c:a:leads:day", 9);
        var other = Begin(market, journal);
        other.HoldAtPing();
        var run = Begin(market, journal);
        run.HoldAtPing();
        run.Received(7).Post(Reason.Suppressed);
        (journal.Leads[run.Sale.Id].State, journal.Leads[run.Sale.Id].Reason).ShouldBe((LeadState.Unsold, Reason.Duplicate));
        // What another lead holds of the same cap and balance is its own.
        journal.Held.Where(pair => pair.Value > 0).Select(pair => $"{pair.Key.Split(':')[0]} {pair.Value}").Order(StringComparer.Ordinal).ShouldBe(["bal 11000000", "cap 1", "cap 1", "cap 8800000"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Post_PersonIsSaidToBeTaken_IsSoldOrNotAsTheRowsSay(bool firm)
    {
        var market = Two();
        var journal = new NaiveJournal(market.Model);
        var first = Begin(market, journal);
        if (firm) first.HoldAtPing();
        first.SaidToBeTaken(7).Post();
        first.Tell().ShouldBe("a 11.00 8.80 Captured");
        journal.SetLimit("c:a:leads:day", 9);
        var second = Begin(market, journal);
        if (firm) second.HoldAtPing();
        second.SaidToBeTaken(7).Post();
        (journal.Leads[second.Sale.Id].State, journal.Leads[second.Sale.Id].Reason).ShouldBe((LeadState.Unsold, Reason.Duplicate));
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
        journal.Transfers.Sum(transfer => transfer.Amount.Micros).ShouldBe(Money.Parse("11.00").Micros);
    }

    [Fact]
    public void Post_TakesOneOfTheOffers_TheOthersAreFreed()
    {
        var market = new Market
        {
            Campaigns = [.. ((string[])["a", "b", "c"]).Select(id => new Wants(id, "10.00") { Sharing = Sharing.Shared, DayLeads = 1 })],
            Tiers = [new(TierMethod.Priority, "a", "b", "c") { Copies = 3 }],
        };
        var journal = new NaiveJournal(market.Model);
        var run = Begin(market, journal, "2");
        run.HoldAtPing();
        run.Post();
        run.Tell().ShouldBe("b 10.00 8.00 Captured");
        journal.Leads[run.Sale.Id].Copies.Select(copy => $"{copy.Value.Made.Campaign} {copy.Value.State}").ShouldBe(["a Voided", "b Captured", "c Voided"]);
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
    }

    [Fact]
    public void Expiry_GivesEverythingBack()
    {
        var market = Two();
        var journal = new NaiveJournal(market.Model);
        var run = Begin(market, journal);
        run.HoldAtPing();
        run.ExpireOffer();
        journal.Held.Values.ShouldAllBe(amount => amount == 0);
        Begin(market, journal).HoldAtPing().Code.ShouldBe(VerdictCode.Done);
    }

    [Fact]
    public void Post_CameInTimeButTheExpiryWasFirst_IsHeldAnewOrGoesOn()
    {
        foreach (var room in (long[])[1, 0])
        {
            var market = Two();
            var journal = new NaiveJournal(market.Model);
            var run = Begin(market, journal);
            run.HoldAtPing();
            run.ExpireOffer();
            journal.SetLimit("c:a:leads:day", room);
            run.Post();
            run.Tell().ShouldBe(room == 1 ? "a 11.00 8.80 Captured" : "b 11.00 8.80 Captured");
            journal.Held.Values.ShouldAllBe(amount => amount == 0);
        }
    }

    [Fact]
    public void Post_RefusedAfterTheExpiry_StaysRefused()
    {
        var market = Two();
        var journal = new NaiveJournal(market.Model);
        var run = Begin(market, journal);
        run.HoldAtPing();
        run.ExpireOffer();
        run.Post(Reason.Suppressed);
        run.Tell().ShouldEndWith("Lost suppressed");
    }
}
