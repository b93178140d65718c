using System.Globalization;
using System.Text.Json.Nodes;
using Exchange.System.Tests.Delivery;
using Shouldly;

namespace Exchange.System.Tests.BlackBox;

/// <summary><c>exchange buyers test</c> and test leads: only an endpoint's <c>test</c> is reached, and everything is shown but secrets.</summary>
[Collection(TrialsAndPostbacks.Name)]
public sealed class BuyerTrialTests : IAsyncLifetime
{
    private const string Key = "k3y-that-nobody-sees";

    private static int publishers;

    private readonly ExchangeProcess exchange;
    // A party has two live keys at most.
    private readonly string pub = string.Create(CultureInfo.InvariantCulture, $"trial-{Interlocked.Increment(ref publishers)}");
    private BuyerApp buyers = null!;

    public BuyerTrialTests(RunningExchange running) => exchange = running.Process;

    public async Task InitializeAsync()
    {
        buyers = await BuyerApp.StartAsync();
        foreach (var (name, value) in ((string, string)[])[("signing", "whsec_" + Convert.ToBase64String(BuyerApp.SigningKey)), ("theirs", Key)])
            (await exchange.SendAsync(HttpMethod.Put, $"/v1/admin/secrets/{name}", ExchangeProcess.AdminKey, value, "text/plain")).Status.ShouldBe(200);
    }

    public async Task DisposeAsync() => await buyers.DisposeAsync();

    private async Task<JsonNode> TrialAsync(string campaign)
    {
        var reply = await exchange.PostAsync($"/v1/admin/campaigns/{campaign}/test", ExchangeProcess.AdminKey, "{}");
        reply.Status.ShouldBe(200, reply.Text);
        reply.Text.ShouldNotContain(Key);
        reply.Text.ShouldNotContain(Convert.ToBase64String(BuyerApp.SigningKey));
        return reply.Json;
    }

    [Fact]
    public async Task OwnApi_PingAndPost_AreShownWithWhatWasReadInThem()
    {
        buyers["test/ping"].Answers("""{ "result": "success", "price": "7.50", "id": "p1", "echo": "k3y-that-nobody-sees" }""");
        buyers["test/post"].Answers("""{ "result": "failed", "msg": "no roof for k3y-that-nobody-sees" }""");
        await exchange.ApplyAsync(Catalog());

        var steps = (await TrialAsync("api"))["steps"]!.AsArray();
        steps.Select(step => $"{step!["step"]} {step["endpoint"]} {step["connector"]} {step["sent"]} {step["answer"]}").ShouldBe(["ping crm theirs true bid", "post crm theirs true rejected"]);
        var (ping, post) = (steps[0]!["calls"]![0]!, steps[1]!["calls"]![0]!);
        ((string)ping["target"]!).ShouldBe($"POST {buyers.Url("test/ping")}?key=SECRET-theirs");
        ((string)ping["body"]!).ShouldBe("zip=90210");
        ((string)ping["reply"]!).ShouldContain("\"echo\": \"SECRET-theirs\"");
        Read(ping).ShouldBe(["bid_when result success True", "price price 7.50 ", "carry.id id p1 "]);
        ((string)post["body"]!).ShouldBe("zip=90210&ping=p1&email=pat.doe%40example.com");
        post["headers"]!.AsArray().Select(header => $"{header!["name"]}: {header["value"]}").ShouldContain("Authorization: Bearer SECRET-theirs");
        Read(post).ShouldBe(["accepted_when result failed False", "rejected_when result failed True", "reason msg no roof for SECRET-theirs "]);
        ((string)steps[1]!["reason"]!).ShouldBe("no roof for SECRET-theirs");
        buyers["live/ping"].Requests.ShouldBeEmpty();
        buyers["live/post"].Requests.ShouldBeEmpty();
        buyers["test/post"].Requests.ShouldHaveSingleItem().Body.ShouldBe("zip=90210&ping=p1&email=pat.doe%40example.com"u8.ToArray());

        var (code, output, error) = await exchange.CliAsync("buyers", "test", "api");
        code.ShouldBe(0, error);
        output.ShouldContain("rejected_when");
        output.ShouldContain("Answer: rejected, error rejected, reason no roof for SECRET-theirs");
        output.ShouldNotContain(Key);
        (await exchange.CliAsync("buyers", "test", "api", "--json")).Output.ShouldContain("\"steps\"");

        static string[] Read(JsonNode call) => [.. call["read"]!.AsArray().Select(found => $"{found!["key"]} {found["at"]} {found["found"]} {(found["holds"] is { } holds ? holds.GetValue<bool>() : "")}")];
    }

