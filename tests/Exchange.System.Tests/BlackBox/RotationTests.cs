using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Smooth weighted rotation, as leads are sold one after another.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class RotationTests
{
    private readonly ExchangeProcess exchange;

    public RotationTests(RunningExchange running) => exchange = running.Process;

    [Fact]
    public async Task Weights511_TwentyOneLeads_SellInTheSmoothOrderThreeTimes()
    {
        await exchange.ApplyAsync(Catalog("w", ""));
        using var publisher = await Sender.OfAsync(exchange, "pub-w");
        (await SoldToAsync(publisher, 21)).ShouldBe("a a b a c a a a a b a c a a a a b a c a a");
    }

    [Fact]
    public async Task CappedCampaign_OpenAgain_HasEarnedNothingMeanwhile()
    {
        await exchange.ApplyAsync(Catalog("c", ", caps: [ { per: total, leads: 2 } ]"));
        using var publisher = await Sender.OfAsync(exchange, "pub-c");
        // a is full after two; the other two share what comes.
        (await SoldToAsync(publisher, 8)).ShouldBe("a a b c b c b c");

        await exchange.PatchAsync("campaigns/a-c/caps/total.leads", new { leads = 100 });
        // Had a earned for the six turns it missed, it would have the next seven and more. It goes on from where it stood (two turns ahead of its
        // share), and then in the order of the first day.
        (await SoldToAsync(publisher, 12)).ShouldBe("b a c a a a a b a c a a");
    }

    [Fact]
    public async Task Restart_InMidRotation_GoesOnWhereItStood()
    {
        await exchange.ApplyAsync(Catalog("s", ""));
        using (var before = await Sender.OfAsync(exchange, "pub-s")) (await SoldToAsync(before, 4)).ShouldBe("a a b a");
        (await exchange.StopAsync()).ShouldBe(0);
        await exchange.RestartAsync();
        using var after = await Sender.OfAsync(exchange, "pub-s");
        (await SoldToAsync(after, 5)).ShouldBe("c a a a a");
    }

    [Fact]
    public async Task Tree_OfWeightZero_NeverSellsToIt()
    {
        await exchange.ApplyAsync(Catalog("z", "", weights: "{ a-z: 0, b-z: 1, c-z: 1 }"));
        using var publisher = await Sender.OfAsync(exchange, "pub-z");
        (await SoldToAsync(publisher, 4)).ShouldBe("b c b c");
    }

    [Fact]
    public async Task RoundRobin_EqualTurns()
    {
        await exchange.ApplyAsync(Catalog("r", "", method: "round_robin"));
        using var publisher = await Sender.OfAsync(exchange, "pub-r");
        (await SoldToAsync(publisher, 7)).ShouldBe("a b c a b c a");
    }

    /// <summary>Who bought, one letter per lead; each is posted before the next is pinged.</summary>
    private async Task<string> SoldToAsync(Sender publisher, int leads)
    {
        var bought = new List<string>();
        for (var i = 0; i < leads; i++)
        {
            var post = await publisher.PingAndPostAsync();
            post["status"].ShouldBe("sold", post.Text);
            bought.Add((await exchange.SoldToAsync(post["lead_id"]!)).ShouldHaveSingleItem()[..1]);
        }
        return string.Join(' ', bought);
    }

    private static string Catalog(string id, string capsOfA, string method = "weighted", string? weights = null) => Market.With(
        $$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer-{{id}}: { credit_limit: "1000.00" }
        campaigns:
          a-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "3.00", weight: 5{{capsOfA}} }
          b-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "3.00", weight: 1 }
          c-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "3.00", weight: 1 }
        ping_trees:
          tree-{{id}}:
            vertical: auto
            tiers:
              - { name: pool, method: {{method}}, campaigns: [a-{{id}}, b-{{id}}, c-{{id}}]{{(weights is null ? "" : $", weights: {weights}")}} }
        """);
}
