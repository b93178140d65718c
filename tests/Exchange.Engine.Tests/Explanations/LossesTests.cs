using CsCheck;
using Exchange.Engine.Catalog;
using Exchange.Engine.Explanations;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Exchange.Engine.Tests.PingTrees;
using Exchange.Engine.Values;
using Shouldly;

namespace Exchange.Engine.Tests.Explanations;

public class LossesTests
{
    [Theory]
    //          method               lost's bid  minimum
    [InlineData(TierMethod.Auction,  "11.00",    "12.51")]
    [InlineData(TierMethod.Priority, "11.00",    null)]
    public void Outbid_IsToldWhatBeatsTheWinner(TierMethod method, string bid, string? minimum)
    {
        var market = new Market { Campaigns = [new("a", "12.50"), new("b", bid)], Tiers = [new(method, "a", "b")] };
        var loss = Losses.Of(market.Model, Market.Record(Market.Ping(), market.Run()), "b").ShouldHaveSingleItem();
        loss.MinimumToWin?.ToString().ShouldBe(minimum);
        Losses.Of(market.Model, Market.Record(Market.Ping(), market.Run()), "a").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("below floor")]
    [InlineData("another's turn")]
    [InlineData("earlier tier")]
    [InlineData("not offered")]
    public void OtherWaysOfLosing_AreNotForTheBuyer(string why)
    {
        var tiers = why switch
        {
            "below floor" => [new Tier(TierMethod.Auction, "a", "b") { Floor = "12.00" }],
            "another's turn" => [new(TierMethod.RoundRobin, "a", "b")],
            "earlier tier" => [new(TierMethod.Auction, "a"), new(TierMethod.Auction, "b")],
            _ => new Tier[] { new(TierMethod.Auction, "a", "b") },
        };
        var market = new Market { Campaigns = [new("a", "12.50"), new("b", "11.00")], Tiers = tiers };
        var ping = Market.Ping() with { MinPayout = why == "not offered" ? Money.Parse("99.00") : Money.Zero };
        Losses.Of(market.Model, Market.Record(ping, market.Run(ping)), "b").ShouldBeEmpty();
    }

    [Fact]
    public void AnyLoss_OtherLosersBidOtherwise_IsToldTheSame() =>
        Gen.Select(RandomMarkets.All, RandomMarkets.Pings, Gen.Int[0, 7]).Sample((drawn, ping, which) =>
        {
            ping = ping with { MinPayout = Money.Zero };
            var market = drawn.Market;
            var outcome = market.Run(ping);
            if (outcome.Outcome != Reason.None) return;
            // Whoever bid and bought nothing anywhere; in tiers that auction or take a list, so that nobody's turn changes.
            if (which >= market.Campaigns.Length || market.Tiers.Any(tier => tier.Method is not (TierMethod.Auction or TierMethod.Priority))) return;
            var other = market.Campaigns[which];
            if (outcome.Offers.Any(offer => outcome.Bids[offer.BidIndex].Campaign == other.Id)) return;
            var lower = new Market
            {
                Campaigns = [.. market.Campaigns.Select(wants => wants == other ? wants with { Bid = "0.05", SharedBid = wants.SharedBid is null ? null : "0.05" } : wants)],
                Tiers = market.Tiers, Copies = market.Copies, Step = market.Step, Payout = market.Payout,
            };
            var again = lower.Run(ping);
            // A draw among equals may fall otherwise where one bid fewer is drawn for.
            if (Winners(again) != Winners(outcome)) return;
            foreach (var wants in market.Campaigns.Where(wants => wants != other)) Told(lower, again, wants.Id).ShouldBe(Told(market, outcome, wants.Id));

            string Told(Market of, PingOutcome said, string buyer) => string.Join("; ", Losses.Of(of.Model, Market.Record(ping, said), buyer).Select(loss => $"{loss.Campaign.Id} {loss.MinimumToWin}"));
        }, iter: 5_000);

    private static string Winners(PingOutcome outcome) =>
        string.Join(", ", outcome.Offers.Select(offer => outcome.Bids[offer.BidIndex]).Select(bid => $"{bid.Tier}{bid.Campaign} {bid.Sharing}").Order());
}
