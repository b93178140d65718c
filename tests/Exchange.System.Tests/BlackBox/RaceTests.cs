using Exchange.V1;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>Many posts at the same moment, over HTTP and gRPC mixed: caps are exact and one post is one sale.</summary>
[Collection(OffersAndRaces.Name)]
public sealed class RaceTests
{
    private readonly ExchangeProcess exchange;

    public RaceTests(RunningExchange running) => exchange = running.Process;

    [Fact]
    public async Task CapOfFive_FortyPostsAtOnceAndTheNextCanPay_FiveAndThirtyFive()
    {
        // Second price: offered at 11.00, which the next campaign bids too.
        await exchange.ApplyAsync(Catalog("pays", "second_price"));
        using var publisher = await Sender.OfAsync(exchange, "pub-pays");
        var answers = await PostFortyAtOnceAsync(publisher);

        answers.Select(answer => answer.Status).Distinct().ShouldBe(["sold"]);
        var bought = new List<string>();
        foreach (var (lead, _, _) in answers) bought.Add((await exchange.SoldToAsync(lead)).ShouldHaveSingleItem());
        bought.Count(campaign => campaign == "capped-pays").ShouldBe(5);
        bought.Count(campaign => campaign == "next-pays").ShouldBe(35);
        await CounterReadsFiveAsync("capped-pays");

        // Everybody was paid what was promised, and each sale sums to nothing.
        foreach (var (lead, _, _) in answers)
        {
            var money = await exchange.LedgerAsync(lead);
            money.NetOf("publisher:pub-pays").ShouldBe(8.80m);
            money.NetOf("house").ShouldBe(2.20m);
        }
    }

    [Fact]
    public async Task CapOfFive_FortyPostsAtOnceAndTheNextCannotPay_FiveAndTheRestUnsold()
    {
        // First price: 10.00 of 12.50 was promised, and 11.00 cannot pay that.
        await exchange.ApplyAsync(Catalog("short", "first_price"));
        using var publisher = await Sender.OfAsync(exchange, "pub-short");
        var answers = await PostFortyAtOnceAsync(publisher);

        answers.Count(answer => answer.Status == "sold").ShouldBe(5);
        answers.Where(answer => answer.Status != "sold").Select(answer => (answer.Status, answer.Reason)).Distinct().ShouldBe([("unsold", "all_rejected")]);
        foreach (var (lead, status, _) in answers)
        {
            (await exchange.SoldToAsync(lead)).ShouldBe(status == "sold" ? ["capped-short"] : []);
            (await exchange.LedgerAsync(lead)).NetOf("publisher:pub-short").ShouldBe(status == "sold" ? 10.00m : 0m);
        }
        await CounterReadsFiveAsync("capped-short");
    }

    [Fact]
    public async Task OnePost_FiftyTimesAtOnceUnderOneKey_OneSaleAndFiftyEqualAnswers()
    {
        await exchange.ApplyAsync(Catalog("same", "second_price"));
        using var publisher = await Sender.OfAsync(exchange, "pub-same");
        var ping = await publisher.OfferedAsync();
        var person = Sender.NextPerson();
        const string idempotencyKey = "order-4711";

        var overHttp = Enumerable.Range(0, 25).Select(_ => publisher.PostAsync(ping, person, null, ("Idempotency-Key", idempotencyKey))).ToArray();
        var overGrpc = Enumerable.Range(0, 25)
            .Select(_ => publisher.Grpc.PostAsync(new PostRequest { PingId = ping, Fields = { person } }, publisher.GrpcHeaders(idempotencyKey)).ResponseAsync).ToArray();
        var http = await Task.WhenAll(overHttp);
        var grpc = await Task.WhenAll(overGrpc);

        http.Select(answer => (answer.Status, answer.Text)).Distinct().ShouldHaveSingleItem().Status.ShouldBe(200);
        http[0]["status"].ShouldBe("sold");
        grpc.Count(answer => !answer.IdempotencyReplayed).ShouldBeLessThanOrEqualTo(1);
        (http.Count(answer => !answer.Headers.ContainsKey("Idempotency-Replayed")) + grpc.Count(answer => !answer.IdempotencyReplayed)).ShouldBe(1);
        foreach (var answer in grpc) answer.IdempotencyReplayed = false;
        var said = grpc.Distinct().ShouldHaveSingleItem();
        said.LeadId.ShouldBe(http[0]["lead_id"]);
        said.Status.ShouldBe(LeadStatus.Sold);
        said.PayoutMicros.ShouldBe(8_800_000);

        (await exchange.SoldToAsync(ping)).ShouldBe(["capped-same"]);
        var money = await exchange.LedgerAsync(ping);
        money.NetOf("buyer:buyer-same").ShouldBe(-11.00m);
        money.NetOf("publisher:pub-same").ShouldBe(8.80m);
        ((int)(await exchange.CapAsync("capped-same", "total.leads"))["used"]!).ShouldBe(1);
    }

