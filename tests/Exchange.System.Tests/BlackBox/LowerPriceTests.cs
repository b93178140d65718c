using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A buyer whose answer to the post names a lower price than its bid.</summary>
[Collection(PromisesAndCrashes.Name)]
public sealed class LowerPriceTests(RunningExchange running)
{
    private static int buyersSoFar;

    [Theory]
    // what the endpoint says, what the buyer's answer names → what it pays; the promise is 10.00
    [InlineData("price_at_post: lower", "11.25", "11.25")]
    [InlineData("price_at_post: lower", "11.254", "11.25")] // in whole steps, cut down
    [InlineData("price_at_post: lower", "10.004", "10.00")] // the promise itself
    [InlineData("price_at_post: lower", "9.999", "12.50")]
    [InlineData("price_at_post: lower", "9.99", "12.50")]
    [InlineData("price_at_post: lower", "13.00", "12.50")]
    [InlineData("price_at_post: ignore", "11.25", "12.50")]
    public async Task Accepted_AtAnotherPrice(string rule, string named, string paid)
    {
        await using var buyers = await BuyerApp.StartAsync();
        var exchange = running.Process;
        // Each case has a buyer of its own, whose balance is what it paid.
        var buyer = "lower-" + Market.Text(Interlocked.Increment(ref buyersSoFar));
        await exchange.ApplyAsync(Market.With($$"""
            connectors:
              crm:
                needs: [url]
                post:
                  url: "{{"{{ with.url }}"}}"
                  json: { id: "{{"{{ sale.id }}"}}" }
                  reply: { accepted_when: { at: ok, is: true }, price: price }
            publishers:
              search: { verticals: [auto], payout: { share: 80% } }
            buyers:
              {{buyer}}: { credit_limit: "50.00", endpoints: { crm: { connector: crm, {{rule}}, with: { url: "{{buyers.Url("lower")}}" } } } }
            campaigns:
              {{buyer}}: { buyer: {{buyer}}, vertical: auto, bid: "12.50", delivery: { sold: on_accept, to: [crm] }, caps: [{ per: day, spend: "20.00" }] }
            ping_trees:
              main: { vertical: auto, tiers: [{ name: market, method: auction, campaigns: [{{buyer}}] }] }
            """));
        using var publisher = new Sender(exchange, await running.KeyAsync("publisher", "search"));
        buyers["lower"].Answers($$"""{ "ok": true, "price": "{{named}}" }""");

        var post = await publisher.PingAndPostAsync();
        (post["status"], post["payout"]).ShouldBe(("sold", "10.00"), post.Text);
        (await exchange.CopiesAsync(post["lead_id"]!)).ShouldBe([$"{buyer} {paid} 10.00 sold captured"]);
        (await exchange.AdminAsync("ledger/balances"))["balances"]!.AsArray().Single(row => (string?)row!["account"] == "buyer:" + buyer)!["balance"]!.GetValue<string>().ShouldBe("-" + paid);
    }
}
