using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Exchange.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Exchange.System.Tests.BlackBox;

/// <summary>A publisher with its key: pings and posts over HTTP and gRPC, each lead another person unless told.</summary>
public sealed class Sender(ExchangeProcess exchange, string key) : IDisposable
{
    private static long persons;
    private readonly GrpcChannel channel = GrpcChannel.ForAddress($"http://127.0.0.1:{exchange.GrpcPort}");

    public string Key => key;
    public IntakeService.IntakeServiceClient Grpc => new(channel);

    public static async Task<Sender> OfAsync(ExchangeProcess exchange, string publisher, string mode = "live") =>
        new(exchange, await exchange.KeyAsync("publisher", publisher, mode));

    /// <summary>Contact data of somebody who was not sent before.</summary>
    public static Dictionary<string, string> NextPerson()
    {
        var number = Interlocked.Increment(ref persons);
        return new()
        {
            ["first_name"] = "Pat",
            ["email"] = string.Create(CultureInfo.InvariantCulture, $"person{number}@example.com"),
            ["phone"] = string.Create(CultureInfo.InvariantCulture, $"+1310{2_000_000 + number}"),
        };
    }

    /// <param name="fields">Nothing given: a zip in California.</param>
    /// <param name="with">More members of the request.</param>
    public Task<Reply> PingAsync(object? fields = null, object? with = null, params (string Name, string Value)[] headers) =>
        exchange.PostAsync("/v1/pings", key, Joined(new { vertical = "auto", fields = fields ?? new { zip = "90210", state = "CA" } }, with), headers);

    /// <summary>The id of a ping that must have got an offer.</summary>
    public async Task<string> OfferedAsync(object? fields = null, object? with = null)
    {
        var ping = await PingAsync(fields, with);
        if (ping.Status != 200 || ping["status"] != "offered") throw new InvalidOperationException($"not offered: {ping.Status} {ping.Text}");
        return ping["ping_id"]!;
    }

    public Task<Reply> PostAsync(string ping, object? fields = null, object? with = null, params (string Name, string Value)[] headers) =>
        exchange.PostAsync("/v1/posts", key, Joined(new { ping_id = ping, fields = fields ?? NextPerson() }, with), headers);

    public async Task<Reply> PingAndPostAsync(object? fields = null) => await PostAsync(await OfferedAsync(fields));

    /// <summary>Without a ping.</summary>
    public Task<Reply> DirectAsync(params (string Name, string Value)[] more)
    {
        var fields = new Dictionary<string, string>(NextPerson()) { ["zip"] = "90210", ["state"] = "CA" };
        foreach (var (name, value) in more) fields[name] = value;
        return exchange.PostAsync("/v1/leads", key, JsonSerializer.Serialize(new { vertical = "auto", fields }));
    }

    /// <summary>Without a ping, with more members of the request.</summary>
    public Task<Reply> DirectWithAsync(object with) => exchange.PostAsync(
        "/v1/leads", key, Joined(new { vertical = "auto", fields = new Dictionary<string, string>(NextPerson()) { ["zip"] = "90210", ["state"] = "CA" } }, with));

    public Task<Reply> LeadAsync(string lead) => exchange.GetAsync($"/v1/leads/{lead}", key);

    public Metadata GrpcHeaders(string? idempotencyKey = null)
    {
        var headers = new Metadata { { "authorization", "Bearer " + key } };
        if (idempotencyKey is not null) headers.Add("idempotency-key", idempotencyKey);
        return headers;
    }

    public void Dispose() => channel.Dispose();

    private static string Joined(object members, object? more)
    {
        var body = JsonSerializer.SerializeToNode(members)!.AsObject();
        if (more is not null)
            foreach (var (name, value) in JsonSerializer.SerializeToNode(more)!.AsObject()) body[name] = value?.DeepClone();
        return body.ToJsonString();
    }
}

/// <summary>What tests ask an admin's API again and again.</summary>
public static class AdminQuestions
{
    public static async Task<JsonNode> AdminAsync(this ExchangeProcess exchange, string path)
    {
        var reply = await exchange.GetAsync("/v1/admin/" + path);
        // To come again: a connection that a database which was stopped has left behind, say.
        for (var tries = 0; reply.Status == 503 && tries < 40; tries++)
        {
            await Task.Delay(250);
            reply = await exchange.GetAsync("/v1/admin/" + path);
        }
        return reply.Status == 200 ? reply.Json : throw new InvalidOperationException($"{path} answered {reply.Status}: {reply.Text}");
    }

    /// <summary>The campaigns that hold copies of a lead, by offer.</summary>
    public static async Task<string[]> SoldToAsync(this ExchangeProcess exchange, string lead) =>
        [.. (await exchange.AdminAsync($"leads/{lead}"))["copies"]!.AsArray().Where(copy => Text(copy, "status") == "sold").Select(copy => Text(copy, "campaign")!)];

    /// <summary>One campaign's part in the explanation of a ping.</summary>
    public static async Task<JsonNode> ExplainedAsync(this ExchangeProcess exchange, string ping, string campaign)
    {
        var explanation = await exchange.AdminAsync($"pings/{ping}/explanation");
        return explanation["campaigns"]!.AsArray().Single(told => Text(told, "campaign") == campaign)!;
    }

    public static async Task<JsonNode> CapAsync(this ExchangeProcess exchange, string campaign, string cap) =>
        (await exchange.AdminAsync($"campaigns/{campaign}"))["state"]!["caps"]!.AsArray().Single(told => Text(told, "cap") == cap)!;

    public static async Task<JsonArray> LedgerAsync(this ExchangeProcess exchange, string lead) =>
        (await exchange.AdminAsync($"ledger?lead_id={lead}"))["transfers"]!.AsArray();

    /// <summary>What a ledger's transfers come to for one account: what it got less what it gave.</summary>
    public static decimal NetOf(this JsonArray transfers, string account) => transfers.Sum(transfer =>
        (Text(transfer, "credit") == account ? Amount(transfer) : 0m) - (Text(transfer, "debit") == account ? Amount(transfer) : 0m));

    public static async Task PatchAsync(this ExchangeProcess exchange, string path, object patch)
    {
        var reply = await exchange.SendAsync(HttpMethod.Patch, "/v1/admin/" + path, ExchangeProcess.AdminKey, JsonSerializer.Serialize(patch), "application/json", ("If-Match", "*"));
        if (reply.Status != 200) throw new InvalidOperationException($"{path} answered {reply.Status}: {reply.Text}");
    }

    public static string? Text(this JsonNode? node, string member) => node![member]?.ToString();

    private static decimal Amount(JsonNode? transfer) => decimal.Parse(Text(transfer, "amount")!, CultureInfo.InvariantCulture);
}