    [Fact]
    public async Task OnePost_AtOnceWithoutKey_OneSale()
    {
        await exchange.ApplyAsync(Catalog("bare", "second_price"));
        using var publisher = await Sender.OfAsync(exchange, "pub-bare");
        var ping = await publisher.OfferedAsync();
        var person = Sender.NextPerson();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => publisher.PostAsync(ping, person)));
        answers.Select(answer => (answer.Status, answer.Text)).Distinct().ShouldHaveSingleItem().Status.ShouldBe(200);
        ((int)(await exchange.CapAsync("capped-bare", "total.leads"))["used"]!).ShouldBe(1);
    }

    [Fact]
    public async Task OnePerson_ManyPostsAtOnce_SoldOnce()
    {
        await exchange.ApplyAsync(Catalog("person", "second_price", "duplicate: { keys: [phone, email], window: 30d }"));
        using var publisher = await Sender.OfAsync(exchange, "pub-person");
        var pings = new List<string>();
        for (var i = 0; i < 10; i++) pings.Add(await publisher.OfferedAsync());
        var person = Sender.NextPerson();
        var answers = await Task.WhenAll(pings.Select(ping => publisher.PostAsync(ping, person)));
        answers.Count(answer => answer["status"] == "sold").ShouldBe(1);
        answers.Where(answer => answer["status"] != "sold").Select(answer => answer["reason"]).Distinct().ShouldBe(["duplicate"]);
    }

    private static async Task<(string Lead, string Status, string? Reason)[]> PostFortyAtOnceAsync(Sender publisher)
    {
        var pings = new List<string>();
        for (var i = 0; i < 40; i++) pings.Add(await publisher.OfferedAsync());
        return await Task.WhenAll(pings.Select((ping, i) => i % 2 == 0 ? OverHttpAsync(publisher, ping) : OverGrpcAsync(publisher, ping)));
    }

    private static async Task<(string Lead, string Status, string? Reason)> OverHttpAsync(Sender publisher, string ping)
    {
        var answer = await publisher.PostAsync(ping);
        answer.Status.ShouldBe(200, answer.Text);
        return (answer["lead_id"]!, answer["status"]!, answer["reason"]);
    }

    private static async Task<(string Lead, string Status, string? Reason)> OverGrpcAsync(Sender publisher, string ping)
    {
        var answer = await publisher.Grpc.PostAsync(new PostRequest { PingId = ping, Fields = { Sender.NextPerson() } }, publisher.GrpcHeaders());
        return (answer.LeadId, answer.Status == LeadStatus.Sold ? "sold" : answer.Status == LeadStatus.Unsold ? "unsold" : answer.Status.ToString(), answer.Reason.Length == 0 ? null : answer.Reason);
    }

    private async Task CounterReadsFiveAsync(string campaign)
    {
        var cap = await exchange.CapAsync(campaign, "total.leads");
        ((int)cap["used"]!).ShouldBe(5);
        ((int)cap["held"]!).ShouldBe(0);
        ((int)cap["left"]!).ShouldBe(0);
    }

    private static string Catalog(string id, string pricing, string rules = "") => Market.Of(rules,
        $$"""
        publishers:
          pub-{{id}}: { verticals: [auto], payout: { share: 80% } }
        buyers:
          buyer-{{id}}: { credit_limit: "5000.00" }
          rival-{{id}}: { credit_limit: "5000.00" }
        campaigns:
          capped-{{id}}: { buyer: buyer-{{id}}, vertical: auto, bid: "12.50", caps: [ { per: total, leads: 5 } ] }
          next-{{id}}: { buyer: rival-{{id}}, vertical: auto, bid: "11.00" }
        ping_trees:
          tree-{{id}}:
            vertical: auto
            tiers:
              - { name: market, method: auction, pricing: {{pricing}}, floor: "5.00", campaigns: [capped-{{id}}, next-{{id}}] }
        """);
}