    [Fact]
    public async Task PingDeclined_ItsPostIsOnlyShown()
    {
        buyers["test/ping"].Answers("""{ "result": "no" }""");
        await exchange.ApplyAsync(Catalog());
        var steps = (await TrialAsync("api"))["steps"]!.AsArray();
        ((string)steps[0]!["answer"]!).ShouldBe("no_bid");
        ((string)steps[1]!["note"]!).ShouldContain("no bid");
        steps[1]!["calls"]!.AsArray().Count.ShouldBe(1);
        buyers["test/post"].Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("webhook", "http", "webhook-signature: v1,SECRET-signing")]
    [InlineData("native", "http", "webhook-signature: v1,SECRET-signing")]
    [InlineData("mail", "mail", null)]
    [InlineData("files", "file", null)]
    [InlineData("stream", "stream", null)]
    [InlineData("untested", "http", "Authorization: Bearer SECRET-theirs")]
    public async Task WithoutATest_ItIsWrittenAndNotSent(string campaign, string way, string? header)
    {
        await exchange.ApplyAsync(Catalog());
        var step = (await TrialAsync(campaign))["steps"]!.AsArray().Last()!;
        ((bool)step["sent"]!).ShouldBeFalse();
        ((string)step["note"]!).ShouldContain("has no `test`");
        var call = step["calls"]!.AsArray().ShouldHaveSingleItem()!;
        ((string)call["way"]!).ShouldBe(way);
        ((string)call["body"]!).ShouldContain("90210");
        if (header is not null) call["headers"]!.AsArray().Select(each => $"{each!["name"]}: {each["value"]}").ShouldContain(header);
        foreach (var path in (string[])["live/ping", "live/post", "hook"]) buyers[path].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Native_WithATest_IsReallyAsked()
    {
        buyers["test-native"].Answers("""{ "answer": "duplicate", "reason": "seen" }""");
        await exchange.ApplyAsync(Catalog());
        var step = (await TrialAsync("tested-native"))["steps"]!.AsArray().ShouldHaveSingleItem()!;
        $"{step["sent"]} {step["answer"]} {step["reason"]}".ShouldBe("true duplicate seen");
        var request = buyers["test-native"].Requests.ShouldHaveSingleItem();
        request.IsSigned.ShouldBeTrue();
        ((bool)request.Json["test"]!).ShouldBeTrue();
    }

    [Fact]
    public async Task File_WithATest_IsARealFile()
    {
        await using var ssh = await SshServer.StartAsync();
        (await exchange.SendAsync(HttpMethod.Put, "/v1/admin/secrets/ssh", ExchangeProcess.AdminKey, global::System.Text.Encoding.ASCII.GetString(ssh.ClientKey), "text/plain")).Status.ShouldBe(200);
        await exchange.ApplyAsync(Catalog(ssh.Port, ssh.Inbox));
        var step = (await TrialAsync("files"))["steps"]!.AsArray().ShouldHaveSingleItem()!;
        ((string)step["answer"]!).ShouldBe("accepted");
        var file = ssh.Files.ShouldHaveSingleItem();
        file.ShouldStartWith("test-leads-");
        ((string)step["ref"]!).ShouldBe(file);
        ssh.Read(file).ShouldBe(((string)step["calls"]![0]!["body"]!).Replace("\n", "\r\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Inbox_Unknown_AndViewers()
    {
        await exchange.ApplyAsync(Catalog());
        var step = (await TrialAsync("pulled"))["steps"]!.AsArray().ShouldHaveSingleItem()!;
        ((string)step["note"]!).ShouldContain("pulls");
        var unknown = await exchange.PostAsync("/v1/admin/campaigns/nobodys/test", ExchangeProcess.AdminKey, "{}");
        (unknown.Status, unknown.Code).ShouldBe((404, "not_found"));
        var (code, _, error) = await exchange.CliAsync("buyers", "test", "nobodys");
        code.ShouldBe(1);
        error.ShouldContain("no such campaign");
        (await exchange.PostAsync("/v1/admin/campaigns/pulled/test", await exchange.KeyAsync("viewer", "someone"), "{}")).Status.ShouldBe(403);
    }

    [Theory]
    [InlineData("""{ "answer": "accepted", "redirect_url": "https://buyer.example/thanks" }""", "sold", "a", "https://buyer.example/thanks")]
    [InlineData("""{ "answer": "rejected" }""", "sold", "b", null)]
    [InlineData("""{ "answer": "pending" }""", "pending", "a", null)]
    [InlineData("not json", "in_doubt", "a", null)]
    public async Task TestLead_IsAskedOnceWhereTestsGo_AndItsAnswerMakesTheSale(string answer, string status, string buyer, string? redirect)
    {
        buyers["test-native"].Answers(answer);
        await exchange.ApplyAsync(Market.With($$"""
            publishers: { {{pub}}: { verticals: [auto], payout: { share: 80% } } }
            buyers:
              a: { credit_limit: "1000.00", endpoints: { crm: { connector: native, with: { url: "{{buyers.Url("live")}}", secret: { secret: signing } }, test: { with: { url: "{{buyers.Url("test-native")}}" } } } } }
              b: { credit_limit: "1000.00" }
            campaigns:
              a: { buyer: a, vertical: auto, bid: "4.00", delivery: { sold: on_accept, to: [crm] } }
              b: { buyer: b, vertical: auto, bid: "3.50" }
            ping_trees: { main: { vertical: auto, tiers: [ { name: pool, method: auction, pricing: second_price, floor: "1.00", campaigns: [a, b] } ] } }
            """));
        using var publisher = await Sender.OfAsync(exchange, pub);
        var ping = await publisher.PingAsync(with: new { test = true });
        var post = await publisher.PostAsync(ping["ping_id"]!);
        post["status"].ShouldBe(status, post.Text);
        post["redirect_url"].ShouldBe(redirect);
        (await exchange.CopiesAsync(post["lead_id"]!))[^1].ShouldStartWith(buyer + " ");
        (await exchange.LedgerAsync(post["lead_id"]!)).ShouldBeEmpty();
        buyers["test-native"].Requests.ShouldHaveSingleItem().Json["copy_id"]!.GetValue<string>().ShouldStartWith("test_");
        buyers["live"].Requests.ShouldBeEmpty();
        // Who says what is to come out asks nobody.
        var forced = await publisher.PingAsync(with: new { test = true, test_result = "sold" });
        (await publisher.PostAsync(forced["ping_id"]!))["status"].ShouldBe("sold");
        buyers["test-native"].Requests.Count.ShouldBe(1);
    }

    /// <summary>It is killed while the buyer thinks.</summary>
    [Fact]
    public async Task TestLead_WhoseServerDied_EndsByItself()
    {
        buyers["test-native"].Hangs();
        await exchange.ApplyAsync(Market.With($$"""
            publishers: { {{pub}}: { verticals: [auto], payout: { share: 80% } } }
            buyers:
              gone: { credit_limit: "1000.00", endpoints: { crm: { connector: native, with: { url: "{{buyers.Url("live")}}", secret: { secret: signing } }, test: { with: { url: "{{buyers.Url("test-native")}}" } } } } }
              spare: { credit_limit: "1000.00" }
            campaigns:
              gone: { buyer: gone, vertical: auto, bid: "4.00", delivery: { sold: on_accept, to: [crm] } }
              spare: { buyer: spare, vertical: auto, bid: "3.90" }
            ping_trees: { main: { vertical: auto, tiers: [ { name: pool, method: auction, campaigns: [gone, spare] } ] } }
            """));
        using var publisher = await Sender.OfAsync(exchange, pub);
        var ping = (await publisher.PingAsync(with: new { test = true }))["ping_id"]!;
        var post = publisher.PostAsync(ping);
        await MarketCalls.Until(() => buyers["test-native"].Requests.Count == 1, "its test is asked", exchange);
        exchange.Kill();
        await Should.ThrowAsync<HttpRequestException>(() => post);

        // It is told as pending for an hour, which the rows are made to say has passed.
        await exchange.RestartAsync();
        (await publisher.LeadAsync(ping))["status"].ShouldBe("pending");
        exchange.Kill();
        CopyRows.MakeOlder(exchange.Folder, ping, TimeSpan.FromHours(1));
        await exchange.RestartAsync();
        await MarketCalls.Until(async () => await exchange.StatusAsync(publisher.Key, ping) == "unsold", "it ends", exchange);
        (await publisher.LeadAsync(ping))["reason"].ShouldBe("expired");
        // Nobody else was given it, and its buyer was not asked again.
        (await exchange.CopiesAsync(ping)).ShouldBe(["gone 4.00 3.20 rejected voided"]);
        buyers["test-native"].Requests.Count.ShouldBe(1);
        buyers["live"].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task TestLead_SoldOnThePost_IsToldOnceToEveryTest_AndToNobodyElse()
    {
        await exchange.ApplyAsync(Market.With($$"""
            publishers: { {{pub}}: { verticals: [auto], payout: { share: 80% } } }
            buyers:
              a:
                credit_limit: "1000.00"
                endpoints:
                  hook: { connector: webhook, with: { url: "{{buyers.Url("live")}}", secret: { secret: signing } }, test: { with: { url: "{{buyers.Url("test-hook")}}" } } }
                  other: { connector: webhook, with: { url: "{{buyers.Url("other")}}", secret: { secret: signing } } }
            campaigns: { a: { buyer: a, vertical: auto, bid: "4.00", delivery: { send: all, wait: { for: 1h }, to: [hook, other] } } }
            ping_trees: { main: { vertical: auto, tiers: [ { name: pool, method: priority, campaigns: [a] } ] } }
            """));
        buyers["test-hook"].AnswersStatus(500);
        using var publisher = await Sender.OfAsync(exchange, pub);
        var ping = await publisher.PingAsync(with: new { test = true });
        (await publisher.PostAsync(ping["ping_id"]!))["status"].ShouldBe("sold");
        await MarketCalls.Until(() => buyers["test-hook"].Requests.Count == 1, "it is told", exchange);
        ((bool)buyers["test-hook"].Requests[0].Json["test"]!).ShouldBeTrue();
        await MarketCalls.Until(() => exchange.Output.Contains("to hook: Unknown http_500", StringComparison.Ordinal), "its answer is in the log", exchange);
        buyers["live"].Requests.ShouldBeEmpty();
        buyers["other"].Requests.ShouldBeEmpty();
        (await exchange.AdminAsync("deliveries?buyer=a"))["deliveries"]!.AsArray().Select(row => (string)row!["copy_id"]!).ShouldNotContain(id => id.StartsWith("test_", StringComparison.Ordinal));
    }

    private string Catalog(int port = 2222, string folder = "in") => Market.Of("ping_deadline: 10s", $$"""
        publishers: { {{pub}}: { verticals: [auto], payout: { share: 80% } } }
        connectors:
          theirs:
            needs: [url, key]
            common: { query: { key: "{{"{{ with.key }}"}}" }, form: { zip: "{{"{{ lead.zip }}"}}" }, reply: { format: json } }
            ping: { url: "{{"{{ with.url }}"}}/ping", reply: { bid_when: { at: result, is: success }, price: price, carry: { id: id } } }
            post:
              url: "{{"{{ with.url }}"}}/post"
              auth: { bearer: "{{"{{ with.key }}"}}" }
              form: { ping: "{{"{{ ping.id }}"}}", email: "{{"{{ lead.email }}"}}" }
              reply: { accepted_when: { at: result, is: success }, rejected_when: { at: result, is: failed }, reason: msg }
        buyers:
          first:
            credit_limit: "500.00"
            endpoints:
              crm: { connector: theirs, with: { url: "{{buyers.Url("live")}}", key: { secret: theirs } }, test: { with: { url: "{{buyers.Url("test")}}" } }, timeout: { ping: 9s } }
              real: { connector: theirs, with: { url: "{{buyers.Url("live")}}", key: { secret: theirs } } }
              hook: { connector: webhook, with: { url: "{{buyers.Url("hook")}}", secret: { secret: signing } } }
              own: { connector: native, with: { url: "{{buyers.Url("hook")}}", secret: { secret: signing } } }
              tested: { connector: native, with: { url: "{{buyers.Url("hook")}}", secret: { secret: signing } }, test: { with: { url: "{{buyers.Url("test-native")}}" } } }
              mail: { connector: email, with: { to: leads@first.example } }
              files: { connector: sftp, with: { host: localhost, port: {{port.ToString(CultureInfo.InvariantCulture)}}, user: {{SshServer.User}}, key: { secret: {{(port == 2222 ? "theirs" : "ssh")}} }, folder: "{{folder}}" }{{(port == 2222 ? "" : ", test: {}")}} }
              grpc: { connector: grpc }
        campaigns:
          api: { buyer: first, vertical: auto, bid: { live: crm } }
          untested: { buyer: first, vertical: auto, bid: { live: real } }
          webhook: { buyer: first, vertical: auto, bid: "3.00", delivery: { to: [hook] } }
          native: { buyer: first, vertical: auto, bid: "3.00", delivery: { to: [own] } }
          tested-native: { buyer: first, vertical: auto, bid: "3.00", delivery: { to: [tested] } }
          mail: { buyer: first, vertical: auto, bid: "3.00", delivery: { to: [mail] } }
          files: { buyer: first, vertical: auto, bid: "3.00", delivery: { to: [files] } }
          stream: { buyer: first, vertical: auto, bid: "3.00", delivery: { to: [grpc] } }
          pulled: { buyer: first, vertical: auto, bid: "3.00" }
        ping_trees: { main: { vertical: auto, tiers: [ { name: pool, method: priority, campaigns: all } ] } }
        """);
}
