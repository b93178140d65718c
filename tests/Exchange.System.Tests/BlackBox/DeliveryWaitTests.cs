using System.Globalization;
using System.Text.Json.Nodes;
using Exchange.System.Tests.Storage;
using Shouldly;
using static Exchange.System.Tests.BlackBox.MarketCalls;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// Leads that are handed over later, or not where they usually go: after a delay, when fields arrive, by condition. A server each, because they are killed.
/// </summary>
public abstract class DeliveryWaitTests : IAsyncLifetime
{
    private Dictionary<string, string>? settings;

    /// <summary>Null: the embedded database.</summary>
    protected virtual Task<Dictionary<string, string>?> SettingsAsync() => Task.FromResult<Dictionary<string, string>?>(null);

    public async Task InitializeAsync() => settings = await SettingsAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    private const string ForCallback = "until: { field: callback, exists: true }";

    [Fact]
    public async Task SoldNow_DeliveredAfterItsWait_AndSeenByItsBuyerOnlyThen()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings);
        using var publisher = await StartAsync(exchange, buyers, "wait: { for: 8s }, to: [hook]", "to: [inbox]");
        buyers["first"].AnswersStatus(200);
        var buyer = await exchange.KeyAsync("buyer", "first");

        var post = await publisher.PingAndPostAsync();
        (post.Status, post["status"], post["payout"]).ShouldBe((200, "sold", "8.80"), post.Text);
        (await DeliveryAsync(exchange)).ShouldBe("* waiting moment 0");
        (await exchange.GetAsync("/v1/buyer/copies", buyer)).Json["copies"]!.AsArray().ShouldBeEmpty();
        buyers["first"].Requests.ShouldBeEmpty();
        // What waits is in the rows, in no memory.
        await exchange.KillAndRestartAsync(settings);

        await Until(async () => await DeliveryAsync(exchange) == "hook delivered  1", "it arrives", exchange);
        buyers["first"].Requests.ShouldHaveSingleItem().IsSigned.ShouldBeTrue();
        (await exchange.GetAsync("/v1/buyer/copies", buyer)).Json["copies"]!.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task HeldUntilAFieldComes_IsPending_AndAskedWithIt()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings);
        using var publisher = await StartAsync(exchange, buyers, $"sold: on_accept, wait: {{ {ForCallback}, at_most: 1h, then: drop }}, to: [crm]", "to: [inbox]");
        buyers["first"].Accepts();

        var post = await publisher.PingAndPostAsync();
        var lead = post["lead_id"]!;
        (post.Status, post["status"], post["payout"], post["payout_pending"]).ShouldBe((202, "pending", "0.00", "8.80"), post.Text);
        post.Headers["Location"].ShouldBe($"/v1/leads/{lead}");
        (await exchange.CopiesAsync(lead)).ShouldBe(["first 11.00 8.80 pending held"]);
        await exchange.KillAndRestartAsync(settings);
        (await publisher.LeadAsync(lead))["status"].ShouldBe("pending");

        var added = await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, """{ "fields": { "callback": "evening" } }""");
        added.Status.ShouldBe(200, added.Text);
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "its buyer takes it", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["first 11.00 8.80 sold captured"]);
        buyers["first"].Requests.ShouldHaveSingleItem().Json["fields"]!["callback"]!.GetValue<string>().ShouldBe("evening");
        (await DeliveryAsync(exchange)).ShouldBe("crm delivered  1");
    }

    [Fact]
    public async Task HeldUntilItsTimeIsOver_IsDropped_AndTheNextInRankHasIt()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings);
        using var publisher = await StartAsync(exchange, buyers, $"sold: on_accept, wait: {{ {ForCallback}, at_most: 1s, then: drop }}, to: [crm]", "to: [inbox]");

        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "sold", "the second has it", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["first 11.00 8.80 rejected voided", "second 11.00 8.80 sold captured"]);
        buyers["first"].Requests.ShouldBeEmpty();
        (await DeliveryAsync(exchange, "first")).ShouldBe("* cancelled cancelled 0");
    }

    [Fact]
    public async Task SoldAndDropped_StaysSold_AndGoesNowhere()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings);
        using var publisher = await StartAsync(exchange, buyers, $"wait: {{ {ForCallback}, at_most: 1s, then: drop }}, to: [hook]", "to: [inbox]");
        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;
        await Until(async () => await DeliveryAsync(exchange) == "* cancelled wait_over 0", "it is dropped", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["first 11.00 8.80 sold captured"]);
        buyers["first"].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task FirstDestinationWhoseConditionHolds_HasIt_AsTheLeadIsThen()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings);
        using var publisher = await StartAsync(exchange, buyers,
            $"wait: {{ {ForCallback}, at_most: 1h }}, to: [ {{ endpoint: crm, when: {{ field: callback, is: evening }} }}, {{ endpoint: hook, when: {{ field: occupation, is: nurse }} }}, inbox ]", "to: [inbox]");
        buyers["first"].Accepts();
        foreach (var (occupation, callback, goesTo) in ((string, string, string)[])[("nurse", "evening", "crm delivered  1"), ("nurse", "noon", "hook delivered  1"), ("pilot", "noon", "inbox waiting none 0")])
        {
            var lead = (await publisher.PostAsync(await publisher.OfferedAsync(), new Dictionary<string, string>(Sender.NextPerson()) { ["occupation"] = occupation }))["lead_id"]!;
            (await DeliveryAsync(exchange)).ShouldBe("* waiting fields 0");
            (await exchange.SendAsync(HttpMethod.Patch, $"/v1/leads/{lead}", publisher.Key, $$"""{ "fields": { "callback": "{{callback}}" } }""")).Status.ShouldBe(200);
            await Until(async () => await DeliveryAsync(exchange) == goesTo, $"{occupation}, {callback}: {goesTo}", exchange);
        }
    }

    [Fact]
    public async Task Erased_WhileItWaitsHeld_FreesTheHold_AndGoesToNobody()
    {
        await using var buyers = await BuyerApp.StartAsync();
        await using var exchange = await ExchangeProcess.StartAsync(environment: settings);
        using var publisher = await StartAsync(exchange, buyers, $"sold: on_accept, wait: {{ {ForCallback}, at_most: 1h }}, to: [crm]", "to: [inbox]");
        var lead = (await publisher.PingAndPostAsync())["lead_id"]!;
        (await exchange.SendAsync(HttpMethod.Delete, $"/v1/admin/leads/{lead}/pii", ExchangeProcess.AdminKey)).Status.ShouldBe(202);
        await Until(async () => await exchange.StatusAsync(publisher.Key, lead) == "unsold", "the hold is freed", exchange);
        (await exchange.CopiesAsync(lead)).ShouldBe(["first 11.00 8.80 rejected voided"]);
        buyers["first"].Requests.ShouldBeEmpty();
    }

    /// <summary>Two campaigns, 12.50 and 11.00 under second price; the first with that delivery, its endpoints on one desk of the buyers.</summary>
    private static async Task<Sender> StartAsync(ExchangeProcess exchange, BuyerApp buyers, string first, string second)
    {
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/signing", ExchangeProcess.AdminKey, "whsec_" + Convert.ToBase64String(BuyerApp.SigningKey), "text/plain")).Status.ShouldBe(200);
        await exchange.ApplyAsync(Market.With($$"""
            publishers:
              search: { verticals: [auto], payout: { share: 80% } }
            buyers:
              first:
                credit_limit: "5000.00"
                endpoints:
                  crm:  { connector: native,  with: { url: "{{buyers.Url("first")}}", secret: { secret: signing } } }
                  hook: { connector: webhook, with: { url: "{{buyers.Url("first")}}", secret: { secret: signing } } }
              second: { credit_limit: "5000.00" }
            campaigns:
              first:  { buyer: first,  vertical: auto, bid: "12.50", delivery: { {{first}} } }
              second: { buyer: second, vertical: auto, bid: "11.00", delivery: { {{second}} } }
            ping_trees:
              main: { vertical: auto, tiers: [{ name: market, method: auction, pricing: second_price, floor: "5.00", campaigns: [first, second] }] }
            """));
        return await Sender.OfAsync(exchange, "search");
    }

    /// <summary>The newest delivery: endpoint, status, error or what it waits for, attempts.</summary>
    private static async Task<string> DeliveryAsync(ExchangeProcess exchange, string buyer = "first")
    {
        var row = (await exchange.AdminAsync($"deliveries?buyer={buyer}"))["deliveries"]!.AsArray()[0]!;
        return string.Create(CultureInfo.InvariantCulture, $"{row["endpoint"]} {row["status"]} {((string?)row["status"] == "waiting" ? row["waits_for"]?.GetValue<string>() ?? "none" : row["error"])} {row["attempts"]}");
    }
}

public sealed class EmbeddedDeliveryWaitTests : DeliveryWaitTests;

public sealed class PostgresDeliveryWaitTests : DeliveryWaitTests, IClassFixture<PostgresCluster>
{
    protected override async Task<Dictionary<string, string>?> SettingsAsync() => PostgresTests.Settings(await PostgresCluster.CreateDatabaseAsync());
}
