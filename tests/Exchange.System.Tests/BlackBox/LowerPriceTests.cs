using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A buyer whose answer to the post names a lower price than its bid.</summary>
public sealed class LowerPriceTests
{
    [Theory]
    // what the endpoint says, what the buyer's answer names → what it pays; the promise is 10.00
    [InlineData("price_at_post: lower", "11.25", "11.25")]
    [InlineData("price_at_post: lower", "9.99", "12.50")]
    [InlineData("price_at_post: lower", "13.00", "12.50")]
    [InlineData("price_at_post: ignore", "11.25", "12.50")]
    public async Task Accepted_AtAnotherPrice(string rule, string named, string paid)
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync();
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
              first: { credit_limit: "50.00", endpoints: { crm: { connector: crm, {{rule}}, with: { url: "{{buyers.Url("first")}}" } } } }
            campaigns:
              first: { buyer: first, vertical: auto, bid: "12.50", delivery: { sold: on_accept, to: [crm] }, caps: [{ per: day, spend: "20.00" }] }
            ping_trees:
              main: { vertical: auto, tiers: [{ name: market, method: auction, campaigns: [first] }] }
            """));
        using var publisher = await Sender.OfAsync(exchange, "search");
        buyers["first"].Answers($$"""{ "ok": true, "price": "{{named}}" }""");

        var post = await publisher.PingAndPostAsync();
        (post["status"], post["payout"]).ShouldBe(("sold", "10.00"), post.Text);
        (await exchange.CopiesAsync(post["lead_id"]!)).ShouldBe([$"first {paid} 10.00 sold captured"]);
        (await exchange.AdminAsync("ledger/balances"))["balances"]!.AsArray().Single(row => (string?)row!["account"] == "buyer:first")!["balance"]!.GetValue<string>().ShouldBe("-" + paid);
    }
}
