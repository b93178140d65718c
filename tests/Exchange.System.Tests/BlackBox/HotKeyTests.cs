using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>I1, I2, I4 over HTTP: all load on one campaign, all load on one lead, and what comes in another order than it was meant.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class HotKeyTests
{
    private const int Clients = 64, Cap = 200, EachPosts = 6;
    private readonly ExchangeProcess exchange;

    public HotKeyTests(RunningExchange running) => exchange = running.Process;

    [Fact]
    public async Task OneCampaign_SixtyFourClientsWhoSendEverythingTwice_SellsExactlyItsCap()
    {
        await exchange.ApplyAsync(Catalog("hot", Cap));
        using var publisher = await Sender.OfAsync(exchange, "pub-hot");
        // An offer is made as long as there is room, so more are promised than can be kept: the post decides.
        var pings = await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            var offered = new List<string>();
            for (var i = 0; i < EachPosts; i++) if ((await publisher.PingAsync()) is { Status: 200 } ping && ping["status"] == "offered") offered.Add(ping["ping_id"]!);
            return offered;
        }));
        pings.Sum(offered => offered.Count).ShouldBeGreaterThan(Cap);
        var answers = await Task.WhenAll(pings.Select(async (offered, client) =>
        {
            var ended = new List<(Reply First, Reply Again)>();
            foreach (var ping in offered)
            {
                var person = Sender.NextPerson();
                var key = ("Idempotency-Key", $"{client}-{ping}");
                var both = await Task.WhenAll(publisher.PostAsync(ping, person, null, key), publisher.PostAsync(ping, person, null, key));
                ended.Add((both[0], both[1]));
            }
            return ended;
        }));
        var all = answers.SelectMany(ended => ended).ToList();
        foreach (var (first, again) in all)
        {
            (first.Status, again.Status).ShouldBe((200, 200), first.Text + again.Text);
            again.Text.ShouldBe(first.Text);
        }
        all.Count(pair => pair.First["status"] == "sold").ShouldBe(Cap);
        all.Where(pair => pair.First["status"] != "sold").Select(pair => pair.First["status"]).Distinct().ShouldBe(["unsold"]);
        var cap = await exchange.CapAsync("camp-hot", "total.leads");
        ((int)cap["used"]!, (int)cap["held"]!).ShouldBe((Cap, 0));
    }

    [Fact]
    public async Task OneLead_PostedByManyUnderKeysOfTheirOwn_OneSale_TheOthersAreToldOfIt()
    {
        await exchange.ApplyAsync(Catalog("lead", 1_000));
        using var publisher = await Sender.OfAsync(exchange, "pub-lead");
        var ping = await publisher.OfferedAsync();
        var person = Sender.NextPerson();
        var answers = await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => publisher.PostAsync(ping, person, null, ("Idempotency-Key", $"own-{client}"))));
        var sold = answers.Where(answer => answer.Status == 200).ToList();
        sold.ShouldHaveSingleItem()["status"].ShouldBe("sold");
        answers.Where(answer => answer.Status != 200).Select(answer => (answer.Status, answer.Code)).Distinct().ShouldBe([(409, "already_posted")]);
        (await exchange.LedgerAsync(ping)).NetOf("publisher:pub-lead").ShouldBe(8.00m);
        ((int)(await exchange.CapAsync("camp-lead", "total.leads"))["used"]!).ShouldBe(1);
    }

    [Fact]
    public async Task OneLead_QuestionsAndOtherBodiesBeforeAndBesideItsPost_ChangeNothing()
    {
        await exchange.ApplyAsync(Catalog("order", 1_000));
        using var publisher = await Sender.OfAsync(exchange, "pub-order");
        var ping = await publisher.OfferedAsync();
        var person = Sender.NextPerson();
        // Before its post a lead is nothing yet.
        (await publisher.LeadAsync(ping)).Status.ShouldBe(404);
        (await exchange.GetAsync("/v1/requests/order-1", publisher.Key)).Status.ShouldBe(404);
        var key = ("Idempotency-Key", "order-1");
        var posts = Enumerable.Range(0, 10).Select(_ => publisher.PostAsync(ping, person, null, key)).ToArray();
        var reads = Enumerable.Range(0, 20).Select(_ => publisher.LeadAsync(ping)).ToArray();
        var answers = await Task.WhenAll(posts);
        foreach (var read in await Task.WhenAll(reads)) (read.Status is 404 || read["status"] is "sold" or "pending").ShouldBeTrue(read.Text);
        answers.Select(answer => (answer.Status, answer.Text)).Distinct().ShouldHaveSingleItem().Status.ShouldBe(200);
        // Late, with another body under the same key.
        var late = await publisher.PostAsync(ping, Sender.NextPerson(), null, key);
        (late.Status, late.Code).ShouldBe((422, "idempotency_key_reused"));
        (await publisher.LeadAsync(ping))["status"].ShouldBe("sold");
        (await exchange.SoldToAsync(ping)).ShouldBe(["camp-order"]);
        (await exchange.LedgerAsync(ping)).NetOf("house").ShouldBe(2.00m);
    }

    private static string Catalog(string id, int cap) => Market.With(
        $$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer-{{id}}: { credit_limit: "50000.00" }
        campaigns:
          camp-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "10.00", caps: [ { per: total, leads: {{cap}} } ] }
        ping_trees:
          tree-{{id}}: { vertical: auto, tiers: [ { name: only, method: priority, campaigns: [camp-{{id}}] } ] }
        """);
}
