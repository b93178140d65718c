using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary>
/// A catalog of small markets that do not touch each other, so that tests share one server: each is a vertical with its own buyers and
/// campaigns of the same names, and a second-price tree with a floor of 5.00; one publisher at a share of 80 %.
/// </summary>
internal sealed class BuyerMarkets(BuyerApp app)
{
    private static readonly string Zone = BlackBox.Market.ZoneAtDaytime();

    private readonly StringBuilder verticals = new(), buyers = new(), campaigns = new(), trees = new();
    private readonly List<string> names = [];

    /// <summary>Bids 12.50, 11.00 and 9.50; the first two ask their buyers, the last one's buyer pulls.</summary>
    /// <param name="name">The vertical, and how its buyers' and campaigns' names begin.</param>
    /// <param name="postTimeout">Of the first two. As long as a post's own time unless a buyer is to be late: a busy machine is.</param>
    public BuyerMarkets Three(string name, string postTimeout = "10s")
    {
        Buyer($"{name}-one", "native", postTimeout);
        Buyer($"{name}-two", "native", postTimeout);
        buyers.AppendLine($"  {name}-three: {{ credit_limit: \"50000.00\" }}");
        Campaign(name, $"{name}-one", "12.50", "{ sold: on_accept, to: [crm] }");
        Campaign(name, $"{name}-two", "11.00", "{ sold: on_accept, to: [crm] }");
        Campaign(name, $"{name}-three", "9.50", "{ to: [inbox] }");
        Market(name, $"{name}-one", $"{name}-two", $"{name}-three");
        return this;
    }

    /// <summary>One campaign that is sold on the post and told by webhook.</summary>
    /// <param name="more">Further keys of its endpoint, each after a comma.</param>
    public BuyerMarkets Webhook(string name, string postTimeout = "15s", string? url = null, string more = "")
    {
        Buyer(name, "webhook", postTimeout, url, more);
        Campaign(name, name, "10.00", "{ to: [crm] }");
        Market(name, name);
        return this;
    }

    public override string ToString() => $$"""
        exchange: { currency: USD, time_zone: UTC }
        verticals:
        {{verticals}}
        publishers:
          search: { verticals: [{{string.Join(", ", names)}}], payout: { share: 80% } }
          stranger: { verticals: [{{string.Join(", ", names)}}], payout: { share: 80% } }
        buyers:
        {{buyers}}
        campaigns:
        {{campaigns}}
        ping_trees:
        {{trees}}
        """;

    /// <summary>Sets the signing secret, applies the catalog and gives the publisher's key.</summary>
    public async Task<string> ApplyAsync(ExchangeProcess exchange)
    {
        await ServeAsync(exchange);
        return await exchange.KeyAsync("publisher", "search");
    }

    /// <summary>The same on an exchange that others use too: the key is theirs as well.</summary>
    public async Task<string> ApplyAsync(RunningExchange running)
    {
        await ServeAsync(running.Process);
        return await running.KeyAsync("publisher", "search");
    }

    /// <summary>Sets the signing secret and applies the catalog.</summary>
    public async Task ServeAsync(ExchangeProcess exchange)
    {
        var secret = await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/signing", ExchangeProcess.AdminKey,
            "whsec_" + Convert.ToBase64String(BuyerApp.SigningKey), "text/plain");
        secret.Status.ShouldBe(200, secret.Text);
        await exchange.ApplyAsync(ToString());
    }

    private void Market(string name, params string[] members)
    {
        names.Add(name);
        verticals.AppendLine($$"""  {{name}}: { ping_ttl: 5m, duplicate: { keys: [email], window: 30d }, fields: { state: { type: us_state, ping: required }, email: { type: email, pii: true, post: required } } }""");
        trees.AppendLine($$"""  {{name}}: { vertical: {{name}}, publishers: all, tiers: [ { name: market, method: auction, pricing: second_price, floor: "5.00", campaigns: [{{string.Join(", ", members)}}] } ] }""");
    }

    private void Buyer(string name, string connector, string postTimeout, string? url = null, string more = "") =>
        buyers.AppendLine($$"""  {{name}}: { credit_limit: "50000.00", endpoints: { crm: { connector: {{connector}}, with: { url: "{{url ?? app.Url(name)}}", secret: { secret: signing } }, timeout: { post: {{postTimeout}} } {{more}} } } }""");

    private void Campaign(string market, string name, string bid, string delivery) =>
        campaigns.AppendLine($$"""  {{name}}: { buyer: {{name}}, vertical: {{market}}, bid: { fixed: "{{bid}}" }, caps: [ { per: day, leads: 5000, time_zone: {{Zone}} } ], delivery: {{delivery}} }""");
}

