using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>How often a buyer may pull its inbox, and what an admin sees of its endpoints.</summary>
[Collection(LeadsAndReturns.Name)]
public sealed class InboxPullTests(RunningExchange running)
{
    [Fact]
    public async Task Inbox_PulledMoreOftenThanAgreed_Is429_AndAnotherBuyersIsFree()
    {
        var exchange = running.Process;
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/signing", ExchangeProcess.AdminKey, "whsec_" + Convert.ToBase64String(BuyerApp.SigningKey), "text/plain")).Status.ShouldBe(200);
        await exchange.ApplyAsync(Market.With("""
            publishers:
              search: { verticals: [auto], payout: { share: 80% } }
            buyers:
              often:  { credit_limit: "500.00" }
              seldom: { credit_limit: "500.00", endpoints: { inbox: { connector: inbox, limits: { per_minute: 2 } }, crm: { connector: native, with: { url: "http://127.0.0.1:9/", secret: { secret: signing } } } } }
            campaigns:
              first:  { buyer: seldom, vertical: auto, bid: "12.50" }
              second: { buyer: often, vertical: auto, bid: "11.00" }
            ping_trees:
              main: { vertical: auto, tiers: [{ name: market, method: auction, campaigns: [first, second] }] }
            """));
        var seldom = await exchange.KeyAsync("buyer", "seldom");
        for (var i = 0; i < 2; i++) (await exchange.GetAsync("/v1/buyer/copies", seldom)).Status.ShouldBe(200);
        var refused = await exchange.GetAsync("/v1/buyer/copies", seldom);
        (refused.Status, refused.Code).ShouldBe((429, "rate_limited"), refused.Text);
        int.Parse(refused.Headers["Retry-After"], null).ShouldBeInRange(1, 60);
        // Another key of the same buyer pulls the same inbox; saying what was fetched is no pull.
        (await exchange.GetAsync("/v1/buyer/copies", await exchange.KeyAsync("buyer", "seldom"))).Status.ShouldBe(429);
        (await exchange.SendAsync(HttpMethod.Post, "/v1/buyer/copies/none/ack", seldom)).Status.ShouldBe(404);
        var often = await exchange.KeyAsync("buyer", "often");
        for (var i = 0; i < 5; i++) (await exchange.GetAsync("/v1/buyer/copies", often)).Status.ShouldBe(200);

        var endpoint = (await exchange.AdminAsync("buyers/seldom"))["state"]!["endpoints"]!.AsArray().ShouldHaveSingleItem()!;
        ((string?)endpoint["endpoint"], (string?)endpoint["breaker"]).ShouldBe(("crm", "closed"));
    }
}
