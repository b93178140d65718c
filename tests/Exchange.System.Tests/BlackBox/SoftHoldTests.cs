using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Offers near the end of a cap: not more are promised than what is left, by as many as this publisher posts.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class SoftHoldTests(RunningExchange running)
{
    private const string Catalog = """
        exchange: { currency: USD }
        verticals:
          v: { fields: { zip: { type: us_zip, ping: required } } }
        publishers:
          pub: { verticals: [v], payout: { share: 50% } }
        buyers:
          rich: { credit_limit: unlimited }
          next: { credit_limit: unlimited }
        campaigns:
          first: { buyer: rich, vertical: v, bid: { fixed: "10.00" }, caps: [ { per: total, leads: 43 } ] }
          second: { buyer: next, vertical: v, bid: { fixed: "4.00" } }
        ping_trees:
          t: { vertical: v, tiers: [ { name: list, method: priority, campaigns: [first, second] } ] }
        """;

    [Fact]
    public async Task Offers_NearTheEndOfACap_GoToTheNextBeforeItIsPromisedTwice()
    {
        var exchange = running.Process;
        await exchange.ApplyAsync(Catalog);
        var key = await exchange.KeyAsync("publisher", "pub");
        // A publisher that posts whatever it is offered; 3 of 43 are left then.
        for (var i = 0; i < 40; i++)
        {
            var ping = await PingAsync();
            var post = await exchange.PostAsync("/v1/posts", key, new { ping_id = ping["ping_id"], fields = new { } });
            post["status"].ShouldBe("sold", post.Text);
        }
        var payouts = new List<string?>();
        Reply last = null!;
        // What was posted is not out any more: the first offers need no backing. Who backs them may now and then answer too late, and an offer goes out without.
        do payouts.Add((last = await PingAsync())["payout"]);
        while (payouts.Count < 300 && !(payouts.Count >= 6 && payouts[^6..].TrueForAll(static payout => payout == "2.00")));
        payouts[0].ShouldBe("5.00");
        payouts[^6..].ShouldAllBe(payout => payout == "2.00");
        // The limit was not reached by sales but by promises, and the explanation says so.
        var explanation = await exchange.GetAsync($"/v1/admin/pings/{last["ping_id"]}/explanation");
        var first = explanation.Json["campaigns"]!.AsArray().Single(campaign => campaign!["campaign"]!.ToString() == "first")!;
        (first["verdict"]!.ToString(), first["reason"]!.ToString()).ShouldBe(("excluded", "cap_total"));

        Task<Reply> PingAsync() => exchange.PostAsync("/v1/pings", key, new { vertical = "v", fields = new { zip = "90210" } });
    }
}
