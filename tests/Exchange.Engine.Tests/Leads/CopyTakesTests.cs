using Exchange.Engine.Catalog;
using Exchange.Engine.Leads;
using Exchange.Engine.Ledger;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Leads;

/// <summary>What a copy takes of which limit, and whom it remembers.</summary>
public sealed class CopyTakesTests
{
    private static ulong leads;

    private static LeadRun Begin(Market market, NaiveJournal journal, string state = "CA")
    {
        var ping = Market.Ping(state);
        return new LeadRun(market, journal, Market.Record(ping, market.Run(ping)) with { Id = LeadId.Create(Market.Now.ToUnixTimeMilliseconds(), 1, false, ++leads) });
    }

    [Fact]
    public void Takes_StandInTheOrderOfReasons_TreesAmongTheCapsOfTheirPeriod()
    {
        var market = new Market { Campaigns = [new("a", "10.00") { DayLeads = 5, DaySpend = "50.00" }], Tiers = [new(TierMethod.Priority, "a")], TreeLeads = 9 };
        var journal = new NaiveJournal(market.Model);
        var run = Begin(market, journal);
        run.Post();
        journal.Leads[run.Sale.Id].Copies[1].Made.Takes.Select(take => $"{take.LimitId} {take.Amount}").ShouldBe(
        [
            "open:publisher:p:0 0", "p:p:leads:day 1", "p:p:spend:day 8000000", "open:tree:main:0 0", "open:a:0 0", "open:buyer:a:0 0", "c:a:leads:day 1", "c:a:spend:day 10000000",
            "t:main:leads:day 1", "bal:a 10000000",
        ]);
    }

    [Fact]
    public void ConditionalCap_IsTakenOnlyByWhatItHoldsFor()
    {
        var market = new Market { Campaigns = [new("a", "10.00") { StateLeads = ("CA", 2) }], Tiers = [new(TierMethod.Priority, "a")] };
        var journal = new NaiveJournal(market.Model);
        Sell("CA", "CA", "CA", "NY", "NY").ShouldBe("sold sold cap_day sold sold");

        string Sell(params string[] states) => string.Join(' ', states.Select(state => Outcome(Begin(market, journal, state))));
    }

    [Fact]
    public void CapForEachValue_CountsEachApart_WhateverItsCase()
    {
        var market = new Market { Campaigns = [new("a", "10.00") { EachStateLeads = 1 }], Tiers = [new(TierMethod.Priority, "a")] };
        var journal = new NaiveJournal(market.Model);
        string.Join(' ', ((string[])["CA", "NY", "CA", "NY", "TX"]).Select(state => Outcome(Begin(market, journal, state)))).ShouldBe("sold sold cap_day cap_day sold");
        journal.Used.Where(pair => pair.Key.Contains("by:state", StringComparison.Ordinal)).Sum(pair => pair.Value).ShouldBe(3);
    }

    [Fact]
    public void TreesCap_BoundsAllItsCampaignsTogether()
    {
        var market = new Market { Campaigns = [new("a", "10.00") { DayLeads = 2 }, new("b", "10.00")], Tiers = [new(TierMethod.Priority, "a", "b")], TreeLeads = 3 };
        var journal = new NaiveJournal(market.Model);
        string.Join(' ', Enumerable.Range(0, 5).Select(_ => Outcome(Begin(market, journal)))).ShouldBe("sold sold sold cap_day cap_day");
        journal.Used.Single(pair => pair.Key.StartsWith("cap:t:main", StringComparison.Ordinal)).Value.ShouldBe(3);
    }

    // a and b are campaigns of one buyer; the rule stands where it is written. Whoever has the person is passed over, the lead goes on.
    [Theory]
    // rule of a   rule of b    who sells first   the same person again   another person
    [InlineData(null, null, "a", "a", "a")]
    [InlineData("buyer", "buyer", "a", "c", "a")]
    [InlineData("campaign", "campaign", "a", "b", "a")]
    [InlineData("campaign", "buyer", "a", "c", "a")]
    [InlineData("campaign", null, "a", "b", "a")]
    [InlineData("buyer", null, "a", "b", "a")]
    [InlineData(null, "buyer", "a", "a", "a")]
    public void Duplicate_OfBuyerOrCampaign_PassesOnlyThatCopyOn(string? ofA, string? ofB, string first, string again, string other)
    {
        var market = new Market
        {
            Campaigns = [new("a", "10.00") { Buyer = "both", DuplicateOf = ofA }, new("b", "10.00") { Buyer = "both", DuplicateOf = ofB }, new("c", "10.00")],
            Tiers = [new(TierMethod.Priority, "a", "b", "c")],
        };
        var journal = new NaiveJournal(market.Model);
        (Buyer(1), Buyer(1), Buyer(2)).ShouldBe((first, again, other));

        string Buyer(byte person)
        {
            var run = Begin(market, journal);
            if (ofA is not null || ofB is not null) run.Of(person);
            run.Post();
            var slot = run.Sale.Slots.ShouldHaveSingleItem();
            if (run.Sale.BidAt(slot.BidIndex).Campaign != "a") slot.LostBy.ShouldBe(Reason.BuyerHasLead);
            return run.Sale.BidAt(slot.BidIndex).Campaign;
        }
    }

    [Fact]
    public void Duplicate_BuyerRefusedTheFirst_MayHaveThePersonAgain()
    {
        var market = new Market { Campaigns = [new("a", "10.00") { OnAccept = true, DuplicateOf = "buyer" }], Tiers = [new(TierMethod.Priority, "a")] };
        var journal = new NaiveJournal(market.Model);
        var refused = Begin(market, journal).Of(1);
        refused.Post();
        refused.Answer(BuyerAnswer.Refused);
        journal.Persons.ShouldBeEmpty();
        var again = Begin(market, journal).Of(1);
        again.Post();
        again.Answer(BuyerAnswer.Accepted);
        again.Sale.State.ShouldBe(LeadState.Sold);
        Outcome(Begin(market, journal).Of(1)).ShouldBe("buyer_has_lead");
    }

    private static string Outcome(LeadRun run)
    {
        run.Post();
        return run.Sale.State == LeadState.Sold ? "sold" : run.Sale.Slots[0].LostBy.Wire();
    }
}
