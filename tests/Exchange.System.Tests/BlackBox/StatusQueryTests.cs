using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A buyer that took a lead's bytes and said nothing, and that can be asked what became of them: nobody else is asked until it is known, and it is posted to again only if it has nothing.</summary>
[Collection(PromisesAndCrashes.Name)]
public sealed class StatusQueryTests(RunningExchange running)
{
    [Theory]
    // what it says when it is asked → how often it was posted to, what becomes of the lead, who has it
    [InlineData("""{ "is": "taken" }""", 1, "first 12.00 9.60 sold captured")]
    [InlineData("""{ "is": "refused" }""", 1, "first 12.00 9.60 rejected voided", "second 12.00 9.60 sold captured")]
    [InlineData("""{ "is": "never heard of it" }""", 2, "first 12.00 9.60 sold captured")]
    public async Task Doubt_IsEndedByWhatTheBuyerSaysOfIt(string told, int posts, params string[] copies)
    {
        await using var buyers = await BuyerApp.StartAsync();
        var exchange = running.Process;
        await exchange.ApplyAsync(Market.With($$"""
            connectors:
              crm:
                needs: [url]
                common:
                  json: { id: "{{"{{ sale.id }}"}}" }
                  reply: { accepted_when: { at: is, is: taken }, rejected_when: { at: is, is: refused } }
                post: { url: "{{"{{ with.url }}"}}" }
                check: { url: "{{"{{ with.url }}"}}-status", reply: { retry_when: { at: is, is: never heard of it } } }
            publishers:
              search: { verticals: [auto], payout: { share: 80% } }
            buyers:
              first: { credit_limit: "50.00", endpoints: { crm: { connector: crm, with: { url: "{{buyers.Url("first")}}" }, timeout: { post: 3s } } } }
              second: { credit_limit: "50.00" }
            campaigns:
              first: { buyer: first, vertical: auto, bid: "12.50", delivery: { sold: on_accept, to: [crm] } }
              second: { buyer: second, vertical: auto, bid: "12.00" }
            ping_trees:
              main: { vertical: auto, tiers: [{ name: market, method: auction, pricing: second_price, campaigns: [first, second] }] }
            """));
        using var publisher = new Sender(exchange, await running.KeyAsync("publisher", "search"));
        buyers["first"].Hangs().Answers("""{ "is": "taken" }""");
        buyers["first-status"].Answers(told);

        var post = await publisher.PingAndPostAsync();
        (post.Status, post["status"]).ShouldBe((202, "in_doubt"), post.Text);
        var lead = post["lead_id"]!;
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "what became of it is known", exchange);

        (await exchange.CopiesAsync(lead)).ShouldBe(copies);
        // An answer that is late is asked for once more.
        buyers["first"].Requests.Count.ShouldBeInRange(posts, posts == 1 ? 1 : int.MaxValue);
        buyers["first-status"].Requests.Select(request => request.Json["id"]!.GetValue<string>()).Distinct().ShouldBe([lead + "-1"]);
    }
}
