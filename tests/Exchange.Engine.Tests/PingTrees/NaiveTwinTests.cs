using CsCheck;
using Exchange.Engine.Filters;
using Exchange.Engine.PingTrees;
using Shouldly;

namespace Exchange.Engine.Tests.PingTrees;

public class NaiveTwinTests
{
    [Fact]
    public void Walk_AnyMarket_DecidesAsTheNaiveTwin() =>
        Gen.Select(RandomMarkets.All, RandomMarkets.Pings.Array[3]).Sample((drawn, pings) =>
        {
            var (market, share, minMargin) = drawn;
            var twin = new NaiveWalk(market, share, minMargin, RandomMarkets.Step);
            foreach (var ping in pings)
            {
                var outcome = market.Run(ping);
                var (told, turns) = twin.Run(ping, bid => Array.FindIndex(outcome.Bids, other =>
                    other.Tier == bid.Tier && other.Campaign == bid.Of.Id && other.Sharing == (bid.Exclusive ? Sharing.Exclusive : Sharing.Shared)));
                Tell(outcome).ShouldBe(told);
                outcome.Turns.Select(turn => $"{turn.Key}{turn.Value}").ShouldBe(turns);
            }
        }, iter: 10_000);

    private static string Tell(PingOutcome outcome) => outcome.Outcome != Reason.None
        ? outcome.Outcome.Wire()
        : string.Join(", ", outcome.Offers.Select(offer =>
            $"{outcome.Bids[offer.BidIndex].Campaign} {(offer.Sharing == Sharing.Exclusive ? "x" : "s")} {offer.Price} {offer.Payout}"));
}
