using System.Globalization;
using System.Text.Json.Nodes;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// Leads that are handed over later, or not where they usually go: after a delay, when fields arrive, by condition. They share a server, which some of them kill.
/// </summary>
public abstract class DeliveryWaitTests(RunningExchange running)
{
    private readonly ExchangeProcess exchange = running.Process;

    private const string ForCallback = "until: { field: callback, exists: true }";

    [Fact]
    public async Task SoldNow_DeliveredAfterItsWait_AndSeenByItsBuyerOnlyThen()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, "wait: { for: 8s }, to: [hook]", "to: [inbox]");
        buyers["handed"].AnswersStatus(200);
        var buyer = await running.KeyAsync("buyer", "handed");

        var post = await publisher.PingAndPostAsync();
        (post.Status, post["status"], post["payout"]).ShouldBe((200, "sold", "8.80"), post.Text);
        (await DeliveryAsync()).ShouldBe("* waiting moment 0");
        (await SeenAsync()).ShouldBe(0);
        buyers["handed"].Requests.ShouldBeEmpty();
        // What waits is in the rows, in no memory.
        await running.KillAndRestartAsync();

        await Until(async () => await DeliveryAsync() == "hook delivered  1", "it arrives", exchange);
        buyers["handed"].Requests.ShouldHaveSingleItem().IsSigned.ShouldBeTrue();
        (await SeenAsync()).ShouldBe(1);

        async Task<int> SeenAsync() => (await exchange.GetAsync("/v1/buyer/copies", buyer)).Json["copies"]!.AsArray().Count(copy => copy!["copy_id"]!.GetValue<string>() == post["lead_id"] + "-1");
    }

    [Fact]
    public async Task HeldUntilAFieldComes_IsPending_AndAskedWithIt()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, $"sold: on_accept, wait: {{ {ForCallback}, at_most: 1h, then: drop }}, to: [crm]", "to: [inbox]");
        buyers["handed"].Accepts();

        var post = await publisher.PingAndPostAsync();
        var lead = post["lead_id"]!;
        (post.Status, post["status"], post["payout"], post["payout_pending"]).ShouldBe((202, "pending", "0.00", "8.80"), post.Text);
        post.Headers["Location"].ShouldBe($"/v1/leads/{lead}");
        (await exchange.CopiesAsync(lead)).ShouldBe(["handed 11.00 8.80 pending held"]);
        await running.KillAndRestartAsync();
        (await publisher.LeadAsync(lead))["status"].ShouldBe("pending");

        var added = await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, """{ "fields": { "callback": "evening" } }""");
        added.Status.ShouldBe(200, added.Text);
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "its buyer takes it", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["handed 11.00 8.80 sold captured"]);
        buyers["handed"].Requests.ShouldHaveSingleItem().Json["fields"]!["callback"]!.GetValue<string>().ShouldBe("evening");
        (await DeliveryAsync()).ShouldBe("crm delivered  1");
    }

    [Fact]
    public async Task HeldUntilItsTimeIsOver_IsDropped_AndTheNextInRankHasIt()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, $"sold: on_accept, wait: {{ {ForCallback}, at_most: 1s, then: drop }}, to: [crm]", "to: [inbox]");

        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "the second has it", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["handed 11.00 8.80 rejected voided", "spare 11.00 8.80 sold captured"]);
        buyers["handed"].Requests.ShouldBeEmpty();
        (await DeliveryAsync()).ShouldBe("* cancelled cancelled 0");
    }

    [Fact]
    public async Task SoldAndDropped_StaysSold_AndGoesNowhere()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, $"wait: {{ {ForCallback}, at_most: 1s, then: drop }}, to: [hook]", "to: [inbox]");
        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;
        await Until(async () => await DeliveryAsync() == "* cancelled wait_over 0", "it is dropped", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["handed 11.00 8.80 sold captured"]);
        buyers["handed"].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task FirstDestinationWhoseConditionHolds_HasIt_AsTheLeadIsThen()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers,
            $"wait: {{ {ForCallback}, at_most: 1h }}, to: [ {{ endpoint: crm, when: {{ field: callback, is: evening }} }}, {{ endpoint: hook, when: {{ field: occupation, is: nurse }} }}, inbox ]", "to: [inbox]");
        buyers["handed"].Accepts();
        foreach (var (occupation, callback, goesTo) in ((string, string, string)[])[("nurse", "evening", "crm delivered  1"), ("nurse", "noon", "hook delivered  1"), ("pilot", "noon", "inbox waiting none 0")])
        {
            var lead = (await publisher.PostAsync(await publisher.OfferedAsync(), new Dictionary<string, string>(Sender.NextPerson()) { ["occupation"] = occupation }))["lead_id"]!;
            (await DeliveryAsync()).ShouldBe("* waiting fields 0");
            (await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, $$"""{ "fields": { "callback": "{{callback}}" } }""")).Status.ShouldBe(200);
            await Until(async () => await DeliveryAsync() == goesTo, $"{occupation}, {callback}: {goesTo}", exchange);
        }
    }

    [Fact]
    public async Task Erased_WhileItWaitsHeld_FreesTheHold_AndGoesToNobody()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, $"sold: on_accept, wait: {{ {ForCallback}, at_most: 1h }}, to: [crm]", "to: [inbox]");
        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;
        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{lead}/pii", ExchangeProcess.AdminKey)).Status.ShouldBe(202);
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "unsold", "the hold is freed", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["handed 11.00 8.80 rejected voided"]);
        buyers["handed"].Requests.ShouldBeEmpty();
    }

    /// <summary>Nobody was called for it yet: it goes to nobody else either.</summary>
    [Fact]
    public async Task PersonIsErasedWithAnotherLead_WhileItWaitsHeld_FreesTheHold_AndGoesToNobody()
    {
        await using var buyers = await BuyerApp.StartAsync();
        using var publisher = await StartAsync(buyers, $"sold: on_accept, wait: {{ {ForCallback}, at_most: 1h }}, to: [crm]", "to: [inbox]");
        buyers["handed"].Accepts();
        var person = Sender.NextPerson();
        var (lead, other) = ((await publisher.PostAsync(await publisher.OfferedAsync(), person))["lead_id"]!, (await publisher.PostAsync(await publisher.OfferedAsync(), person))["lead_id"]!);
        (await exchange.CopiesAsync(lead)).ShouldBe(["handed 11.00 8.80 pending held"]);
        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{other}/pii", ExchangeProcess.AdminKey)).Status.ShouldBe(202);
        var added = await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, """{ "fields": { "callback": "evening" } }""");
        added.Status.ShouldBe(200, added.Text);
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "unsold", "the hold is freed", exchange);
        (await publisher.LeadAsync(lead))["reason"].ShouldBe("suppressed");
        (await exchange.CopiesAsync(lead)).ShouldBe(["handed 11.00 8.80 rejected voided"]);
        buyers["handed"].Requests.ShouldBeEmpty();
    }

    /// <summary>Two campaigns, 12.50 and 11.00 under second price; the first with that delivery, its endpoints on one desk of the buyers.</summary>
    private async Task<Sender> StartAsync(BuyerApp buyers, string first, string second)
    {
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/signing", ExchangeProcess.AdminKey, "whsec_" + Convert.ToBase64String(BuyerApp.SigningKey), "text/plain")).Status.ShouldBe(200);
        await exchange.ApplyAsync(Market.With($$"""
            publishers:
              search: { verticals: [auto], payout: { share: 80% } }
            buyers:
              handed:
                credit_limit: "5000.00"
                endpoints:
                  crm:  { connector: native,  with: { url: "{{buyers.Url("handed")}}", secret: { secret: signing } } }
                  hook: { connector: webhook, with: { url: "{{buyers.Url("handed")}}", secret: { secret: signing } } }
              spare: { credit_limit: "5000.00" }
            campaigns:
              handed: { buyer: handed, vertical: auto, bid: "12.50", delivery: { {{first}} } }
              spare:  { buyer: spare,  vertical: auto, bid: "11.00", delivery: { {{second}} } }
            ping_trees:
              at-once: { vertical: auto, tiers: [{ name: market, method: auction, pricing: second_price, floor: "5.00", campaigns: [handed, spare] }] }
            """));
        return new(exchange, await running.KeyAsync("publisher", "search"));
    }

    /// <summary>The newest delivery: endpoint, status, error or what it waits for, attempts.</summary>
    private async Task<string> DeliveryAsync(string buyer = "handed")
    {
        var row = (await exchange.AdminAsync($"deliveries?buyer={buyer}"))["deliveries"]!.AsArray()[0]!;
        return string.Create(CultureInfo.InvariantCulture, $"{row["endpoint"]} {row["status"]} {((string?)row["status"] == "waiting" ? row["waits_for"]?.GetValue<string>() ?? "none" : row["error"])} {row["attempts"]}");
    }
}

[Collection(LeadsThatWait.Name)]
public sealed class EmbeddedDeliveryWaitTests(RunningExchange running) : DeliveryWaitTests(running);

[Collection(LeadsThatWaitOnPostgres.Name)]
public sealed class PostgresDeliveryWaitTests(RunningPostgresExchange running) : DeliveryWaitTests(running);
