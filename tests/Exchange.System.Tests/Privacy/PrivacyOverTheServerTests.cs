using Exchange.System.Tests.BlackBox;
using Shouldly;

namespace Exchange.System.Tests.Privacy;

/// <summary>The same from outside: what buyers read over HTTP of two leads that differ in a rival's losing bid only.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class PrivacyOverTheServerTests(RunningExchange running)
{
    private readonly ExchangeProcess exchange = running.Process;

    [Theory]
    // The rival is third: nobody's price follows from its bid.
    [InlineData("third", "9.00", "3.00", "11.00", "11.00")]
    [InlineData("third2", "3.00", "10.99", "11.00", "11.00")]
    // It is second: the winner's own price does, and nothing else.
    [InlineData("second", "12.00", "11.50", "12.00", "11.50")]
    public async Task Copies_ARivalsLosingBidDiffers_AreTheSameButForTheOwnPrice(string id, string rival, string rivalThen, string price, string priceThen)
    {
        await ApplyAsync(id, rival);
        using var publisher = await Sender.OfAsync(exchange, $"pub-{id}");
        Dictionary<string, string> keys = [];
        foreach (var buyer in Buyers) keys[buyer] = await exchange.KeyAsync("buyer", $"{buyer}-{id}");

        await SellAsync(publisher, id);
        var first = await SeenAsync(keys);
        await ApplyAsync(id, rivalThen);
        await SellAsync(publisher, id);
        var both = await SeenAsync(keys);

        first["win"].Length.ShouldBe(1);
        both["win"].Length.ShouldBe(2);
        both["win"].Select(copy => copy.Price).Order().ShouldBe(new[] { price, priceThen }.Order());
        both["win"].Select(copy => copy.Else).Distinct().ShouldHaveSingleItem().ShouldBe(first["win"][0].Else);
        // The others bought neither, and see nothing of it.
        foreach (var buyer in Buyers[1..]) both[buyer].ShouldBeEmpty();
    }

    private static readonly string[] Buyers = ["win", "watch", "rival"];

    private Task ApplyAsync(string id, string rival) => exchange.ApplyAsync(Market.With(
        $$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% } }
        buyers:
          win-{{id}}:   { credit_limit: unlimited }
          watch-{{id}}: { credit_limit: unlimited }
          rival-{{id}}: { credit_limit: unlimited }
        campaigns:
          win-{{id}}:   { buyer: win-{{id}}, vertical: auto, bid: 12.50, tell_losses: true }
          watch-{{id}}: { buyer: watch-{{id}}, vertical: auto, bid: 11.00, tell_losses: true }
          rival-{{id}}: { buyer: rival-{{id}}, vertical: auto, bid: {{rival}}, tell_losses: true }
        ping_trees:
          main-{{id}}: { vertical: auto, publishers: [pub-{{id}}], tiers: [{ name: market, method: auction, pricing: second_price, floor: 1.00, campaigns: all }] }
        """));

    /// <summary>The same lead each time.</summary>
    private static async Task SellAsync(Sender publisher, string id)
    {
        var post = await publisher.PostAsync(await publisher.OfferedAsync(with: new { sub_id = "kw-17" }),
            new { first_name = "Pat", email = $"{id}@example.com", phone = "+13105550150" });
        post["status"].ShouldBe("sold", post.Text);
    }

    /// <summary>Every copy that each buyer finds in its inbox: the price, and all the rest without what tells one lead from another.</summary>
    private async Task<Dictionary<string, (string Price, string Else)[]>> SeenAsync(Dictionary<string, string> keys)
    {
        var seen = new Dictionary<string, (string Price, string Else)[]>();
        foreach (var (buyer, key) in keys)
        {
            var inbox = await exchange.GetAsync("/v1/buyer/copies?limit=200", key);
            inbox.Status.ShouldBe(200, inbox.Text);
            seen[buyer] = [.. inbox.Json["copies"]!.AsArray().Select(copy =>
            {
                var members = copy!.DeepClone().AsObject();
                var price = members["price"]!.GetValue<string>();
                foreach (var name in (string[])["copy_id", "sold_at", "price"]) members.Remove(name).ShouldBeTrue(name);
                return (price, members.ToJsonString());
            })];
        }
        return seen;
    }
}