/// <summary>A publisher's and an admin's usual questions, as the contract words them.</summary>
internal static class MarketCalls
{
    private static int people;

    public static async Task<string> PingAsync(this ExchangeProcess exchange, string key, string market)
    {
        var ping = await exchange.PostAsync("/v1/pings", key, new { vertical = market, fields = new { state = "CA" } });
        ping.Status.ShouldBe(200, ping.Text);
        ping["status"].ShouldBe("offered", ping.Text);
        return ping["ping_id"]!;
    }

    /// <summary>A post's body, another person each time.</summary>
    public static string PostBody(string ping, int deadlineMs = 0)
    {
        var body = new JsonObject { ["ping_id"] = ping, ["fields"] = new JsonObject { ["email"] = $"person{Interlocked.Increment(ref people)}@example.com" } };
        if (deadlineMs > 0) body["deadline_ms"] = deadlineMs;
        return body.ToJsonString();
    }

    public static Task<Reply> SellAsync(this ExchangeProcess exchange, string key, string body, string? idempotencyKey = null) =>
        idempotencyKey is null ? exchange.PostAsync("/v1/posts", key, body) : exchange.PostAsync("/v1/posts", key, body, ("Idempotency-Key", idempotencyKey));

    /// <summary>At another server than the ping: that one says come again where the offer's own does not answer within a quarter of a second.</summary>
    public static async Task<Reply> SellElsewhereAsync(this ExchangeProcess exchange, string key, string ping)
    {
        var body = JsonSerializer.Serialize(new { ping_id = ping, fields = Sender.NextPerson() });
        Reply post = null!;
        await Until(async () => (post = await exchange.SellAsync(key, body)).Code != "storage_unavailable", "the server that made the offer answers", exchange);
        return post;
    }

    /// <summary>The lead's copies as "campaign price payout status money", in the order of their holds.</summary>
    public static async Task<string[]> CopiesAsync(this ExchangeProcess exchange, string lead)
    {
        var reply = await exchange.GetAsync($"/v1/admin/leads/{lead}");
        reply.Status.ShouldBe(200, reply.Text);
        return [.. reply.Json["copies"]!.AsArray().Select(copy => $"{copy!["campaign"]} {copy["price"]} {copy["payout"]} {copy["status"]} {copy["money"]}")];
    }

    /// <summary>The lead's bookings as "debit credit amount", sorted.</summary>
    public static async Task<string[]> BookingsAsync(this ExchangeProcess exchange, string lead)
    {
        var reply = await exchange.GetAsync($"/v1/admin/ledger?lead_id={lead}");
        reply.Status.ShouldBe(200, reply.Text);
        return [.. reply.Json["transfers"]!.AsArray().Select(row => $"{row!["debit"]} {row["credit"]} {row["amount"]}").Order(StringComparer.Ordinal)];
    }

    /// <summary>"used held" of the day cap, "used held" of the balance.</summary>
    public static async Task<string> LimitsAsync(this ExchangeProcess exchange, string campaign)
    {
        var reply = await exchange.GetAsync($"/v1/admin/campaigns/{campaign}");
        reply.Status.ShouldBe(200, reply.Text);
        var state = reply.Json["state"]!;
        return $"{state["caps"]![0]!["used"]} {state["caps"]![0]!["held"]} {state["balance"]!["used"]} {state["balance"]!["held"]}";
    }

    public static async Task<string> StatusAsync(this ExchangeProcess exchange, string key, string lead)
    {
        var reply = await exchange.GetAsync($"/v1/leads/{lead}", key);
        return reply.Json["status"]!.GetValue<string>();
    }

    /// <summary>Asks until the answer is this one.</summary>
    public static async Task Until(Func<Task<bool>> holds, string what, ExchangeProcess? exchange = null, int seconds = 40)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (!await holds())
        {
            if (patience.IsCancellationRequested) throw new TimeoutException($"Not within {seconds} s: {what}\n{exchange?.Output}");
            await Task.Delay(50, CancellationToken.None);
        }
    }

    public static Task Until(Func<bool> holds, string what, ExchangeProcess? exchange = null) => Until(() => Task.FromResult(holds()), what, exchange);
}
